// SPDX-License-Identifier: Apache-2.0
// EtherSocket against a socket pair: what it counts, what it refuses, and that it never blocks.
#include "net/ether_socket/ether_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace ether_socket {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    a = EtherSocket(ends[0]);
    b = EtherSocket(ends[1]);
  }
  EtherSocket a{-1};
  EtherSocket b{-1};
};

base::Result<> send(EtherSocket& socket, std::span<const std::byte> frame) {
  const std::span<const std::byte> parts[] = {frame};
  return socket.send(parts);
}

TEST(EtherSocket, CarriesFramesBothWays) {
  Pair pair;
  std::vector<std::byte> frame(4200, std::byte{7});
  std::array<std::byte, max_frame_bytes> buffer;
  EXPECT_EQ(pair.b.receive(buffer).error(), base::Error::Again);
  ASSERT_TRUE(send(pair.a, frame));
  ASSERT_TRUE(send(pair.b, std::span(frame).first(60)));
  EXPECT_EQ(pair.b.receive(buffer), 4200u);
  EXPECT_EQ(buffer[4199], std::byte{7});
  EXPECT_EQ(pair.a.receive(buffer), 60u);
  EXPECT_EQ(pair.a.counters().tx_bytes, 4200u);
  EXPECT_EQ(pair.b.counters().rx_frames, 1u);
}

TEST(EtherSocket, DropsWhatASlowPeerDoesNotTakeAndGoesOnAfterwards) {
  Pair pair;
  const std::vector<std::byte> frame(9000);
  while (send(pair.a, frame)) {
  }
  EXPECT_EQ(send(pair.a, frame).error(), base::Error::Exhausted);
  EXPECT_TRUE(pair.a.wants_write());
  EXPECT_GE(pair.a.counters().tx_dropped, 2u);
  std::array<std::byte, max_frame_bytes> buffer;
  std::uint64_t received = 0;
  while (received < pair.a.counters().tx_frames) {
    ASSERT_TRUE(pair.a.flush());
    while (pair.b.receive(buffer)) ++received;
  }
  EXPECT_FALSE(pair.a.wants_write());
  EXPECT_TRUE(send(pair.a, frame));
}

TEST(EtherSocket, SaysThatThePeerIsGone) {
  Pair pair;
  pair.b = EtherSocket(-1);
  std::array<std::byte, max_frame_bytes> buffer;
  EXPECT_EQ(pair.a.receive(buffer).error(), base::Error::Disconnected);
  EXPECT_EQ(send(pair.a, std::vector<std::byte>(60)).error(), base::Error::Disconnected);
}

TEST(EtherSocket, AFrameLargerThanTheBufferIsDropped) {
  Pair pair;
  ASSERT_TRUE(send(pair.a, std::vector<std::byte>(2000)));
  ASSERT_TRUE(send(pair.a, std::vector<std::byte>(100)));
  std::array<std::byte, 1500> buffer;
  EXPECT_EQ(pair.b.receive(buffer).error(), base::Error::Overflow);
  EXPECT_EQ(pair.b.receive(buffer), 100u);
  EXPECT_EQ(pair.b.counters().rx_bad, 1u);
}

TEST(EtherSocket, ConnectNamesWhatIsMissing) {
  EXPECT_EQ(EtherSocket::connect("/nonexistent/socket").error(), base::Error::NotFound);
  EXPECT_EQ(EtherSocket::connect(std::string(200, 'x')).error(), base::Error::NameTooLong);
}

}  // namespace
}  // namespace ether_socket
