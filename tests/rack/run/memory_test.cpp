// SPDX-License-Identifier: Apache-2.0
// That memory and files are where they are said to be: on other machines.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
using harness::Words;
namespace fs = std::filesystem;

std::string guest(const std::string& name) { return std::string(GUEST_PROGRAMS) + "/" + name; }

// Whether the bytes are somewhere in the memory of a process (QEMU's, which is the component's).
bool has_in_memory(pid_t pid, const std::string& bytes) {
  std::ifstream maps(fs::path("/proc") / std::to_string(pid) / "maps");
  std::vector<char> part(4 << 20);
  for (std::string line; std::getline(maps, line);) {
    std::uint64_t from = 0, to = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, access) != 3 || access[0] != 'r') continue;
    for (; from < to; from += part.size() - bytes.size()) {
      iovec here{part.data(), std::min<std::size_t>(part.size(), to - from)};
      iovec there{reinterpret_cast<void*>(from), here.iov_len};
      const ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
      if (got > 0 && memmem(part.data(), static_cast<std::size_t>(got), bytes.data(), bytes.size()) != nullptr)
        return true;
      if (to - from <= part.size()) break;
    }
  }
  return false;
}

TEST(Remote, AWalkStallsWhileTheMemoryIsStopped) {
  RackRun rack({"--excache", "1M", "--file", guest("memory_walk") + "=/walk"},
               {"busybox", "sh", "-c", "while /walk 8 1; do echo lap; done"});
  ASSERT_TRUE(rack.wait_for("lap"));
  const pid_t memory = rack.process("m0");
  ASSERT_GT(memory, 0);
  kill(memory, SIGSTOP);
  rack.wait_for("no such text", 1);  // what was under way
  const std::size_t before = rack.output().size();
  EXPECT_FALSE(rack.wait_for("no such text", 2));
  EXPECT_EQ(rack.output().size(), before);
  kill(memory, SIGCONT);
  EXPECT_TRUE(rack.wait_for("lap"));
}

TEST(Remote, AnEvictedPageIsInTheMemoryComponent) {
  // The shell's text is not in the command line as such, and the pattern is made at run time.
  RackRun rack(
      {"--excache", "1M"},
      {"busybox", "sh", "-c",
       "x=needle; y=$(seq 1 20000); z=$x-$((1234567*7))-$x; y=$(seq 1 250000); echo ready; read line; echo $z"});
  ASSERT_TRUE(rack.wait_for("ready"));
  const std::string needle = "needle-8641969-needle";
  EXPECT_TRUE(has_in_memory(rack.process("m0"), needle));
  rack.type("\n");
  EXPECT_TRUE(rack.wait_for(needle));
}

// Traffic of forks, execs and pipes, from two shells at once, leaves nothing behind on any component.
TEST(Leaks, ForkExecAndPipeTrafficLeavesNothing) {
  const std::string loop =
      "i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo $i | busybox cat | busybox wc -c > /dev/null; "
      "(busybox true & busybox false; wait) ; busybox ls /bin > /tmp/l$1; done";
  RackRun rack({"--cpus", "2"}, {"busybox", "sh", "-c", "f() { " + loop + "; }; f 1 & f 2 & wait; echo done"});
  const Ended ended = rack.wait(400);
  ASSERT_EQ(ended.status, 0) << ended.error;
  EXPECT_EQ(ended.out, "done\n");
  const auto components = rack.stats().at("components");
  EXPECT_EQ(components.at("m0").at("frames").at("anonymous"), 0);
  EXPECT_EQ(components.at("m0").at("spaces"), 0);
  EXPECT_EQ(components.at("m0").at("objects"), 0);
  EXPECT_EQ(components.at("gmm").at("vregions"), 0);
  EXPECT_EQ(components.at("gmm").at("launches"), 0);
  EXPECT_LE(components.at("p0").at("threads").at("now"), 8);  // the component's own
}

// Every frame of a component is free or used for something that is named.
TEST(Frames, AddUpOnEveryComponent) {
  RackRun rack({}, {"busybox", "sh", "-c", "cat /bin/busybox | wc -c"});
  ASSERT_EQ(rack.wait().status, 0);
  const auto components = rack.stats().at("components");
  for (const char* name : {"p0", "m0", "s0"}) {
    const auto frames = components.at(name).at("frames");
    const auto of = [&](const char* what) { return frames.value(what, std::uint64_t{0}); };
    EXPECT_EQ(of("free") + of("kernel") + of("excache") + of("anonymous") + of("page_cache"), of("total"))
        << name << ": " << frames.dump();
    EXPECT_GT(of("kernel"), 0u) << name;
    EXPECT_GT(of("free"), 0u) << name;
    EXPECT_GE(of("peak_used"), of("kernel")) << name;
  }
}

TEST(Idle, ARackUsesAlmostNoProcessor) {
  RackRun rack({}, {"busybox", "sh", "-c", "echo ready; read line"});
  ASSERT_TRUE(rack.wait_for("ready"));
  rack.wait_for("no such text", 1);
  const auto used = [&] {
    double sum = 0;
    for (const auto& [name, pid] : rack.processes()) sum += harness::processor_seconds(pid);
    return sum;
  };
  const double before = used();
  rack.wait_for("no such text", 5);
  EXPECT_LT(used() - before, 0.10 * 5);  // of one core, by all of them together
}

}  // namespace
