// SPDX-License-Identifier: Apache-2.0
// AF_UNIX sockets without files: names, connections, charges, what is garbage and how chains of packets end.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "linux-abi/files/fake_caller.h"
#include "linux-abi/sockets/unix_endpoint.h"

namespace {

using namespace linux_abi;
using Space = processor::Reference<UnixSpace>;
using Endpoint = UnixEndpointReference;

SocketAddress address_of(std::string_view name) {
  const std::uint16_t family = address_family::local;
  SocketAddress address = SocketAddress::of(family);
  std::memcpy(address.bytes.data() + address.size, name.data(), name.size());
  address.size += name.size();
  return address;
}
UnixName name_of(std::string_view name) { return *UnixName::parse(address_of(name)); }

TEST(UnixName, KeepsPathsWithTheirZero) {
  EXPECT_EQ(name_of("/tmp/x").path(), "/tmp/x");
  EXPECT_EQ(name_of("/tmp/x").address().size, 2 + 7u);
  EXPECT_EQ(name_of(std::string_view("/tmp/x\0more", 11)).address().size, 2 + 7u);
  EXPECT_EQ(name_of(std::string(108, 'a')).path(), std::string(108, 'a'));
  EXPECT_EQ(name_of(std::string(108, 'a')).address().size, 2 + 109u);
}

TEST(UnixName, KeepsAbstractNamesWhole) {
  const std::string_view text("\0a\0b", 4);
  EXPECT_TRUE(name_of(text).is_abstract());
  EXPECT_EQ(name_of(text).abstract(), text);
  EXPECT_TRUE(name_of("").empty());
  EXPECT_EQ(UnixName::numbered(0xabcde).abstract(), std::string_view("\0abcde", 6));
}

TEST(UnixName, RefusesOtherFamiliesAndSizes) {
  SocketAddress other = address_of("x");
  other.bytes[0] = std::byte{2};
  EXPECT_EQ(UnixName::parse(other).error(), EINVAL);
  EXPECT_EQ(UnixName::parse(SocketAddress{.size = 1}).error(), EINVAL);
  EXPECT_EQ(UnixName::parse(address_of(std::string(109, 'a'))).error(), EINVAL);
}

// Files in a message: sockets, and something that counts how many of them are left.
struct Files final : Attachment {
  std::vector<Endpoint> sockets;
  std::shared_ptr<int> other;
  std::size_t count() const override { return sockets.size(); }
  UnixEndpoint* endpoint(std::size_t index) const override { return sockets[index].get(); }
  base::Own<Attachment> copy() const override {
    auto copied = base::make<Files>();
    copied->sockets = sockets;
    copied->other = other;
    return copied;
  }
};

// An open socket: `open` references are descriptors, the others are in flight.
struct Open final : UnixOwner {
  Endpoint endpoint;
  std::uint32_t descriptors = 1, in_flight = 0;
  explicit Open(Endpoint socket) : endpoint(std::move(socket)) { endpoint->set_owner(this); }
  ~Open() { endpoint->close(); }
  std::uint32_t references() const override { return descriptors + in_flight; }
};

struct UnixSockets : testing::Test {
  FakeCaller caller;
  Space space = *UnixSpace::create();

