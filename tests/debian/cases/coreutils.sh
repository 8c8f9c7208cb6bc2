# SPDX-License-Identifier: Apache-2.0
# GNU coreutils on files, folders, links and texts.
export LC_ALL=C TZ=UTC
seq 1 2000 >numbers
sort -R --random-source=/usr/share/common-licenses/GPL-3 numbers | sort -n | cmp - numbers && echo sorted
sort -S 64K -T . -k1,1r numbers | sha256sum
seq 1 200000 | sort -S 1M -T . -r --parallel=2 | md5sum
shuf --random-source=/usr/share/common-licenses/GPL-3 -n 5 numbers
head -n 5 numbers | tail -n 2; tail -c 10 numbers; tac numbers | head -n 1
split -n 3 -d numbers part; wc -c part0*; cat part0* | cmp - numbers && echo whole
csplit -s -f piece numbers 500 '/^1000$/'; wc -l piece*
printf 'a 1\nb 2\nc 3\n' >left; printf 'a x\nc y\nd z\n' >right
join left right; comm -3 <(cut -d' ' -f1 left) <(cut -d' ' -f1 right); paste -d: left right; nl left; fold -w 3 left
od -A x -t x1z /bin/true | head -n 2; base64 left; base32 left; cksum left; sum left; b2sum left | cut -c1-20
sha1sum left right >sums; sha1sum -c sums; uniq -c <<<$'a\na\nb'; tr -s a-c A-C <<<aabbcc; expand <<<$'\tx' | od -c
factor 1234567890 18446744073709551557; numfmt --to=iec 123456789; expr 6 \* 7; seq -s, -w 8 11; printf '%q\n' "a b"
date -u -d @1700000000 +%FT%T; date -u -d '2020-02-29 +1 year' +%F
echo text | tee one two | cat; cat one two
mkdir -p tree/a/b; touch -d '2001-02-03 04:05:06.789' tree/a/file; chmod 4751 tree/a/file; ln -s ../a/file tree/a/link; ln tree/a/file tree/a/hard
mkfifo -m 600 tree/fifo; truncate -s 1M tree/sparse; printf x | dd of=tree/sparse bs=1 seek=500000 conv=notrunc status=none
cp -a tree copy; (cd copy && find . -printf '%M %n %s %f %l %TY-%Tm-%Td\n' | sed "s/$(date -u +%Y-%m-%d)/today/" | sed '/^d/s/ [0-9]* / - /2' | sort)
stat -c '%A %a %h %s %F %y' tree/a/file; stat -c '%N' tree/a/link; readlink -f tree/a/link | sed "s,$PWD,.,"; realpath --relative-to=. tree/a/../sparse
test tree/a/file -ef tree/a/hard && echo same; test tree/a/file -ot numbers && echo older; [ -u tree/a/file ] && [ -L tree/a/link ] && [ -p tree/fifo ] && echo kinds
ls -l --time-style=+%Y tree/a | sed 1d; ls -1F tree; ls -id tree/a/file tree/a/hard | cut -d' ' -f1 | uniq | wc -l
du --apparent-size -b tree/sparse; [ "$(du -k tree/sparse | cut -f1)" -lt 100 ] && echo holes
mv tree/a/hard tree/moved; mv -n one two; ls; rm -r copy; rmdir copy 2>&1; rmdir tree/a 2>&1; rm tree 2>&1
cp one /nonexistent/x 2>&1; cat /nonexistent 2>&1; mkdir tree 2>&1; cd tree/a/file 2>/dev/null || echo 'no folder'; ln -s loop loop; cat loop 2>&1
dd if=/dev/zero bs=64K count=50 status=none | wc -c; dd if=numbers bs=100 skip=2 count=1 status=none | md5sum; head -c 100000 /dev/urandom | wc -c
timeout 0.2 sleep 100; echo "timeout: $?"; { timeout -s KILL 0.2 sleep 100; } 2>/dev/null; echo "timeout: $?"; nice -n 5 nice; env -i A=1 env; id -u; id -gn; whoami; groups
install -m 711 numbers installed; stat -c %a installed; mktemp -u XXXX | wc -c; basename /a/b.c .c; dirname /a/b/c; pathchk -p 'a b' 2>&1; tsort <<<'a b b c'
stty </dev/null 2>&1; tty </dev/null; nohup echo nohup 2>/dev/null; printenv HOME; uname -s; arch; sync; true; sleep 0.01
for i in $(seq 1 300); do : >"many$i"; done; ls many* | wc -l; rm many*; ls | wc -l
setsid -w sh -c 'echo in a session of its own'; chroot / echo chrooted; nproc >/dev/null && df . >/dev/null && who && echo fine
ptx <<<'a b' | cat -A; pr -t -2 <<<$'1\n2\n3\n4'; fmt -w 20 <<<'some words that are to be filled again'; look=1; dircolors -b | head -c 10
