# SPDX-License-Identifier: Apache-2.0
# tar, gzip, bzip2, xz and zstd: what comes out is what went in, and archives are the same bytes as elsewhere.
export LC_ALL=C TZ=UTC
cp -a /usr/lib/python3.11/json /usr/lib/python3.11/asyncio .
rm -rf json/__pycache__ asyncio/__pycache__
ln -s json/decoder.py link; ln json/encoder.py hard; truncate -s 3M sparse; printf end >>sparse; mkdir empty; mkfifo fifo
options='--sort=name --mtime=@1600000000 --owner=0 --group=0 --numeric-owner'
tar $options -cf all.tar json asyncio link hard empty fifo
tar tvf all.tar | sed 's/^d[^ ]*/d/' | md5sum; tar tf all.tar | wc -l; md5sum <all.tar
for packer in 'gzip -n' bzip2 'xz -2' 'xz -T2' zstd 'zstd -T2 -12'; do
  $packer -c <all.tar >packed; echo "$packer: $(${packer%% *} -dc <packed | cmp - all.tar && echo same) $(md5sum <packed)"
done
mkdir out; tar xpf all.tar -C out; diff -r --no-dereference json out/json && diff -r asyncio out/asyncio && stat -c '%F %h %N' out/link out/hard out/fifo out/empty
tar -cSf sparse.tar sparse; tar xSf sparse.tar -C out; cmp sparse out/sparse && echo sparse
tar -C /usr/share -cz perl 2>/dev/null | tar -tz | wc -l; tar -cJf a.tar.xz json && tar -xJOf a.tar.xz json/tool.py | md5sum
tar --zstd -cf a.tar.zst json && tar -xOf a.tar.zst json/tool.py | md5sum; gzip -k -9 hard 2>&1; cp json/tool.py t; gzip t; zcat t.gz | md5sum; gunzip t.gz; ls t; xz -k t; xz -t t.xz; xz -l --robot t.xz | cut -f3,4 | head -n 1; zgrep -c import t
head -c 200 all.tar | gzip | head -c 50 >bad.gz; gzip -t bad.gz 2>&1; echo $?; tar xf bad.gz 2>/dev/null; echo $?; (gzip -t <all.tar) 2>&1
tar cf - json | (cd out && tar --delete -f - json/tool.py) | tar tf - | grep -c tool; tar -uf all.tar json; tar df all.tar json 2>&1 | grep -v 'Mod time' | head -n 3
