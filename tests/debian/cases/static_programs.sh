# SPDX-License-Identifier: Apache-2.0
# Programs without a dynamic linker: busybox's tools, and gosu, which is a static Go program.
export LC_ALL=C
gosu nobody id; gosu root:daemon sh -c 'id -gn'; gosu nobody cat /etc/shadow 2>&1; gosu nosuch true 2>&1; echo $?
cp /bin/busybox .; ./busybox | head -n 1
./busybox sh -c 'for i in 1 2 3; do echo $i; done | ./busybox tac; echo $((2 ** 40)); trap "echo bye" EXIT; x=$(echo sub); echo $x; ./busybox true && ./busybox false || echo no'
./busybox find /etc/apt -type f | ./busybox sort | ./busybox head -n 3; ./busybox awk -F: '{ n++ } END { print n }' /etc/passwd; ./busybox sed -n 's/^root/R/p' /etc/passwd; ./busybox grep -rl root /etc/pam.d | ./busybox sort | ./busybox head -n 2
./busybox tar c /etc/apt 2>/dev/null | ./busybox tar t | ./busybox wc -l; ./busybox gzip </usr/share/common-licenses/GPL-3 | ./busybox gunzip | ./busybox md5sum; ./busybox bzip2 </usr/share/common-licenses/GPL-3 | ./busybox bunzip2 | ./busybox sha256sum; ./busybox xz -d <<<x 2>&1
./busybox dd if=/dev/zero bs=1k count=10 2>/dev/null | ./busybox wc -c; ./busybox seq 5 | ./busybox xargs echo; ./busybox expr 6 '*' 7; ./busybox printf '%05d\n' 42; ./busybox basename /a/b; ./busybox cut -d: -f1 /etc/passwd | ./busybox head -n 2
