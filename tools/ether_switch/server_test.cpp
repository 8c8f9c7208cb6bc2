// SPDX-License-Identifier: Apache-2.0
// The switch's sockets: real ports, a port that does not read, one that goes and comes back, garbage, and the capture.
#include "tools/ether_switch/server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "kernel/base/endian.h"
#include "net/ether_socket/ether_socket.h"

namespace ether_switch {
namespace {

using ether_socket::EtherSocket;

class Rack {
 public:
  explicit Rack(FaultPlan plan = {}, std::optional<PcapWriter> capture = std::nullopt)
      : stop_(eventfd(0, EFD_CLOEXEC)), server_(ports(), std::move(plan), std::move(capture)) {
    thread_ = std::thread([this] { server_.run(stop_.get()); });
  }
  ~Rack() {
    if (thread_.joinable()) stop();
    std::filesystem::remove_all(folder_);
  }
  void stop() {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  EtherSocket attach(const char* name) { return *EtherSocket::connect(folder_ + "/" + name); }
  std::string path(const char* name) { return folder_ + "/" + name; }
  Server& server() { return server_; }

 private:
  std::vector<PortSpec> ports() {
    char name[] = "/tmp/ether_switch_test.XXXXXX";
    folder_ = mkdtemp(name);
    return {{"a", folder_ + "/a"}, {"b", folder_ + "/b"}, {"c", folder_ + "/c"}};
  }
  std::string folder_;
  support::Fd stop_;
  Server server_;
  std::thread thread_;
};

std::vector<std::byte> frame_of(unsigned destination, unsigned source, std::size_t length = 60) {
  std::vector<std::byte> frame(length);
  std::fill_n(frame.begin(), 12, static_cast<std::byte>(destination == 0xff ? 0xff : 2));
  frame[5] = static_cast<std::byte>(destination);
  std::fill_n(frame.begin() + 6, 5, std::byte{2});
  frame[11] = static_cast<std::byte>(source);
  return frame;
}

base::Result<> send(EtherSocket& socket, const std::vector<std::byte>& frame) {
  const std::span<const std::byte> parts[] = {frame};
  return socket.send(parts);
}

// The next frame's length; 0 if the peer hung up or nothing comes for a long time.
std::size_t wait_frame(EtherSocket& socket, int wait_ms = 20000) {
  static std::array<std::byte, ether_socket::max_frame_bytes> buffer;
  for (;;) {
    const auto got = socket.receive(buffer);
    if (got) return *got;
    if (got.error() != base::Error::Again) return 0;
    pollfd waiting{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, wait_ms) <= 0) return 0;
  }
}

// A port is attached once something it sent has come through. The switch accepts in the order of connecting, so that a
// witness that connected earlier hears it.
void introduce(EtherSocket& socket, unsigned address, EtherSocket& witness) {
  ASSERT_TRUE(send(socket, frame_of(0xff, address)));
  ASSERT_EQ(wait_frame(witness), 60u);
}

TEST(Server, ConnectsItsPorts) {
  Rack rack;
  EtherSocket a = rack.attach("a");
  EtherSocket b = rack.attach("b");
  introduce(b, 2, a);
  introduce(a, 1, b);
  for (const std::size_t length : {std::size_t{14}, std::size_t{4200}, ether_socket::max_frame_bytes}) {
    ASSERT_TRUE(send(b, frame_of(1, 2, length)));
    EXPECT_EQ(wait_frame(a), length);
    ASSERT_TRUE(send(a, frame_of(2, 1, length)));
    EXPECT_EQ(wait_frame(b), length);
  }
}

TEST(Server, APortThatDoesNotReadHoldsUpNobody) {
  Rack rack;
  EtherSocket a = rack.attach("a");
  EtherSocket b = rack.attach("b");
  EtherSocket c = rack.attach("c");
  // All three are known once c has heard a, and a has heard b and c.
  introduce(b, 2, a);
  introduce(c, 3, a);
  ASSERT_TRUE(send(a, frame_of(3, 1)));
  while (wait_frame(c) != 60) {
  }
  // b never reads. Far more than its queue and socket hold, with a frame to c after each.
  unsigned answered = 0;
  for (unsigned i = 0; i < 2000; ++i) {
    while (!send(a, frame_of(2, 1, 9000))) {
      pollfd waiting{.fd = a.fd(), .events = POLLOUT, .revents = 0};
      poll(&waiting, 1, 1000);
      ASSERT_TRUE(a.flush());
    }
    if (i % 100 != 99) continue;
    ASSERT_TRUE(send(a, frame_of(3, 1, 100)));
    while (a.wants_write()) {
      pollfd waiting{.fd = a.fd(), .events = POLLOUT, .revents = 0};
      poll(&waiting, 1, 1000);
      ASSERT_TRUE(a.flush());
    }
    std::size_t got = wait_frame(c);
    while (got == 60) got = wait_frame(c);
    answered += got == 100;
  }
  EXPECT_EQ(answered, 20u);
  rack.stop();
  EXPECT_NE(rack.server().summary().find("b: received 1 sent "), std::string::npos) << rack.server().summary();
  EXPECT_EQ(rack.server().summary().find("b: received 1 sent 2001 dropped 0"), std::string::npos);
}

TEST(Server, APortCanBeUsedAgainAfterItsClientLeft) {
  Rack rack;
  EtherSocket a = rack.attach("a");
  for (int round = 0; round < 3; ++round) {
    EtherSocket b = rack.attach("b");
    introduce(b, 2, a);
    // A second client is refused while the first is there.
    EtherSocket second = rack.attach("b");
    EXPECT_EQ(wait_frame(second), 0u);
  }
}

TEST(Server, GarbageEndsTheConnectionOfItsSenderOnly) {
  Rack rack;
  EtherSocket a = rack.attach("a");
  EtherSocket b = rack.attach("b");
  introduce(b, 2, a);
  EtherSocket c = rack.attach("c");
  const std::string garbage(100000, '\xff');
  ASSERT_GT(::send(c.fd(), garbage.data(), garbage.size(), MSG_NOSIGNAL), 0);
  EXPECT_EQ(wait_frame(c), 0u);
  introduce(a, 1, b);
}

TEST(Server, FaultsAreTimedByTheServer) {
  Rack rack(*FaultPlan::parse("delay=5ms,dup=100%"));
  EtherSocket a = rack.attach("a");
  EtherSocket b = rack.attach("b");
  introduce(b, 2, a);
  EXPECT_EQ(wait_frame(a), 60u);  // the duplicate
}

TEST(Server, CapturesEachFrameOnce) {
  char path[] = "/tmp/ether_switch_test.pcap.XXXXXX";
  close(mkstemp(path));
  auto capture = PcapWriter::create(path);
  ASSERT_TRUE(capture);
  {
    Rack rack(*FaultPlan::parse("drop=100%"), std::move(*capture));
    EtherSocket a = rack.attach("a");
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(send(a, frame_of(0xff, 1, 1000)));
    while (std::filesystem::file_size(path) < 24 + 10 * 1016) std::this_thread::yield();
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_EQ(bytes.size(), 24u + 10 * 1016);
  EXPECT_EQ(bytes.substr(0, 4), "\xd4\xc3\xb2\xa1");
  base::le32 length;
  std::memcpy(&length, bytes.data() + 24 + 8, 4);
  EXPECT_EQ(length, 1000u);
  EXPECT_EQ(bytes[24 + 16], '\xff');
  unlink(path);
}

TEST(Server, SleepsWhenNothingHappens) {
  Rack rack;
  EtherSocket a = rack.attach("a");
  EtherSocket b = rack.attach("b");
  introduce(b, 2, a);
  rusage before;
  rusage after;
  getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(wait_frame(a, 200), 0u);
  getrusage(RUSAGE_SELF, &after);
  // Both threads together wake a handful of times at most, where a busy loop would be switched out often or use it all.
  EXPECT_LE(after.ru_nvcsw - before.ru_nvcsw, 10);
  const auto used_us = [](const rusage& usage) {
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  };
  EXPECT_LT(used_us(after) - used_us(before), 50000);
}

TEST(Server, SaysWhatItCannotListenOn) {
  EXPECT_THROW(Server({{"a", "/nonexistent/folder/a"}}, {}, std::nullopt), std::exception);
  EXPECT_THROW(Server({{"a", std::string(200, 'x')}}, {}, std::nullopt), std::exception);
}

}  // namespace
}  // namespace ether_switch
