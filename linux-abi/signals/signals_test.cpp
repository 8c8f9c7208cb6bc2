// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "linux-abi/signals/actions.h"
#include "linux-abi/signals/pending.h"

namespace {

using linux_abi::PendingSignals;
using linux_abi::SignalActions;
using linux_abi::SignalInformation;
using linux_abi::SignalSet;
namespace sig = linux_abi::sig;

TEST(PendingSignals, KeepsAnOrdinarySignalOnce) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add({.signal = sig::usr1, .value = 1}));
  ASSERT_TRUE(pending.add({.signal = sig::usr1, .value = 2}));
  EXPECT_EQ(pending.take(SignalSet::all()).value, 1u);
  EXPECT_EQ(pending.take(SignalSet::all()).signal, 0);
}

TEST(PendingSignals, QueuesRealtimeSignalsInOrder) {
  PendingSignals pending;
  for (std::uint64_t value = 1; value <= 3; ++value) ASSERT_TRUE(pending.add({.signal = 40, .value = value}));
  ASSERT_TRUE(pending.add({.signal = 35, .value = 9}));
  EXPECT_EQ(pending.take(SignalSet::all()).value, 9u);
  for (std::uint64_t value = 1; value <= 3; ++value) {
    EXPECT_TRUE(pending.set().contains(40));
    EXPECT_EQ(pending.take(SignalSet::of(40)).value, value);
  }
  EXPECT_TRUE(pending.set().empty());
}

TEST(PendingSignals, GivesFaultsFirstAndHonoursTheMask) {
  PendingSignals pending;
  ASSERT_TRUE(pending.add({.signal = sig::hup}));
  ASSERT_TRUE(pending.add({.signal = sig::segv}));
  EXPECT_EQ(pending.take(SignalSet::all()).signal, sig::segv);
  EXPECT_EQ(pending.take(~SignalSet::of(sig::hup)).signal, 0);
  pending.discard(SignalSet::of(sig::hup));
  EXPECT_EQ(pending.take(SignalSet::all()).signal, 0);
}

TEST(PendingSignals, HasOneSignalOfATimer) {
  PendingSignals pending;
  const linux_abi::SignalInformation first{.signal = 40, .code = sig::code::timer, .timer = 3, .overrun = 5};
  EXPECT_FALSE(pending.has_from_timer(first));
  ASSERT_TRUE(pending.add(first));
  EXPECT_TRUE(pending.has_from_timer({.signal = 40, .code = sig::code::timer, .timer = 3, .overrun = 7}));
  EXPECT_FALSE(pending.has_from_timer({.signal = 40, .code = sig::code::timer, .timer = 4}));
  EXPECT_FALSE(pending.has_from_timer({.signal = 41, .code = sig::code::timer, .timer = 3}));
  EXPECT_EQ(pending.take(SignalSet::all()).overrun, 5 + 7 + 1);
  EXPECT_FALSE(pending.has_from_timer(first));
  ASSERT_TRUE(pending.add(first));
  EXPECT_TRUE(pending.has_from_timer(
      {.signal = 40, .code = sig::code::timer, .timer = 3, .overrun = std::numeric_limits<std::int32_t>::max()}));
  EXPECT_EQ(pending.take(SignalSet::all()).overrun, std::numeric_limits<std::int32_t>::max());
}

TEST(PendingSignals, RefusesRealtimeSignalsBeyondTheLimit) {
  PendingSignals pending;
  int accepted = 0;
  while (pending.add({.signal = 34})) ++accepted;
  EXPECT_EQ(accepted, 1024);
  EXPECT_TRUE(pending.add({.signal = sig::term}));
}

TEST(SignalActions, ExecKeepsIgnoredSignals) {
  SignalActions actions;
  actions.set(sig::intr, {.handler = 0x1000, .flags = 4});
  actions.set(sig::quit, {.handler = linux_abi::SignalAction::ignored});
  EXPECT_TRUE(actions.ignores(sig::chld));
  EXPECT_FALSE(actions.ignores(sig::intr));
  actions.reset_handlers();
  EXPECT_EQ(actions.of(sig::intr).handler, linux_abi::SignalAction::by_default);
  EXPECT_TRUE(actions.ignores(sig::quit));
}

TEST(SignalInformation, HasLinuxsLayout) {
  const auto fault = linux_abi::user_layout({.signal = sig::segv, .code = sig::code::segv_maperr, .value = 0x1234});
  std::uint64_t address;
  std::memcpy(&address, fault.data() + 16, 8);
  EXPECT_EQ(address, 0x1234u);
  const auto child =
      linux_abi::user_layout({.signal = sig::chld, .code = sig::code::cld_exited, .pid = 7, .uid = 8, .value = 3});
  std::int32_t pid, status;
  std::memcpy(&pid, child.data() + 16, 4);
  std::memcpy(&status, child.data() + 24, 4);
  EXPECT_EQ(pid, 7);
  EXPECT_EQ(status, 3);
  const auto back = linux_abi::from_user_layout(
      linux_abi::user_layout({.signal = 40, .code = sig::code::queue, .pid = 5, .uid = 6, .value = 77}));
  EXPECT_EQ(back.value, 77u);
  EXPECT_EQ(back.pid, 5);
}

}  // namespace
