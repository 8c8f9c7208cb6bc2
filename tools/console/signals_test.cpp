// SPDX-License-Identifier: Apache-2.0
// When a SIGINT ends the rack, and that signals arrive as events.
#include "tools/console/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "kernel/base/clock.h"

namespace console {
namespace {

using Action = InterruptPolicy::Action;
using base::millisecond_ns;
using base::second_ns;

TEST(InterruptPolicy, AThirdWithinTwoSecondsEndsTheRack) {
  InterruptPolicy policy;
  EXPECT_EQ(policy.interrupted(100 * second_ns), Action::Forward);
  EXPECT_EQ(policy.interrupted(101 * second_ns), Action::Forward);
  EXPECT_EQ(policy.interrupted(102 * second_ns), Action::EndRack);
}

TEST(InterruptPolicy, SlowOnesAreAllForTheProgram) {
  InterruptPolicy policy;
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(policy.interrupted(i * 1001 * millisecond_ns), Action::Forward);
  EXPECT_EQ(policy.interrupted(9 * 1001 * millisecond_ns + 10), Action::EndRack);
}

TEST(SignalSource, GivesSignalsInsteadOfBeingInterrupted) {
  SignalSource source;
  EXPECT_FALSE(source.next());
  kill(getpid(), SIGWINCH);
  kill(getpid(), SIGHUP);
  std::optional<int> first = source.next();
  std::optional<int> second = source.next();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first + *second, SIGWINCH + SIGHUP);
  EXPECT_FALSE(source.next());
}

}  // namespace
}  // namespace console
