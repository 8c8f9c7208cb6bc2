// SPDX-License-Identifier: Apache-2.0
// Processes that end at once: by themselves, or as this program executed anew. Until they have been waited for.
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

void wait_for(pid_t child) {
  int status = 0;
  check(child > 0 && waitpid(child, &status, 0) == child, "no child");
  check(status == 0, "a child has failed");
}

class ForkAndExit final : public Benchmark {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) {
      const pid_t child = fork();
      if (child == 0) _exit(0);
      wait_for(child);
    }
  }
};

class ForkAndExec final : public Benchmark {
 public:
  void perform(std::uint64_t times) override {
    for (; times != 0; --times) {
      const pid_t child = fork();
      if (child == 0) {
        execl("/proc/self/exe", "abi_bench", end_at_once, nullptr);
        _exit(127);
      }
      wait_for(child);
    }
  }
};

}  // namespace

std::unique_ptr<Benchmark> fork_and_exit() { return std::make_unique<ForkAndExit>(); }
std::unique_ptr<Benchmark> fork_and_exec() { return std::make_unique<ForkAndExec>(); }

}  // namespace abi_bench
