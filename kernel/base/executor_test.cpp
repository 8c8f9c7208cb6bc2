// SPDX-License-Identifier: Apache-2.0
// The event loop as those who drive it from a sleep see it: the waker, idleness and the next deadline.
#include "kernel/base/executor.h"

#include <gtest/gtest.h>

namespace base {
namespace {

class ManualClock final : public Clock {
 public:
  std::uint64_t now_ns() const override { return now; }
  std::uint64_t now = 0;
};

class CountingWaker final : public LoopWaker {
 public:
  void wake() override { ++wakes; }
  int wakes = 0;
};

class CountingWork final : public Work {
 public:
  explicit CountingWork(EventLoop& loop, int again = 0) : again_(again), loop_(loop) {}
  void run() override {
    ++runs;
    if (again_-- > 0) loop_.post(*this);
  }
  int runs = 0;

 private:
  int again_;
  EventLoop& loop_;
};

class CountingTimer final : public Timer {
 public:
  void expired() override { ++expirations; }
  int expirations = 0;
};

TEST(EventLoop, WakesOnceForEachTimeItBecomesBusy) {
  ManualClock clock;
  EventLoop loop(clock);
  CountingWaker waker;
  loop.set_waker(waker);
  CountingWork first(loop), second(loop);
  loop.post(first);
  loop.post(first);
  loop.post(second);
  EXPECT_EQ(waker.wakes, 1);
  EXPECT_FALSE(loop.idle());
  EXPECT_TRUE(loop.run_ready());
  EXPECT_TRUE(loop.idle());
  EXPECT_EQ(first.runs + second.runs, 2);
  loop.post(first);
  EXPECT_EQ(waker.wakes, 2);
  loop.run_ready();
}

TEST(EventLoop, WorkThatPostsItselfRunsOncePerTurn) {
  ManualClock clock;
  EventLoop loop(clock);
  CountingWork work(loop, 3);
  loop.post(work);
  for (int turn = 1; turn <= 4; ++turn) {
    EXPECT_TRUE(loop.run_ready());
    EXPECT_EQ(work.runs, turn);
  }
  EXPECT_FALSE(loop.run_ready());
}

TEST(EventLoop, NextDeadlineIsTheEarliestTimers) {
  ManualClock clock;
  EventLoop loop(clock);
  EXPECT_EQ(loop.next_deadline_ns(), never_ns);
  CountingTimer late, early;
  loop.arm(late, 200);
  loop.arm(early, 100);
  EXPECT_EQ(loop.next_deadline_ns(), 100u);
  clock.now = 99;
  EXPECT_FALSE(loop.run_ready());
  clock.now = 100;
  EXPECT_TRUE(loop.run_ready());
  EXPECT_EQ(early.expirations, 1);
  EXPECT_EQ(loop.next_deadline_ns(), 200u);
  late.cancel();
  EXPECT_EQ(loop.next_deadline_ns(), never_ns);
}

}  // namespace
}  // namespace base
