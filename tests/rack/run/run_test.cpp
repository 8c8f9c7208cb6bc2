// SPDX-License-Identifier: Apache-2.0
// `lego run` as a newcomer uses it: output, input, exit statuses, files in and out, options.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using harness::Words;
namespace fs = std::filesystem;

Ended run(const Words& options, const Words& program, const std::string& input = {}) {
  RackRun rack(options, program);
  rack.type(input);
  rack.close_input();
  return rack.wait();
}

Ended shell(const std::string& script, const Words& options = {}) {
  return run(options, {"busybox", "sh", "-c", script});
}

class Place : public testing::Test {
 protected:
  Place() {
    std::string name = "/tmp/lego_run_files.XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~Place() override { fs::remove_all(folder_); }
  fs::path put(const std::string& name, const std::string& bytes, bool executable = true) {
    const fs::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << bytes;
    fs::permissions(path, executable ? fs::perms(0755) : fs::perms(0644));
    return path;
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  fs::path folder_;
};

TEST(Run, PrintsWhatOneExpects) {
  const Ended ended = shell("uname -a; ls -l /; echo hello | wc -c; echo to-error >&2; exit 3");
  EXPECT_EQ(ended.status, 3);
  EXPECT_TRUE(ended.out.starts_with("Linux lego 6.")) << ended.out;
  EXPECT_NE(ended.out.find("x86_64"), std::string::npos);
  for (const char* name : {"bin", "dev", "etc", "proc", "root", "tmp", "usr", "var"})
    EXPECT_NE(ended.out.find(std::string(" ") + name + "\n"), std::string::npos) << name << " in " << ended.out;
  EXPECT_TRUE(ended.out.ends_with("\n6\n")) << ended.out;
  EXPECT_EQ(ended.error, "to-error\n");
}

TEST(Run, RelaysBytesBothWays) {
  std::mt19937 random(1);
  std::string bytes(300'000, 0);
  for (char& byte : bytes) byte = static_cast<char>(random());
  RackRun rack({}, {"busybox", "cat"});
  // Pieces, so that neither side can hold all of it.
  for (std::size_t at = 0; at < bytes.size(); at += 10'000) {
    rack.type(bytes.substr(at, 10'000));
    rack.wait_for("no such text", 0);
  }
  rack.close_input();
  const Ended ended = rack.wait();
  EXPECT_EQ(ended.status, 0) << ended.error;
  EXPECT_TRUE(ended.out == bytes) << ended.out.size();
}

TEST(Run, TheEnvironmentIsAsAskedFor) {
  const Ended ended = run({"--env", "A=b c", "--cwd", "/tmp", "--user", "1000:50", "--hostname", "box"},
                          {"busybox", "sh", "-c", "echo $A; pwd; id -u; id -g; hostname; echo $HOME $PATH"});
  EXPECT_EQ(ended.out,
            "b c\n/tmp\n1000\n50\nbox\n/root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST(Run, TheProcessorsAndFileSystemsAreThere) {
  const Ended ended = run(
      {"--cpus", "2"},
      {"busybox", "sh", "-c",
       "nproc; cat /sys/devices/system/cpu/online; ls -d /sys/devices/system/cpu/cpu?; "
       "cat /proc/sys/kernel/random/boot_id > /tmp/a; cmp /tmp/a /proc/sys/kernel/random/boot_id && wc -c < /tmp/a; "
       "mount | while read what on where type kind rest; do echo $where $kind; done"});
  EXPECT_EQ(ended.out,
            "2\n0-1\n/sys/devices/system/cpu/cpu0\n/sys/devices/system/cpu/cpu1\n37\n"
            "/ ext4\n/proc proc\n/sys sysfs\n/dev devtmpfs\n/tmp tmpfs\n/run tmpfs\n/dev/shm tmpfs\n");
}

// Of a program whose pages come and go: its own output is as ever, and no line of the trace is lost, cut or mixed.
TEST(Trace, HasALineForEachFaultAndEachRequest) {
  RackRun rack(
      {"--excache", "1M", "--trace", "rpc,excache", "--file", std::string(GUEST_PROGRAMS) + "/memory_walk=/walk"},
      {"/walk", "4", "1"});
  const Ended traced = rack.wait();
  ASSERT_EQ(traced.status, 0) << traced.error.substr(0, 2000);
  std::uint64_t fetched = 0, fetches = 0;
  const std::regex fault(
      R"(\[pid \d+\] fault 0x[0-9a-f]+ (read|write|execute) (at 0x[0-9a-f]+|by a call): [a-z, -]+, \d+ us)");
  const std::regex request(R"(\[pid \d+\] rpc [A-Za-z]+ to [\d.]+: \d+ bytes out, (\d+ in|[a-z ]+), \d+ us)");
  std::istringstream lines(traced.error);
  for (std::string line; std::getline(lines, line);) {
    ASSERT_TRUE(std::regex_match(line, fault) || std::regex_match(line, request)) << line;
    fetched += line.find(" fault ") != line.npos && line.find("fetched") != line.npos ? 1 : 0;
    fetches += line.find(" rpc PageFetch ") != line.npos ? 1 : 0;
  }
  EXPECT_GT(fetched, 1000u);
  EXPECT_GE(fetches, fetched);
  // Those that are not there were made by the monitor itself, before the program was.
  const std::uint64_t fills = rack.stats().at("components").at("p0").at("excache").at("remote_fills");
  EXPECT_LE(fetches, fills);
  EXPECT_GE(fetches + 10, fills);
  EXPECT_EQ(traced.out, run({"--file", std::string(GUEST_PROGRAMS) + "/memory_walk=/walk"}, {"/walk", "4", "1"}).out);
}

// The texts are strace's of the same commands.
TEST(Trace, ShowsCallsAsStraceDoes) {
  RackRun rack({"--trace", "syscalls"}, {"busybox", "sh", "-c", "echo 'hi \"x' > /tmp/xx; busybox cat /tmp/xx"});
  const Ended traced = rack.wait();
  ASSERT_EQ(traced.status, 0) << traced.error.substr(0, 2000);
  for (const char* line :
       {R"(openat\(AT_FDCWD, "/tmp/xx", O_WRONLY\|O_CREAT\|O_TRUNC, 0666\) = 3)", R"(write\(1, "hi \\"x\\n", 6\) = 6)",
        R"(execve\("\S*", \["busybox", "cat", "/tmp/xx"\], 0x[0-9a-f]+\) = 0)",
        R"(openat\(AT_FDCWD, "/tmp/xx", O_RDONLY\) = 3)", R"(mprotect\(0x[0-9a-f]+, \d+, PROT_READ\) = 0)"}) {
    EXPECT_TRUE(std::regex_search(traced.error, std::regex(R"((^|\n)\[pid \d+\] )" + std::string(line) + "\n")))
        << line << "\n"
        << traced.error.substr(0, 4000);
  }
}

// What a pComponent notes of each page of its ExCache has its room too.
TEST(Run, ALargeExCacheStarts) {
  const Ended ended = run({"--excache", "2G"}, {"busybox", "sh", "-c", "echo $((6 * 7))"});
  EXPECT_EQ(ended.status, 0) << ended.error;
  EXPECT_EQ(ended.out, "42\n");
}

TEST(Run, DiesOfASignal) { EXPECT_EQ(shell("kill -KILL $$").status, 137); }

TEST(Run, EndsAfterTheTimeout) {
  const Ended ended = run({"--timeout", "2"}, {"busybox", "sleep", "1000"});
  EXPECT_EQ(ended.status, 124);
}

TEST_F(Place, WhatIsNotAProgramIsSaidSo) {
  std::string foreign("\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0", 20);
  foreign.resize(300);
  const fs::path cut = put("cut", content("/bin/busybox").substr(0, 3000));
  const Words options{"--file", cut.string() + "=/cut",
                      "--file", put("foreign", foreign).string() + "=/foreign",
                      "--file", put("text", "echo never\n").string() + "=/text",
                      "--file", put("plain", "x", false).string() + "=/plain",
                      "--file", put("script", "#!/bin/sh\necho ran $1\nexit 9\n").string() + "=/script"};
  struct Case {
    std::string program;
    int status;
  };
  for (const Case& each : {Case{"/cut", 126}, Case{"/foreign", 126}, Case{"/text", 126}, Case{"/plain", 126},
                           Case{"/etc", 126}, Case{"/missing", 127}, Case{"missing", 127}}) {
    const Ended ended = run(options, {each.program});
    EXPECT_EQ(ended.status, each.status) << each.program << ": " << ended.error;
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(std::count(ended.error.begin(), ended.error.end(), '\n'), 1) << ended.error;
    EXPECT_TRUE(ended.error.starts_with("lego: ")) << ended.error;
  }
  const Ended script = run(options, {"/script", "fine"});
  EXPECT_EQ(script.status, 9);
  EXPECT_EQ(script.out, "ran fine\n");
}

TEST_F(Place, FilesGoInAndOut) {
  const fs::path in = put("in", std::string(100'000, 'i'), false);
  RackRun rack({"--file", in.string() + "=/data/in", "--copy-out", "/made=" + (folder_ / "made").string(), "--copy-out",
                "/folder=" + (folder_ / "folder").string()},
               {"busybox", "sh", "-c", "md5sum < /data/in > /made; mkdir -p /folder/a; echo x > /folder/a/b"});
  const Ended ended = rack.wait();
  EXPECT_EQ(ended.status, 0) << ended.error;
  EXPECT_EQ(content(folder_ / "made"), harness::run_here({"busybox", "md5sum"}, std::string(100'000, 'i')).out);
  EXPECT_EQ(content(folder_ / "folder/a/b"), "x\n");
}

TEST_F(Place, SeveralComponentsOfEachKind) {
  const Ended ended = run({"--processors", "2", "--memories", "2", "--storages", "2", "--cpus", "2"},
                          {"busybox", "sh", "-c",
                           "nproc; dd if=/dev/urandom of=/tmp/x bs=100k count=20 2>/dev/null; cp /tmp/x /tmp/y; "
                           "cmp /tmp/x /tmp/y && echo equal; seq 1000 | sort -rn | head -1"});
  EXPECT_EQ(ended.status, 0) << ended.error;
  EXPECT_EQ(ended.out, "2\nequal\n1000\n");
}

// Sorting, counting and hashing as on the host, with less ExCache than the data takes.
TEST_F(Place, RealInput) {
  std::mt19937 random(7);
  std::string words, text;
  for (int i = 0; i < 40'000; ++i) words += "word" + std::to_string(random() % 3000) + "\n";
  for (int i = 0; i < 40'000; ++i)
    text += "the " + std::to_string(random()) + (i % 7 == 0 ? " over the " : " and ") + std::to_string(random()) + "\n";
  const fs::path word_file = put("words", words, false), text_file = put("text", text, false);
  const auto script = [](const std::string& one, const std::string& two) {
    return "sort " + one + " | uniq -c | sort -rn | head -20; sha256sum < " + two + "; wc < " + two + "; grep -c the " +
           two;
  };
  const Ended native = harness::run_here({"busybox", "sh", "-c", script(word_file, text_file)});
  const Ended ended =
      run({"--excache", "1M", "--file", word_file.string() + "=/words", "--file", text_file.string() + "=/text"},
          {"busybox", "sh", "-c", script("/words", "/text")});
  EXPECT_EQ(ended.status, 0) << ended.error;
  EXPECT_EQ(ended.out, native.out);
}

}  // namespace
