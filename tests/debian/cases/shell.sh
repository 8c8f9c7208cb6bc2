# SPDX-License-Identifier: Apache-2.0
# bash: pipelines, here-documents, substitutions of all kinds, traps, background jobs, exit statuses.
echo a b c | tr ' ' '\n' | sort -r | paste -sd,
seq 1 100000 | grep 7 | sed 's/7/seven/' | awk '{ n += length($0) } END { print n }' | cat | cat | cat
yes | head -n 3
echo "statuses: ${PIPESTATUS[*]}"
false | true | (exit 3)
echo "statuses: ${PIPESTATUS[*]}"
name=world
cat <<TEXT | sed 's/h/H/'
here, $name: $((6 * 7)) $(echo nested $(echo deeper))
TEXT
cat <<'TEXT'
as it is: $name $(echo)
TEXT
cat <<-TEXT
	without its tabs
	TEXT
read -r first second <<<"one two three"
echo "$first/$second"
diff <(seq 1 5) <(seq 2 6)
echo "diff: $?"
tee >(wc -l >counted) </usr/share/common-licenses/GPL-3 | md5sum | cmp - <(md5sum </usr/share/common-licenses/GPL-3) && echo same
for _ in $(seq 50); do [ -s counted ] && break; sleep 0.1; done
[ "$(cat counted)" = "$(wc -l </usr/share/common-licenses/GPL-3)" ] && echo counted

declare -A map=([x]=1 [y]=2)
list=(one two "three four")
echo "${#map[@]} ${map[x]} ${#list[@]} ${list[-1]} ${list[@]:1:1} ${name^^} ${name/o/0} ${name%ld} {a,b}{1..3}"
echo {a,b}{1..3}
for ((i = 0; i < 3; i++)); do printf '%03d|%-5s|%5.2f\n' "$i" "$name" "$i"; done
[[ abc123 =~ ^([a-z]+)([0-9]+)$ ]] && echo "${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
case $name in w*) echo starts ;; esac
f() { local x=$1; [ "$x" -le 1 ] && { echo 1; return; }; echo $((x * $(f $((x - 1))))); }
f 10

(trap 'echo on exit' EXIT; trap 'echo got USR1' USR1; kill -USR1 $BASHPID; exit 4)
echo "status: $?"
{ (kill -TERM $BASHPID); } 2>/dev/null
echo "status: $?"
{ bash -c 'kill -SEGV $$'; } 2>/dev/null
echo "status: $?"
/nonexistent 2>/dev/null
echo "status: $?"
/etc/passwd 2>/dev/null
echo "status: $?"
sleep 100 & sleeper=$!
(exit 7) & other=$!
wait $other
echo "waited: $?"
kill $sleeper
wait $sleeper 2>/dev/null
echo "waited: $?"
for i in 1 2 3 4 5; do (echo "part $i" >"part$i") & done
wait
cat part?
coproc reader { while read -r line; do echo "read $line"; done; }
echo text >&"${reader[1]}"
read -r answer <&"${reader[0]}"
echo "$answer"
exec {reader[1]}>&-
wait
exec 5>numbers; for i in 1 2 3; do echo "$i" >&5; done; exec 5>&-
exec 6<>numbers; read -r line <&6; echo "$line"; echo X >&6; exec 6>&-
cat numbers
echo "glob: $(echo part[1-3]) $(bash -O extglob -c 'echo !(part*|counted)')"
printf '#!/bin/bash\necho "script $0 $#: $*"\n' >script; chmod +x script; ./script a 'b c'
printf '#!/usr/bin/env -S awk -f\nBEGIN { print "by awk" }\n' >awked; chmod +x awked; ./awked
printf 'echo no interpreter line $1\n' >plain; chmod +x plain; ./plain x
mkfifo fifo; (echo through a fifo >fifo) & cat fifo; wait
ulimit -n 50; ulimit -n; (ulimit -f 1; trap '' XFSZ; head -c 5000 /dev/zero >big 2>/dev/null; echo "limit: $?"; stat -c %s big)
umask 027; touch masked; mkdir masked.d; stat -c '%A' masked masked.d
cd /usr/bin/../share && pwd && cd - >/dev/null && echo "${PWD##*/}" | wc -c
echo "$0" | sed 's/.*\///'
