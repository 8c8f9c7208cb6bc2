# SPDX-License-Identifier: Apache-2.0
# find, grep and xargs over the root itself.
export LC_ALL=C
find /etc -name '*.conf' | sort | md5sum
find /usr/share/perl /usr/lib/python3.11 -type f -size +64k -printf '%s %p\n' | sort -n | tail -n 20 | md5sum
find /usr/bin -type l -printf '%p %l\n' | sort | md5sum
find /usr/lib -perm -4000 -o -name 'libc.so*' | sort
find / -xdev -maxdepth 1 ! -name .lego ! -name cases | sort | head -n 40 | tr '\n' ' '; echo
grep -rl root /etc/pam.d /etc/security 2>/dev/null | sort | head -n 5
grep -rc --include='*.py' '^import' /usr/lib/python3.11/json /usr/lib/python3.11/asyncio | sort | md5sum
grep -rnwE --include='*.py' '(class|def) [A-Z]\w+' /usr/lib/python3.11/unittest | sort | md5sum
grep -oP '(?<=def )\w+(?=\(self\))' /usr/lib/python3.11/ast.py | sort -u | head -n 5
grep -c '' /usr/lib/python3.11/*.py | awk -F: '{ n += $2 } END { print n }'
grep -z -c x /bin/bash; fgrep -q root /etc/passwd; echo $?; grep nothing /etc/passwd; echo $?; grep x /nonexistent 2>&1; echo $?
mkdir -p a/b/c; touch a/1 a/b/2 'a/b/c/3 4'; find a -depth -mindepth 3; find a -type f -print0 | xargs -0 -n 1 -P 2 basename | sort
find a -type f -exec sh -c 'echo "$# of them"' _ {} +; find a -name '3*' -delete; find a -empty | sort; find a -newer a/1 -o -name 1 | sort | head -n 1
seq 1 5000 | xargs -n 100 echo | wc -l; seq 1 20 | xargs -P 4 -I{} sh -c 'echo {}' | sort -n | paste -sd' '
locale -a | head -n 2; file=$(which -a perl | head -n 1); echo "$file"; cmp /bin/bash /usr/bin/bash && echo same
