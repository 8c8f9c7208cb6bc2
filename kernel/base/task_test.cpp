// SPDX-License-Identifier: Apache-2.0
#include "kernel/base/task.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace {

struct ManualClock : base::Clock {
  std::uint64_t now_ns() const override { return now; }
  std::uint64_t now = 0;
};

base::Task<int> give(int value) { co_return value; }

base::Task<int> add(base::Completion<int>* first, int second) {
  CO_TRY(const int value, co_await *first);
  CO_TRY(const int other, co_await give(second));
  co_return value + other;
}

base::Task<> sleep_until(base::EventLoop* loop, std::uint64_t deadline) {
  co_await base::Sleep(*loop, deadline);
  co_return {};
}

TEST(Task, WaitsForACompletionAndReturnsTheSum) {
  ManualClock clock;
  base::EventLoop loop(clock);
  base::Completion<int> first(loop);
  int result = 0;
  base::spawn(add(&first, 2), [&](base::Result<int> value) { result = *value; });
  EXPECT_EQ(result, 0);
  first.complete(40);
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(loop.run_ready());
  EXPECT_EQ(result, 42);
  EXPECT_FALSE(loop.run_ready());
}

struct Giver {
  base::Completion<int> done;
  base::Completion<int>& get() { return done; }
};

base::Task<int> await_what_a_call_gives(Giver* giver) {
  base::Completion<int>& done = giver->get();
  co_return co_await done;
}

// GCC 12 copies what `co_await giver->get()` gives: then that must not compile.
static_assert(!std::is_copy_constructible_v<base::Completion<int>> && !std::is_copy_constructible_v<base::Sleep>);

TEST(Task, WaitsForACompletionThatACallReturnsByReference) {
  ManualClock clock;
  base::EventLoop loop(clock);
  Giver giver{base::Completion<int>(loop)};
  int result = 0;
  base::spawn(await_what_a_call_gives(&giver), [&](base::Result<int> value) { result = *value; });
  giver.done.complete(7);
  EXPECT_TRUE(loop.run_ready());
  EXPECT_EQ(result, 7);
}

TEST(Task, PassesErrorsUp) {
  ManualClock clock;
  base::EventLoop loop(clock);
  base::Completion<int> first(loop);
  base::Error error = base::Error::None;
  base::spawn(add(&first, 2), [&](base::Result<int> value) { error = value.error(); });
  first.complete(base::fail(base::Error::TimedOut));
  loop.run_ready();
  EXPECT_EQ(error, base::Error::TimedOut);
}

TEST(Task, SleepsUntilTheDeadline) {
  ManualClock clock;
  base::EventLoop loop(clock);
  bool done = false;
  base::spawn(sleep_until(&loop, 100), [&](base::Result<>) { done = true; });
  EXPECT_EQ(loop.next_deadline_ns(), 100u);
  clock.now = 99;
  loop.run_ready();
  EXPECT_FALSE(done);
  clock.now = 100;
  loop.run_ready();
  EXPECT_TRUE(done);
  EXPECT_EQ(loop.next_deadline_ns(), base::never_ns);
}

}  // namespace
