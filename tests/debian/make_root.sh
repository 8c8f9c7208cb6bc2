#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make_root.sh LEGO FOLDER: makes FOLDER/root.ext4, an image of the packages listed beside this file, and FOLDER/tree, its
# files as a folder, for comparison with native Linux. Does nothing if they are there. LEGO: the built command.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
lego=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
stamp=$(cat "$0" "$here/packages" | sha256sum)
if [ -e "$folder/root.ext4" ] && [ -d "$folder/tree" ] && [ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ]; then
  exit 0
fi
rm -rf "$folder/root.ext4" "$folder/tree" "$folder/stamp"
# shellcheck disable=SC2046
"$lego" image debian "$folder/root.ext4" $(sed 's/#.*//' "$here/packages")
mkdir "$folder/tree"
# A plain user cannot give files to others, which debugfs says of each.
debugfs -R "rdump / \"$folder/tree\"" "$folder/root.ext4" >"$folder/rdump.log" 2>&1
mkdir "$folder/tree/cases"
echo "$stamp" >"$folder/stamp"
