// SPDX-License-Identifier: Apache-2.0
// Two threads that wake one another by turns. One time is one wake: the call, and the other thread going on.
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "tools/bench/abi_program/benchmark.h"

namespace abi_bench {
namespace {

class FutexWake final : public Benchmark {
 public:
  FutexWake() { check(pthread_create(&partner_, nullptr, run_partner, this) == 0, "pthread_create"); }
  ~FutexWake() override {
    ended_ = true;
    give_turn(1);
    pthread_join(partner_, nullptr);
  }
  void perform(std::uint64_t times) override {
    for (std::uint64_t done = 0; done < times; done += 2) {
      give_turn(1);
      wait_for_turn(0);
    }
  }

 private:
  void give_turn(std::uint32_t whose) {
    turn_.store(whose);
    syscall(SYS_futex, &turn_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  }
  void wait_for_turn(std::uint32_t whose) {
    while (turn_.load() != whose) syscall(SYS_futex, &turn_, FUTEX_WAIT_PRIVATE, 1 - whose, nullptr, nullptr, 0);
  }
  static void* run_partner(void* self) {
    auto& benchmark = *static_cast<FutexWake*>(self);
    while (true) {
      benchmark.wait_for_turn(1);
      if (benchmark.ended_) return nullptr;
      benchmark.give_turn(0);
    }
  }

  std::atomic<std::uint32_t> turn_{0};
  std::atomic<bool> ended_{false};
  pthread_t partner_{};
};

}  // namespace

std::unique_ptr<Benchmark> futex_wake() { return std::make_unique<FutexWake>(); }

}  // namespace abi_bench
