// SPDX-License-Identifier: Apache-2.0
#include "kernel/base/async.h"

#include <gtest/gtest.h>

#include <string>

#include "kernel/base/task.h"

namespace {

struct StoppedClock : base::Clock {
  std::uint64_t now_ns() const override { return 0; }
};

base::Task<> append_when_woken(base::AsyncCondition* condition, std::string* log, char name) {
  co_await condition->wait();
  log->push_back(name);
  co_return {};
}

base::Task<> work_under_lock(base::AsyncLock* lock, base::AsyncCondition* step, bool exclusive, std::string* log,
                             char name) {
  const auto held = co_await lock->acquire(exclusive);
  log->push_back(name);
  co_await step->wait();
  log->push_back(static_cast<char>(name - 'a' + 'A'));
  co_return {};
}

void ignore(base::Result<>) {}

TEST(AsyncCondition, WakesEverybodyFromTheLoop) {
  StoppedClock clock;
  base::EventLoop loop(clock);
  base::AsyncCondition condition(loop);
  std::string log;
  base::spawn(append_when_woken(&condition, &log, 'a'), ignore);
  base::spawn(append_when_woken(&condition, &log, 'b'), ignore);
  condition.wake_all();
  EXPECT_EQ(log, "");
  loop.run_ready();
  EXPECT_EQ(log, "ab");
}

TEST(AsyncLock, SharersTogetherWritersAlone) {
  StoppedClock clock;
  base::EventLoop loop(clock);
  base::AsyncCondition step(loop);
  base::AsyncLock lock(loop);
  std::string log;
  base::spawn(work_under_lock(&lock, &step, false, &log, 'a'), ignore);
  base::spawn(work_under_lock(&lock, &step, false, &log, 'b'), ignore);
  base::spawn(work_under_lock(&lock, &step, true, &log, 'c'), ignore);
  base::spawn(work_under_lock(&lock, &step, false, &log, 'd'), ignore);  // behind the writer
  EXPECT_EQ(log, "ab");
  const auto settle = [&] {
    while (loop.run_ready()) {
    }
  };
  step.wake_all();
  settle();
  EXPECT_EQ(log, "abABc");
  step.wake_all();
  settle();
  EXPECT_EQ(log, "abABcCd");
  step.wake_all();
  settle();
  EXPECT_EQ(log, "abABcCdD");
  EXPECT_TRUE(lock.idle());
}

}  // namespace
