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
    const auto value = options.get(name);
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
  EXPECT_EQ(options.get(12345).error(), ENOPROTOOPT);
  EXPECT_EQ(options.set(SO_REUSEADDR, {}, true).error(), EINVAL);
}

}  // namespace
