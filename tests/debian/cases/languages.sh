# SPDX-License-Identifier: Apache-2.0
# awk, sed, perl, lua and ruby.
export LC_ALL=C.UTF-8
for awk in gawk mawk; do
  $awk 'BEGIN { for (i = 0; i < 100000; i++) s += i; print s; printf "%5.2f %x %s\n", 3.14159, 255, substr("hello", 2, 3) }'
  $awk -F: '{ n[$NF]++ } END { for (shell in n) print shell, n[shell] | "sort" }' /etc/passwd
  $awk 'BEGIN { "echo from a pipe" | getline x; print x; print "to one" | "cat 1>&2"; close("cat 1>&2"); while (("seq 3" | getline line) > 0) print line; exit 3 }' 2>&1
  echo $?
done
gawk 'BEGIN { n = split("c a b", a); asort(a); for (i = 1; i <= n; i++) printf "%s ", a[i]; print strftime("%Y", 0, 1) }'
sed -n '/^root/{s/:.*/!/;p}' /etc/passwd; seq 10 | sed -n '$!{h;d};x;G;p'; seq 5 | sed '2,4!d;s/3/three\n/'; printf 'x\n' >f; sed -i.bak 's/x/y/w out' f; cat f f.bak out; sed --expression='y/abc/xyz/' <<<aabbcc; sed 'bad' f 2>&1
perl -e 'print join(",", map { $_ * 2 } 1 .. 10), "\n"; my %h = (a => 1, b => 2); print sort keys %h; print `echo sub`; print "ä" =~ /^\w/ ? 1 : 0, "\n"'
perl -we 'use strict; my $pid = fork; if (!$pid) { exit 5 } waitpid $pid, 0; print $? >> 8, "\n"; local $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 100 }; print $@; pipe my $r, my $w; print {$w} "piped\n"; close $w; print <$r>; open my $f, "<", "/nonexistent" or print "$!\n"; printf "%s\n", join " ", sort { $b <=> $a } 3, 10, 2'
perl -MPOSIX -MFile::Find -MStorable=dclone -MTime::HiRes=sleep -MDigest::SHA=sha256_hex -MEncode -MSocket -e 'print floor(-1.5), " ", strtol("ff", 16), "\n"; my $n = 0; find(sub { $n++ }, "/etc/apt"); print $n > 3, "\n"; print dclone([1, [2]])->[1][0], "\n"; print sha256_hex("x"), "\n"; socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0); syswrite $a, "sock\n"; sysread $b, my $x, 10; print $x; sleep 0.01; print encode("UTF-16BE", "hi") eq "\0h\0i", "\n"; print scalar(() = "abcabc" =~ /b/g), "\n"'
perl -e 'my %h; $h{$_ % 1000} .= $_ for 1 .. 100000; my $n = 0; $n += length for values %h; print "$n\n"; my @a = sort { $a <=> $b } map { ($_ * 7919) % 100003 } 1 .. 50000; print "@a[0,1,-1]\n"'
lua5.4 -e 'print(("x"):rep(10), 10 // 3, string.format("%5.2f", math.pi)); local t = {}; for i = 1, 100000 do t[i] = i * i % 1009 end; table.sort(t); print(t[1], t[#t]); print(pcall(error, "oops")); local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end); print(co(), co(), co()); local f = io.popen("echo popen"); print(f:read("a")); for l in io.lines("/etc/debian_version") do print(l) end; print(os.execute("exit 3")); print(#os.tmpname() > 0, ("k=v"):match("(%w+)=(%w+)"), utf8.char(228))'
command -v ruby >/dev/null || exit 0
ruby -e 'puts (1..10).map { |x| x * x }.inspect; t = Thread.new { puts "thread" }; t.join; puts `echo sub`; puts $?.exitstatus'
ruby -rjson -rset -rdigest -rtempfile -rstringio -e 'puts JSON.generate({a: [1, nil, "x"]}); puts Digest::SHA256.hexdigest("x"); puts fork { exit 4 }.class; Process.wait; puts $?.exitstatus; r, w = IO.pipe; w.puts "piped"; w.close; puts r.read; begin; raise "boom"; rescue => e; puts e.message; end; q = Queue.new; ts = 4.times.map { |i| Thread.new { 100.times { q << i } } }; ts.each(&:join); puts q.size; f = Fiber.new { Fiber.yield 1; 2 }; puts f.resume, f.resume; Tempfile.create("x") { |t| t.write "temp"; t.flush; puts File.size(t.path) }; trap("USR1") { puts "usr1" }; Process.kill("USR1", $$); sleep 0.05; puts 2**200; puts %w[b a].sort.join; GC.start; puts ObjectSpace.count_objects.key?(:TOTAL); puts [3,1,2].sort_by { -_1 }.inspect'
