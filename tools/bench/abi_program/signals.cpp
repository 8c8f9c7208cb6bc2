// SPDX-License-Identifier: Apache-2.0
// A signal that the process sends to itself: the call, the handler, and the return from it.
#include <signal.h>
#include <unistd.h>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

volatile std::uint64_t handled = 0;
void handle(int) { handled = handled + 1; }

class SignalDelivery final : public Benchmark {
 public:
  SignalDelivery() {
    struct sigaction action {};
    action.sa_handler = handle;
    check(sigaction(SIGUSR1, &action, nullptr) == 0, "sigaction");
  }
  void perform(std::uint64_t times) override {
    const std::uint64_t before = handled;
    for (std::uint64_t i = 0; i < times; ++i) kill(getpid(), SIGUSR1);
    check(handled == before + times, "a signal was lost");
  }
};

}  // namespace

std::unique_ptr<Benchmark> signal_delivery() { return std::make_unique<SignalDelivery>(); }

}  // namespace abi_bench
