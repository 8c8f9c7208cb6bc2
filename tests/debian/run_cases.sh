# SPDX-License-Identifier: Apache-2.0
# run_cases.sh NAME...: runs the scripts /cases/NAME.sh one after the other, each in an empty folder on the disk, and
# says where the output of each begins and how it ended.
export PYTHONDONTWRITEBYTECODE=1
ulimit -c 0
for name in "$@"; do
  folder=/var/tmp/case
  rm -rf $folder
  mkdir $folder
  cd $folder || exit
  echo "==== $name"
  bash "/cases/$name.sh" </dev/null 2>&1
  echo "==== $name ended: $?"
done
cd /
rm -rf $folder
