// SPDX-License-Identifier: Apache-2.0
// Options at SOL_SOCKET: Linux's bounds, defaults and refusals.
#include "linux-abi/sockets/socket_options.h"

#include <asm/socket.h>
#include <gtest/gtest.h>

#include "linux-abi/abi/structures.h"

namespace {

using namespace linux_abi;

struct Options : testing::Test {
  SocketOptions options{1000, 2000};
  template <typename T>
  Answer<> set(int name, T value, bool privileged = false) {
    return options.set(name, std::as_bytes(std::span(&value, 1)), privileged);
  }
  std::int32_t get(int name) {
    const auto value = options.get(name, sizeof(std::int32_t));
    EXPECT_TRUE(value);
    EXPECT_EQ(value->size, sizeof(std::int32_t));
    return *option_as<std::int32_t>(std::span(value->bytes).first(value->size));
  }
};

TEST_F(Options, BuffersAreDoubledWithinBounds) {
  EXPECT_EQ(get(SO_SNDBUF), 1000);
  EXPECT_TRUE(set(SO_SNDBUF, 10000));
  EXPECT_EQ(get(SO_SNDBUF), 20000);
  EXPECT_TRUE(set(SO_SNDBUF, 0));
  EXPECT_EQ(get(SO_SNDBUF), 4608);
  EXPECT_TRUE(set(SO_RCVBUF, 1));
  EXPECT_EQ(get(SO_RCVBUF), 2304);
  EXPECT_TRUE(set(SO_RCVBUF, -1));
  EXPECT_EQ(get(SO_RCVBUF), 2 * 212992);
  EXPECT_EQ(set(SO_RCVBUFFORCE, 1 << 20).error(), EPERM);
  EXPECT_TRUE(set(SO_RCVBUFFORCE, 1 << 20, true));
  EXPECT_EQ(get(SO_RCVBUF), 2 << 20);
}

TEST_F(Options, FlagsAreOneOrZero) {
  EXPECT_EQ(get(SO_KEEPALIVE), 0);
  EXPECT_TRUE(set(SO_KEEPALIVE, 17));
  EXPECT_EQ(get(SO_KEEPALIVE), 1);
  EXPECT_TRUE(options.is_on(SO_KEEPALIVE));
  EXPECT_EQ(set(SO_DEBUG, 1).error(), EACCES);
  EXPECT_EQ(set(SO_PRIORITY, 7).error(), EPERM);
  EXPECT_TRUE(set(SO_PRIORITY, 7, true));
}

TEST_F(Options, TimesAreChecked) {
  EXPECT_TRUE(set(SO_RCVTIMEO, UserTimeval{2, 5}));
  EXPECT_EQ(options.receive_timeout_ns(), 2'000'005'000u);
  EXPECT_EQ(set(SO_RCVTIMEO, UserTimeval{0, 1'000'000}).error(), EDOM);
  EXPECT_EQ(set(SO_RCVTIMEO, 5).error(), EINVAL);
}

TEST_F(Options, UnknownAndFixedOnesAreRefused) {
  EXPECT_EQ(set(SO_SNDLOWAT, 5).error(), ENOPROTOOPT);
  EXPECT_EQ(get(SO_SNDLOWAT), 1);
  EXPECT_EQ(options.get(12345, 4).error(), ENOPROTOOPT);
  EXPECT_EQ(options.set(SO_REUSEADDR, {}, true).error(), EINVAL);
}

TEST_F(Options, SomeAreForRootOrGoOneWay) {
  EXPECT_EQ(set(SO_MARK, 1).error(), EPERM);
  EXPECT_EQ(set(SO_BUSY_POLL, 1).error(), EPERM);
  EXPECT_TRUE(set(SO_BUSY_POLL, 7, true));
  EXPECT_TRUE(set(SO_BUSY_POLL, 3));
  EXPECT_EQ(get(SO_BUSY_POLL), 3);
  EXPECT_EQ(set(SO_BUSY_POLL, -1).error(), EINVAL);
  EXPECT_EQ(set(SO_PREFER_BUSY_POLL, 1).error(), EPERM);
  EXPECT_TRUE(set(SO_LOCK_FILTER, 1));
  EXPECT_EQ(set(SO_LOCK_FILTER, 0, true).error(), EPERM);
  EXPECT_EQ(set(SO_RESERVE_MEM, 4096, true).error(), EOPNOTSUPP);
  EXPECT_EQ(set(SO_TXREHASH, 2).error(), EINVAL);
  EXPECT_TRUE(set(SO_TXREHASH, 0));
  EXPECT_TRUE(set(SO_TXREHASH, -1));
  EXPECT_EQ(get(SO_TXREHASH), 1);
}

TEST_F(Options, BuffersThatWereChosenAreLocked) {
  EXPECT_EQ(get(SO_BUF_LOCK), 0);
  EXPECT_TRUE(set(SO_SNDBUF, 10000));
  EXPECT_EQ(get(SO_BUF_LOCK), 1);
  EXPECT_TRUE(set(SO_RCVBUF, 10000));
  EXPECT_EQ(get(SO_BUF_LOCK), 3);
  EXPECT_TRUE(set(SO_BUF_LOCK, 0));
  EXPECT_EQ(get(SO_BUF_LOCK), 0);
  EXPECT_EQ(set(SO_BUF_LOCK, 4).error(), EINVAL);
}

TEST_F(Options, PacingRatesAreOfFourOrEightBytes) {
  EXPECT_TRUE(set(SO_MAX_PACING_RATE, std::uint64_t{1} << 40));
  EXPECT_EQ(get(SO_MAX_PACING_RATE), -1);  // of four bytes, the largest
  EXPECT_EQ(*option_as<std::uint64_t>(options.get(SO_MAX_PACING_RATE, 8)->bytes), std::uint64_t{1} << 40);
  EXPECT_TRUE(set(SO_MAX_PACING_RATE, -1));
  EXPECT_EQ(*option_as<std::uint64_t>(options.get(SO_MAX_PACING_RATE, 8)->bytes), ~std::uint64_t{0});
}

TEST_F(Options, TimeStampsAreOneStateUnderFourNames) {
  EXPECT_TRUE(set(SO_TIMESTAMP_OLD, 1));
  EXPECT_EQ(get(SO_TIMESTAMP_OLD), 1);
  EXPECT_TRUE(set(SO_TIMESTAMPNS_NEW, 1));
  EXPECT_EQ(get(SO_TIMESTAMP_OLD), 0);
  EXPECT_EQ(get(SO_TIMESTAMPNS_OLD), 0);
  EXPECT_EQ(get(SO_TIMESTAMP_NEW), 1);  // as Linux tells
  EXPECT_EQ(get(SO_TIMESTAMPNS_NEW), 1);
  ControlNotes notes;
  options.timestamps().tell(5'000'000'007, notes);
  ASSERT_EQ(notes.all().size(), 1u);
  EXPECT_EQ(notes.all()[0].type, SO_TIMESTAMPNS_NEW);
  EXPECT_EQ(option_as<UserTimespec>(notes.all()[0].bytes)->nanoseconds, 7);
  EXPECT_TRUE(set(SO_TIMESTAMP_OLD, 0));
  EXPECT_EQ(get(SO_TIMESTAMPNS_NEW), 0);
}

TEST_F(Options, TheLastTimeIsKeptOnceAskedFor) {
  TimestampOptions& times = options.timestamps();
  EXPECT_EQ(times.last(100).error(), ENOENT);
  times.received(50);
  EXPECT_EQ(*times.last(100), 50u);
  SocketOptions other(1, 1);
  other.timestamps().received(50);
  EXPECT_EQ(*other.timestamps().last(100), 100u);  // nobody had asked for it
}

TEST(PeekOffset, MovesWithWhatIsPeekedAtAndBackWithWhatIsTaken) {
  PeekOffset offset;
  offset.peeked(5);
  EXPECT_EQ(offset.value(), -1);
  offset.set(0);
  offset.peeked(5);
  EXPECT_EQ(offset.skip(), 5u);
  offset.taken(3);
  EXPECT_EQ(offset.value(), 2);
  offset.taken(9);
  EXPECT_EQ(offset.value(), 0);
}

}  // namespace
