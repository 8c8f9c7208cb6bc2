# SPDX-License-Identifier: Apache-2.0
# python_suite.sh NAME...: runs Python's regression tests of those names and says what became of each case: a line
# "CASE ok", "CASE skipped", "CASE failure" or "CASE error". What Python says meanwhile goes to stderr.
export PYTHONDONTWRITEBYTECODE=1
ulimit -c 0
mkdir -p /var/tmp/suite
cd /var/tmp/suite || exit
for name in "$@"; do
  rm -f results.xml
  # That case sets the machine's clock an hour ahead, for a while.
  python3 -m test -i test_monotonic_settime -u all,-network,-urlfetch,-largefile,-gui,-audio --junit-xml results.xml "$name" >&2 </dev/null
  echo "$name: status $?" >&2
  python3 - "$name" <<'TEXT'
import sys, xml.etree.ElementTree as tree
try:
    cases = tree.parse("results.xml").getroot().iter("testcase")
except FileNotFoundError:
    print(sys.argv[1], "nothing")
    sys.exit()
for case in cases:
    found = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
    print(case.get("name"), found[0] if found else "ok")
TEXT
done
cd /
rm -rf /var/tmp/suite
