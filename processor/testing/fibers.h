// SPDX-License-Identifier: Apache-2.0
// Threads of a test, as fibers under one seeded scheduler: which one runs next is drawn at random at each yield, so
// that a seed replays an interleaving. Time is virtual and moves when nothing else can. Hosted tests only.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernel/base/clock.h"
#include "kernel/base/random.h"
#include "kernel/base/waiter.h"

namespace testing_support {

class Scheduler;

class Fiber {
 public:
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

 private:
  friend class Scheduler;
  friend class FiberWaiter;
  Fiber(Scheduler& scheduler, std::function<void()> body);
  static void enter(unsigned low, unsigned high);

  Scheduler& scheduler_;
  std::function<void()> body_;
  ucontext_t context_;
  std::byte* stack_;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  bool blocked_ = false;
  std::uint64_t wake_at_ns_ = base::never_ns;
  bool finished_ = false;
};

class Scheduler final : public base::Clock {
 public:
  explicit Scheduler(std::uint64_t seed) : random(seed) {}
  ~Scheduler();

  base::Random random;

  Fiber& spawn(std::function<void()> body);
  // Something that happens by itself (a message arrives): runs between fibers. Returns whether anything is left to do.
  void set_background(std::function<bool()> step) { background_ = std::move(step); }
  // Runs until every fiber has finished. false: all are blocked for ever, or go round in circles.
  bool run();
  // The same, until done(); fibers may be left.
  bool run_until(const std::function<bool()>& done);
  std::uint64_t most_turns = 3'000'000;
  // Asked while no fiber can run: lets the next thing happen that comes before `until_ns`, and time pass till then
  // (advance_to). Returns whether anything happened.
  void set_idle(std::function<bool(std::uint64_t until_ns)> idle) { idle_ = std::move(idle); }
  void advance_to(std::uint64_t now_ns) { now_ns_ = std::max(now_ns_, now_ns); }

  // The fiber that runs; nullptr outside.
  Fiber* current() const { return current_; }
  // From a fiber: let others run.
  void yield();
  // From a fiber: until unblock() or the deadline.
  void block(std::uint64_t deadline_ns);
  static void unblock(Fiber& fiber) { fiber.blocked_ = false; }
  // From a fiber: ends it where it is.
  [[noreturn]] void exit();
  void sleep_ns(std::uint64_t duration_ns);
  std::uint64_t now_ns() const override { return now_ns_; }
  std::size_t fibers() const { return fibers_.size(); }

 private:
  friend class Fiber;
  friend class FiberWaiter;
  void switch_to(Fiber& fiber);
  void switch_back();
  bool advance_time();

  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::function<bool()> background_;
  std::function<bool(std::uint64_t)> idle_;
  Fiber* current_ = nullptr;
  ucontext_t main_context_;
  void* main_fake_stack_ = nullptr;
  const void* main_stack_ = nullptr;
  std::size_t main_stack_bytes_ = 0;
  std::uint64_t now_ns_ = 1'000'000'000;
};

// What a fiber waits on; for one wait after the other.
class FiberWaiter : public base::Waiter {
 public:
  explicit FiberWaiter(Scheduler& scheduler) : scheduler_(scheduler), fiber_(*scheduler.current_) {}
  void wake() override {
    woken_ = true;
    fiber_.blocked_ = false;
  }
  // Until wake() or the deadline. Whether it was woken.
  bool sleep(std::uint64_t deadline_ns = base::never_ns);

 private:
  Scheduler& scheduler_;
  Fiber& fiber_;
  bool woken_ = false;
};

}  // namespace testing_support