  Endpoint make(SocketType type) { return *UnixEndpoint::create(space, type); }
  std::pair<std::unique_ptr<Open>, std::unique_ptr<Open>> make_pair(SocketType type) {
    auto one = std::make_unique<Open>(make(type)), other = std::make_unique<Open>(make(type));
    EXPECT_TRUE(UnixEndpoint::connect_pair(*one->endpoint, *other->endpoint, {}));
    return {std::move(one), std::move(other)};
  }
  Answer<std::size_t> send(UnixEndpoint& from, std::string_view text, base::Own<Attachment> files = nullptr) {
    return from.send(std::as_bytes(std::span(text)), {}, files, {}, {.non_blocking = true}, caller);
  }
  // Sends it in a message, as far as the search for garbage can see.
  void send_socket(UnixEndpoint& from, Open& sent, std::shared_ptr<int> other = nullptr) {
    auto files = base::make<Files>();
    files->sockets.push_back(sent.endpoint);
    files->other = std::move(other);
    ++sent.in_flight;
    EXPECT_TRUE(send(from, "x", std::move(files)));
  }
  std::string receive(UnixEndpoint& from, std::size_t most, ReceiveOptions options = {.non_blocking = true}) {
    std::vector<std::byte> to(most);
    const auto received = from.receive(to, options, caller);
    if (!received) return "error " + std::to_string(received.error().number());
    return {reinterpret_cast<const char*>(to.data()), received->bytes};
  }
};

TEST_F(UnixSockets, AreFoundByTheirNamesUntilTheyClose) {
  const Endpoint one = make(SocketType::Stream), other = make(SocketType::Stream);
  const UnixName name = name_of(std::string_view("\0name", 5));
  EXPECT_TRUE(one->bind(name, nullptr));
  EXPECT_EQ(one->bind(name, nullptr).error(), EINVAL);
  EXPECT_EQ(other->bind(name, nullptr).error(), EADDRINUSE);
  const int file = 0;
  EXPECT_TRUE(other->bind(name_of("path"), &file));
  EXPECT_EQ(space->find_abstract(name)->get(), one.get());
  EXPECT_EQ(space->find_bound(&file)->get(), other.get());
  one->close();
  EXPECT_EQ(space->find_abstract(name).error(), ECONNREFUSED);
  other->close();
  EXPECT_EQ(space->find_bound(&file).error(), ECONNREFUSED);
}

TEST_F(UnixSockets, AcceptWhoConnected) {
  const Endpoint listener = make(SocketType::Stream), client = make(SocketType::Stream);
  EXPECT_TRUE(listener->bind(name_of(std::string_view("\0l", 2)), nullptr));
  EXPECT_EQ(client->connect(listener, {}, {}, caller).error(), ECONNREFUSED);
  EXPECT_TRUE(listener->listen(0, {7, 8, 9}));
  EXPECT_EQ(listener->accept({.non_blocking = true}, caller).error(), EAGAIN);
  EXPECT_TRUE(client->connect(listener, {1, 2, 3}, {.non_blocking = true}, caller));
  const Endpoint late = make(SocketType::Stream);
  EXPECT_EQ(late->connect(listener, {}, {.non_blocking = true}, caller).error(), EAGAIN);
  EXPECT_EQ(*send(*client, "early"), 5u);
  const Endpoint server = *listener->accept({.non_blocking = true}, caller);
  EXPECT_EQ(receive(*server, 10), "early");
  EXPECT_EQ(server->peer_credentials().uid, 2u);
  EXPECT_EQ(client->peer_credentials().uid, 8u);
  EXPECT_EQ(client->peer_name()->abstract(), std::string_view("\0l", 2));
  server->close();
  EXPECT_EQ(send(*client, "x").error(), EPIPE);
  listener->close();
  client->close();
}

TEST_F(UnixSockets, ConnectWaitsForRoomInTheBacklog) {
  const Endpoint listener = make(SocketType::Stream), one = make(SocketType::Stream), two = make(SocketType::Stream);
  EXPECT_TRUE(listener->bind(name_of(std::string_view("\0l", 2)), nullptr));
  EXPECT_TRUE(listener->listen(0, {}));
  EXPECT_TRUE(one->connect(listener, {}, {}, caller));
  Endpoint first;
  caller.meanwhile.push_back([&] { first = *listener->accept({.non_blocking = true}, caller); });
  EXPECT_TRUE(two->connect(listener, {}, {}, caller));
  caller.meanwhile.push_back([&] { listener->close(); });
  const Endpoint three = make(SocketType::Stream);
  EXPECT_EQ(three->connect(listener, {}, {}, caller).error(), ECONNREFUSED);
  EXPECT_EQ(receive(*two, 1), "error " + std::to_string(ECONNRESET));
  first->close(), one->close(), two->close();
}

TEST_F(UnixSockets, SendersAreChargedUntilItIsReceived) {
  auto [one, other] = make_pair(SocketType::Stream);
  one->endpoint->set_send_buffer(4608);
  std::size_t sent = 0;
  while (const auto done = send(*one->endpoint, "abc")) sent += *done;
  EXPECT_EQ(sent, 3u * (4608 / unix_packet_charge(3, SocketType::Stream)));
  EXPECT_GT(one->endpoint->bytes_under_way(), 4000u);
  EXPECT_EQ(other->endpoint->bytes_to_read(), sent);
  EXPECT_EQ(receive(*other->endpoint, 100).size(), sent);
  EXPECT_EQ(one->endpoint->bytes_under_way(), 0u);
}

TEST_F(UnixSockets, StreamsArePeekedAndWaitedForWhole) {
  auto [one, other] = make_pair(SocketType::Stream);
  UnixEndpoint& sender = *one->endpoint;
  EXPECT_TRUE(send(sender, "ab"));
  EXPECT_EQ(receive(*other->endpoint, 9, {.non_blocking = true, .peek = true}), "ab");
  caller.meanwhile.push_back([&] { EXPECT_TRUE(send(sender, "cd")); });
  caller.meanwhile.push_back([&] { EXPECT_TRUE(send(sender, "ef")); });
  EXPECT_EQ(receive(*other->endpoint, 5, {.wait_all = true}), "abcde");
  caller.meanwhile.push_back([&] { sender.shut_down(false, true); });
  EXPECT_EQ(receive(*other->endpoint, 5, {.wait_all = true}), "f");
  EXPECT_EQ(receive(*other->endpoint, 5), "");
}

TEST_F(UnixSockets, PeekingGoesOnWhereItEnded) {
  for (const SocketType type : {SocketType::Stream, SocketType::Datagram}) {
    auto [one, other] = make_pair(type);
    PeekOffset offset;
    const ReceiveOptions peek{.non_blocking = true, .peek = true, .offset = &offset};
    EXPECT_TRUE(send(*one->endpoint, "abcd"));
    EXPECT_TRUE(send(*one->endpoint, "ef"));
    offset.set(1);
    EXPECT_EQ(receive(*other->endpoint, 2, peek), "bc");
    EXPECT_EQ(receive(*other->endpoint, 9, peek), type == SocketType::Stream ? "def" : "d");
    if (type == SocketType::Datagram) {
      EXPECT_EQ(receive(*other->endpoint, 9, peek), "ef");
    }
    EXPECT_EQ(receive(*other->endpoint, 9, peek), "error " + std::to_string(EAGAIN));
    EXPECT_EQ(receive(*other->endpoint, 4, {.non_blocking = true, .offset = &offset}), "abcd");
    EXPECT_EQ(offset.value(), 2);
  }
}

TEST_F(UnixSockets, DatagramsGoOneByOne) {
  auto [one, other] = make_pair(SocketType::Datagram);
  EXPECT_TRUE(send(*one->endpoint, "first"));
  EXPECT_TRUE(send(*one->endpoint, ""));
  EXPECT_EQ(receive(*other->endpoint, 2), "fi");
  EXPECT_EQ(receive(*other->endpoint, 9), "");
  EXPECT_EQ(receive(*other->endpoint, 9), "error " + std::to_string(EAGAIN));
  other.reset();
  EXPECT_EQ(send(*one->endpoint, "x").error(), ECONNREFUSED);
  EXPECT_EQ(send(*one->endpoint, "x").error(), ENOTCONN);
}

TEST_F(UnixSockets, WhatOnlyItsOwnQueueHoldsIsGarbage) {
  auto [one, other] = make_pair(SocketType::Stream);
  auto witness = std::make_shared<int>();
  send_socket(*other->endpoint, *one, witness);
  EXPECT_EQ(witness.use_count(), 2);
  space->collect_garbage();
  EXPECT_EQ(witness.use_count(), 2);  // it is open
  one->descriptors = 0;
  space->collect_garbage();
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(space->files_in_flight(), 0u);
}

TEST_F(UnixSockets, CirclesAreGarbageUnlessSomethingOpenLeadsIn) {
  auto [a, b] = make_pair(SocketType::Stream);
  auto [c, d] = make_pair(SocketType::Stream);
  auto [e, f] = make_pair(SocketType::Stream);
  auto witness = std::make_shared<int>();
  send_socket(*b->endpoint, *c, witness);  // in a's queue
  send_socket(*d->endpoint, *a, witness);  // in c's queue
  send_socket(*f->endpoint, *a, witness);  // in e's queue, which is open
  a->descriptors = c->descriptors = 0;
  space->collect_garbage();
  EXPECT_EQ(witness.use_count(), 4);
  // It is received and dropped: nothing leads in any more.
  EXPECT_EQ(receive(*e->endpoint, 1), "x");
  --a->in_flight;
  space->collect_garbage();
  EXPECT_EQ(witness.use_count(), 2);
  // One packet is gone, and so is the only reference to the socket that was in it: that ends the other.
  (a->endpoint->bytes_to_read() > 0 ? a : c)->endpoint->close();
  EXPECT_EQ(witness.use_count(), 1);
}

// Destroys what is in its queue when it goes, as open files do.
struct Chained final : Attachment {
  Endpoint socket;
  int* deepest;
  int* depth;
  Chained(Endpoint held, int* most, int* now) : socket(std::move(held)), deepest(most), depth(now) {}
  ~Chained() override {
    *deepest = std::max(*deepest, ++*depth);
    socket->close();
    --*depth;
  }
  std::size_t count() const override { return 1; }
  UnixEndpoint* endpoint(std::size_t) const override { return socket.get(); }
  base::Own<Attachment> copy() const override { return nullptr; }
};

TEST_F(UnixSockets, ALongChainIsNotADeepRecursion) {
  int deepest = 0, depth = 0;
  Endpoint before = make(SocketType::Datagram);
  for (int i = 0; i < 1000; ++i) {
    const Endpoint one = make(SocketType::Datagram), other = make(SocketType::Datagram);
    EXPECT_TRUE(UnixEndpoint::connect_pair(*one, *other, {}));
    EXPECT_TRUE(send(*one, "x", base::make<Chained>(before, &deepest, &depth)));
    one->close();
    before = other;
  }
  before->close();
  EXPECT_EQ(deepest, 1);
  EXPECT_EQ(space->files_in_flight(), 0u);
}

}  // namespace
