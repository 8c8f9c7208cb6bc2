// SPDX-License-Identifier: Apache-2.0
// What a process keeps of its privileges when its ids change, and which of its memory it has locked.
#include <gtest/gtest.h>

#include "linux-abi/process/credentials.h"
#include "linux-abi/process/locked_memory.h"

namespace {

using linux_abi::all_capabilities;
using linux_abi::Capabilities;
using linux_abi::Capability;
using linux_abi::Credentials;
using linux_abi::LockedMemory;

TEST(Capabilities, GoWithTheLastZeroId) {
  Capabilities sets;
  sets.ids_changed({0, 0, 0}, {0, 1000, 0});
  EXPECT_EQ(sets.effective, 0u);
  EXPECT_EQ(sets.permitted, all_capabilities);
  sets.ids_changed({0, 1000, 0}, {0, 0, 0});
  EXPECT_TRUE(sets.has(Capability::Kill));
  sets.ids_changed({0, 0, 0}, {1000, 1000, 1000});
  EXPECT_EQ(sets.permitted, 0u);
}

TEST(Capabilities, CanBeKept) {
  Capabilities sets;
  sets.secure_bits = linux_abi::secure_bit::keep;
  sets.ids_changed({0, 0, 0}, {1000, 1000, 1000});
  EXPECT_EQ(sets.permitted, all_capabilities);
  EXPECT_EQ(sets.effective, 0u);
  sets.executed({1000, 1000, 1000}, false);
  EXPECT_EQ(sets.permitted, 0u);
  EXPECT_EQ(sets.secure_bits, 0u);
}

TEST(Capabilities, OfAProgramAreBounded) {
  Capabilities sets;
  sets.bounding = 0xff;
  sets.executed({1000, 0, 0}, true);
  EXPECT_EQ(sets.effective, 0xffu);
  sets.ambient = sets.inheritable = 0x20;
  sets.executed({1000, 1000, 1000}, false);
  EXPECT_EQ(sets.effective, 0x20u);
}

TEST(Credentials, FilesAreOpenToWhoMayOverride) {
  Credentials user;
  user.become(1000, 1000);
  EXPECT_FALSE(user.may_access(0100600, 0, 0, 4));
  user.capabilities.effective = linux_abi::bit_of(static_cast<std::uint64_t>(Capability::DacReadSearch));
  EXPECT_TRUE(user.may_access(0100600, 0, 0, 4));
  EXPECT_FALSE(user.may_access(0100600, 0, 0, 2));
  EXPECT_TRUE(user.may_access(0040700, 0, 0, 1));
}

TEST(LockedMemory, RangesJoinAndAreCut) {
  LockedMemory locked;
  ASSERT_TRUE(locked.add({10, 20}));
  ASSERT_TRUE(locked.add({30, 40}));
  EXPECT_EQ(locked.bytes(), 20u);
  EXPECT_EQ(locked.bytes_in({15, 35}), 10u);
  ASSERT_TRUE(locked.add({20, 30}));
  EXPECT_EQ(locked.bytes(), 30u);
  ASSERT_TRUE(locked.remove({12, 14}));
  EXPECT_EQ(locked.bytes(), 28u);
  EXPECT_EQ(locked.bytes_in({0, 13}), 2u);
  ASSERT_TRUE(locked.remove({0, 100}));
  EXPECT_TRUE(locked.empty());
}

TEST(LockedMemory, TellsWhereItChanges) {
  LockedMemory locked;
  EXPECT_EQ(locked.next_change(0), ~std::uint64_t{0});
  ASSERT_TRUE(locked.add({10, 20}));
  ASSERT_TRUE(locked.add({30, 40}));
  EXPECT_EQ(locked.next_change(0), 10u);
  EXPECT_EQ(locked.next_change(10), 20u);
  EXPECT_EQ(locked.next_change(20), 30u);
  EXPECT_EQ(locked.next_change(39), 40u);
  EXPECT_EQ(locked.next_change(40), ~std::uint64_t{0});
}

}  // namespace
