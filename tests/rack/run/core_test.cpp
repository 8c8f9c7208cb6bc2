// SPDX-License-Identifier: Apache-2.0
// A core file that a vNode's program left, in the hands of the host's debugger.
#include <gtest/gtest.h>

#include "tests/rack/run/rack_run.h"

namespace {

using harness::Ended;
using harness::RackRun;
namespace fs = std::filesystem;

const std::string program = std::string(GUEST_PROGRAMS) + "/crash";

TEST(Core, ADebuggerFindsTheThreadsAndTheirFunctions) {
  const fs::path core = fs::path(testing::TempDir()) / "crash.core";
  fs::remove(core);
  RackRun rack({"--cpus", "2", "--cwd", "/var/tmp", "--copy-out", "/var/tmp/core=" + core.string(), "--file",
                program + "=/bin/crash"},
               {"/bin/crash"});
  rack.close_input();
  const Ended ended = rack.wait(120);
  EXPECT_EQ(ended.status, 128 + 11) << ended.error;
  EXPECT_EQ(ended.out, "crashing\n");
  ASSERT_TRUE(fs::exists(core)) << ended.error;
  const Ended told =
      harness::run_here({"gdb", "-nx", "-batch", "-ex", "bt", "-ex", "info registers rip", "-ex",
                         "p $_siginfo.si_signo", "-ex", "p $_siginfo._sifields._sigfault.si_addr", "-ex", "info auxv",
                         "-ex", "x/s &crash_words", "-ex", "thread apply all bt", program, core.string()});
  fs::remove(core);
  const auto has = [&](const std::string& text) { EXPECT_NE(told.out.find(text), std::string::npos) << text; };
  has("Program terminated with signal SIGSEGV");
  has("#0  crashes_here (place=0x0, value=");
  has("in (anonymous namespace)::crash_in_thread");
  has("in waits_for_the_end (number=");
  has("in main");
  has("$1 = 11");
  has("AT_SYSINFO_EHDR");
  has("Written before the crash");
  EXPECT_LT(told.out.find("crashes_here"), told.out.find("waits_for_the_end"));  // who crashed comes first
  if (HasFailure()) GTEST_LOG_(INFO) << told.out << told.error;
}

}  // namespace
