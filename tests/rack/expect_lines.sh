#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# expect_lines.sh SECONDS PATTERN... -- COMMAND...
# Runs a command and reads its output line by line: succeeds when lines that match the shell patterns have come, in this
# order (others may come between), and then ends the command. `absent:PATTERN` fails as soon as such a line comes, at any
# time. Patterns match anywhere in a line. `status:N` as the last one: the command must end by itself with this status.
set -u

seconds=$1
shift
wanted=
refused=
status=
while [ "$1" != -- ]; do
  case $1 in
    absent:*) refused="$refused${1#absent:}
" ;;
    status:*) status=${1#status:} ;;
    *) wanted="$wanted$1
" ;;
  esac
  shift
done
shift

folder=$(mktemp -d)
mkfifo "$folder/output"
timeout -k 5 "$seconds" "$@" > "$folder/output" 2>&1 < /dev/null &
command=$!
end() {
  kill "$command" 2> /dev/null
  wait "$command"
  rm -rf "$folder"
}

# Prints what it reads; ends with 0 when everything wanted has come, 1 on a refused line, 2 at the end of the output.
watch() {
  while IFS= read -r line; do
    printf '%s\n' "$line"
    while IFS= read -r pattern; do
      [ -n "$pattern" ] || continue
      case $line in
        *$pattern*)
          echo "expect_lines: this line should not have come: $pattern"
          return 1
          ;;
      esac
    done << REFUSED
$refused
REFUSED
    case $line in
      *${wanted%%
*}*)
        wanted=${wanted#*
}
        [ -n "$wanted" ] || [ -n "$status" ] || return 0
        ;;
    esac
  done
  [ -n "$wanted" ] || return 0
  echo "expect_lines: the output ended before: ${wanted%%
*}"
  return 2
}

watch < "$folder/output"
result=$?
if [ "$result" = 0 ] && [ -n "$status" ]; then
  wait "$command"
  found=$?
  rm -rf "$folder"
  [ "$found" = "$status" ] || {
    echo "expect_lines: the command ended with status $found instead of $status"
    exit 1
  }
  exit 0
fi
end
exit "$result"
