// SPDX-License-Identifier: Apache-2.0
// Internet sockets of several vNodes on one lwIP: addresses, ports, connections, datagrams, and that vNodes with the
// same names know nothing of one another.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "linux-abi/files/fake_caller.h"
#include "linux-abi/sockets/byte_queue.h"
#include "linux-abi/sockets/inet_endpoint.h"
#include "linux-abi/sockets/inet_options.h"

namespace {

using namespace linux_abi;
using Space = processor::Reference<InetSpace>;
using Endpoint = InetEndpointReference;
using address_family::internet;
using address_family::internet6;

const InetAddress local = InetAddress::loopback(true), local6 = InetAddress::loopback(false);
InetAddress at(InetAddress host, std::uint16_t port) {
  host.port = port;
  return host;
}

TEST(InetAddress, IsReadAndShown) {
  const InetAddress address = InetAddress::v4(127, 1, 2, 3, 4660);
  const SocketAddress shown = address.address(internet);
  EXPECT_EQ(shown.size, 16u);
  EXPECT_EQ(shown.bytes[2], std::byte{0x12});
  EXPECT_EQ(shown.bytes[4], std::byte{127});
  EXPECT_EQ(*InetAddress::parse(shown, internet), address);
  EXPECT_EQ(InetAddress::parse(shown, internet6).error(), EINVAL);
  const SocketAddress shown6 = address.address(internet6);
  EXPECT_EQ(shown6.size, 28u);
  EXPECT_EQ(*InetAddress::parse(shown6, internet6), address);
  EXPECT_EQ(InetAddress::parse(shown6, internet).error(), EAFNOSUPPORT);
  EXPECT_TRUE(address.is_loopback() && local6.is_loopback());
  EXPECT_FALSE(InetAddress::v4(10, 0, 0, 1, 0).is_loopback());
}

TEST(InetBinding, OverlapsWhereBothWouldTake) {
  const InetBinding any4{InetAddress::any(internet), internet}, any6{InetAddress::any(internet6), internet6};
  const InetBinding only6{InetAddress::any(internet6), internet6, true}, one{local, internet}, six{local6, internet6};
  EXPECT_TRUE(any4.overlaps(one) && any6.overlaps(one) && any6.overlaps(any4) && any6.overlaps(six));
  EXPECT_FALSE(only6.overlaps(any4) || only6.overlaps(one) || six.overlaps(one) || six.overlaps(any4));
  EXPECT_GT(one.fits(local), any4.fits(local));
  EXPECT_GT(any4.fits(local), any6.fits(local));
  EXPECT_EQ(only6.fits(local), 0u);
}

TEST(ByteQueue, KeepsBytesInOrderWhileItGrows) {
  ByteQueue queue;
  std::string in, out;
  char next = 0;
  for (int round = 0; round < 300; ++round) {
    std::string piece(static_cast<std::size_t>(round * 7 % 97), ' ');
    for (char& each : piece) each = next++;
    in += piece;
    ASSERT_TRUE(queue.put(std::as_bytes(std::span(piece))));
    std::string taken(static_cast<std::size_t>(round * 5 % 61), ' ');
    taken.resize(queue.take(std::as_writable_bytes(std::span(taken))));
    out += taken;
  }
  std::string rest(queue.size(), ' ');
  EXPECT_EQ(queue.peek(std::as_writable_bytes(std::span(rest))), rest.size());
  EXPECT_EQ(out + rest, in);
}

TEST(ByteQueue, TakesAndSkipsAcrossItsPieces) {
  ByteQueue queue;
  std::string in(40'000, ' ');
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<char>(i * 7 / 3);
  std::size_t put = 0, taken = 0;
  for (std::size_t step = 1; taken < in.size(); step = step * 3 % 7919) {
    const std::size_t count = std::min(step, in.size() - put);
    ASSERT_TRUE(queue.put(std::as_bytes(std::span(in).subspan(put, count))));
    put += count;
    ASSERT_TRUE(queue.make_room(step));
    ASSERT_EQ(queue.size(), put - taken);
    const std::size_t skip = std::min(step / 2, queue.size());
    std::string seen(step, ' ');
    seen.resize(queue.peek(std::as_writable_bytes(std::span(seen)), skip));
    ASSERT_EQ(seen, in.substr(taken + skip, std::min(step, put - taken - skip)));
    seen.resize(step * 2 / 3 + (put == in.size() ? step : 0));
    seen.resize(queue.take(std::as_writable_bytes(std::span(seen))));
    ASSERT_EQ(seen, in.substr(taken, seen.size()));
    taken += seen.size();
  }
  EXPECT_TRUE(queue.empty());
  ASSERT_TRUE(queue.put(std::as_bytes(std::span(in))));
  queue.clear();
  EXPECT_EQ(queue.size(), 0u);
}

TEST(InetOptions, HaveLinuxsBounds) {
  InetOptions options;
  const auto set = [&](int level, int name, std::int32_t value) {
    return options.set(level, name, std::as_bytes(std::span(&value, 1)), false);
  };
  EXPECT_TRUE(set(option_level::tcp, inet_option::tcp_no_delay, 5));
  EXPECT_EQ(*option_as<std::int32_t>(options.get(option_level::tcp, inet_option::tcp_no_delay, 4)->bytes), 1);
  EXPECT_EQ(set(option_level::ip, 2, 256).error(), EINVAL);
  EXPECT_EQ(set(option_level::tcp, 77, 1).error(), ENOPROTOOPT);
  EXPECT_EQ(options.set(option_level::tcp, 1, {}, false).error(), EINVAL);
}

TEST(InetOptions, AreKeptAsLinuxKeepsThem) {
  InetOptions options;
  const auto set = [&](int level, int name, std::int32_t value) {
    return options.set(level, name, std::as_bytes(std::span(&value, 1)), false);
  };
  constexpr int keep_syn = 27, linger2 = 8, defer_accept = 9, repair = 19, transparent = 19;
  EXPECT_TRUE(set(option_level::tcp, defer_accept, 5));
  EXPECT_EQ(options.number(option_level::tcp, defer_accept), 7);  // 1 + 2 + 4: the first retry behind it
  EXPECT_TRUE(set(option_level::tcp, linger2, -9));
  EXPECT_EQ(options.number(option_level::tcp, linger2), -1);
  EXPECT_TRUE(set(option_level::tcp, inet_option::tcp_window_clamp, 1));
  EXPECT_EQ(options.number(option_level::tcp, inet_option::tcp_window_clamp), 1152);
  EXPECT_EQ(set(option_level::tcp, keep_syn, 3).error(), EINVAL);
  EXPECT_EQ(set(option_level::tcp, repair, 0).error(), EPERM);
  EXPECT_EQ(set(option_level::tcp, inet_option::tcp_upper_protocol, 0).error(), ENOENT);
  EXPECT_EQ(options.get(option_level::tcp, inet_option::tcp_upper_protocol, 16)->size, 0u);
  EXPECT_EQ(set(option_level::ip, transparent, 1).error(), EPERM);
  EXPECT_TRUE(set(option_level::ip, inet_option::ip_ttl, 9));
  EXPECT_EQ(options.get(option_level::ip, inet_option::ip_ttl, 2)->size, 1u);
  EXPECT_TRUE(set(option_level::ip, inet_option::ip_ttl, -1));
  EXPECT_EQ(options.number(option_level::ip, inet_option::ip_ttl), 64);
  EXPECT_EQ(set(option_level::ip, inet_option::ip_ttl, 0).error(), EINVAL);
}

struct InetSockets : testing::Test {
  FakeCaller caller;
  Space space = *InetSpace::create(), other_space = *InetSpace::create();
  std::vector<Endpoint> all;

  ~InetSockets() override {
    for (const Endpoint& each : all) each->close(false);
  }
  Endpoint make(InetProtocol protocol, int family = internet, bool elsewhere = false) {
    all.push_back(*InetEndpoint::create(elsewhere ? other_space : space, family, protocol));
    return all.back();
  }
  Endpoint listener(const InetAddress& address, int family = internet, bool elsewhere = false) {
    const Endpoint made = make(InetProtocol::Tcp, family, elsewhere);
    EXPECT_TRUE(made->bind(address, true));
    EXPECT_TRUE(made->listen(5));
    return made;
  }
  std::pair<Endpoint, Endpoint> connection(const Endpoint& listening) {
    const Endpoint client = make(InetProtocol::Tcp);
    EXPECT_TRUE(client->connect(at(local, listening->name().port), {}, caller));
    all.push_back(*listening->accept({.non_blocking = true}, caller));
    return {client, all.back()};
  }
  Answer<std::size_t> send(const Endpoint& from, std::string_view text, const InetAddress* to = nullptr) {
    return from->send(std::as_bytes(std::span(text)), to, {.non_blocking = true}, caller);
  }
  std::string receive(const Endpoint& from, std::size_t most = 100, ReceiveOptions options = {.non_blocking = true}) {
    std::vector<std::byte> to(most);
    const auto received = from->receive(to, options, caller);
    if (!received) return "error " + std::to_string(received.error().number());
    return {reinterpret_cast<const char*>(to.data()), received->bytes};
  }
};

TEST_F(InetSockets, ConnectAndTalk) {
  const Endpoint listening = listener(at(InetAddress::any(internet), 80));
  const auto [client, server] = connection(listening);
  EXPECT_EQ(server->name(), at(local, 80));
  EXPECT_EQ(*server->peer_name(), client->name());
  EXPECT_EQ(*client->peer_name(), at(local, 80));
  EXPECT_EQ(*send(client, "question"), 8u);
  EXPECT_EQ(receive(server, 4, {.non_blocking = true, .peek = true}), "ques");
  EXPECT_EQ(receive(server), "question");
  EXPECT_EQ(*send(server, "answer"), 6u);
  EXPECT_EQ(receive(client), "answer");
  EXPECT_EQ(receive(client), "error " + std::to_string(EAGAIN));
  client->close(false);
  EXPECT_EQ(receive(server), "");
}

TEST_F(InetSockets, SegmentsAreAsShortAsEitherEndWantsThem) {
  const Endpoint listening = listener(at(local, 80));
  listening->limit_segments(1000);
  const auto [client, server] = connection(listening);
  EXPECT_EQ(client->segment_bytes(), 988u);  // and the time stamps that Linux has in its headers
  EXPECT_EQ(server->segment_bytes(), 988u);
  const std::string text(5000, 'x');
  EXPECT_EQ(*send(client, text), text.size());
  EXPECT_EQ(receive(server, text.size()), text);
}

TEST_F(InetSockets, VNodesDoNotMeet) {
  const Endpoint here = listener(at(local, 80)), there = listener(at(local, 80), internet, true);
  const auto [client, server] = connection(here);
  EXPECT_EQ(there->accept({.non_blocking = true}, caller).error(), EAGAIN);
  here->close(false);
  const Endpoint late = make(InetProtocol::Tcp);
  EXPECT_EQ(late->connect(at(local, 80), {}, caller).error(), ECONNREFUSED);
  const Endpoint a = make(InetProtocol::Udp), b = make(InetProtocol::Udp, internet, true);
  EXPECT_TRUE(a->bind(at(local, 53), true) && b->bind(at(local, 53), true));
  const InetAddress to = at(local, 53);
  EXPECT_TRUE(send(make(InetProtocol::Udp), "here", &to));
  EXPECT_EQ(receive(b), "error " + std::to_string(EAGAIN));
  EXPECT_EQ(receive(a), "here");
}

TEST_F(InetSockets, AFullWindowStopsTheSenderUntilItIsRead) {
  const auto [client, server] = connection(listener(at(local, 80)));
  const std::string piece(50000, 'x');
  std::size_t sent = 0, received = 0;
  while (const auto done = send(client, piece)) sent += *done;
  EXPECT_GT(sent, 262144u);
  EXPECT_LT(sent, 1u << 20);
  for (std::size_t got = 1; got > 0 && received < sent; received += got) got = receive(server, 30000).size();
  EXPECT_EQ(received, sent);
  EXPECT_EQ(client->bytes_under_way(), 0u);
  EXPECT_TRUE(send(client, piece));
}

TEST_F(InetSockets, EndsAreToldInOrderAndResetsAtOnce) {
  const Endpoint listening = listener(at(local, 80));
  const auto [client, server] = connection(listening);
  EXPECT_TRUE(send(client, "last"));
  EXPECT_TRUE(client->shut_down(false, true));
  EXPECT_EQ(send(client, "x").error(), EPIPE);
  EXPECT_EQ(receive(server), "last");
  EXPECT_EQ(receive(server), "");
  EXPECT_TRUE(send(server, "back"));
  server->close(false);
  EXPECT_EQ(receive(client), "back");
  EXPECT_EQ(receive(client), "");
  const auto [client2, server2] = connection(listening);
  EXPECT_TRUE(send(client2, "unread"));
  server2->close(false);
  EXPECT_EQ(receive(client2), "error " + std::to_string(ECONNRESET));
  EXPECT_EQ(receive(client2), "");
  EXPECT_EQ(send(client2, "x").error(), EPIPE);
  const Endpoint unaccepted = make(InetProtocol::Tcp);
  EXPECT_TRUE(unaccepted->connect(at(local, 80), {}, caller));
  listening->close(false);
  EXPECT_EQ(unaccepted->take_error(), ECONNRESET);
}

TEST_F(InetSockets, ManyConnectionsLeaveNothing) {
  const Endpoint listening = listener(at(local, 80));
  for (int i = 0; i < 200; ++i) {
    const auto [client, server] = connection(listening);
    EXPECT_TRUE(send(client, "x"));
    EXPECT_EQ(receive(server), "x");
    (i % 2 == 0 ? client : server)->close(i % 3 == 0);
    (i % 2 == 0 ? server : client)->close(false);
    all.resize(1);
  }
}

TEST_F(InetSockets, PortsAreTakenAsLinuxDoes) {
  const Endpoint a = make(InetProtocol::Tcp), b = make(InetProtocol::Tcp), c = make(InetProtocol::Tcp);
  EXPECT_EQ(a->bind(at(local, 80), false).error(), EACCES);
  EXPECT_EQ(a->bind(InetAddress::v4(10, 0, 0, 1, 0), true).error(), EADDRNOTAVAIL);
  EXPECT_TRUE(a->bind(at(local, 8080), false));
  EXPECT_EQ(a->bind(at(local, 8081), false).error(), EINVAL);
  EXPECT_EQ(b->bind(at(InetAddress::any(internet), 8080), false).error(), EADDRINUSE);
  a->set_reuse(true, false, 0), c->set_reuse(true, false, 0);
  EXPECT_TRUE(c->bind(at(local, 8080), false));
  EXPECT_TRUE(a->listen(1));
  EXPECT_EQ(c->listen(1).error(), EADDRINUSE);
}

TEST_F(InetSockets, SixAndFourMeetUnlessTheyMayNot) {
  const Endpoint both = listener(at(InetAddress::any(internet6), 80), internet6);
  const Endpoint four = make(InetProtocol::Tcp), six = make(InetProtocol::Tcp, internet6);
  EXPECT_TRUE(four->connect(at(local, 80), {}, caller));
  EXPECT_TRUE(six->connect(at(local6, 80), {}, caller));
  for (const InetAddress& host : {local, local6}) {
    all.push_back(*both->accept({.non_blocking = true}, caller));
    EXPECT_TRUE(all.back()->peer_name()->same_host(host));
  }
  const Endpoint only = make(InetProtocol::Tcp, internet6), late = make(InetProtocol::Tcp);
  EXPECT_TRUE(only->set_only_v6(true));
  EXPECT_TRUE(only->bind(at(InetAddress::any(internet6), 81), true));
  EXPECT_TRUE(only->listen(1));
  EXPECT_EQ(late->connect(at(local, 81), {}, caller).error(), ECONNREFUSED);
}

TEST_F(InetSockets, DatagramsKeepTheirEndsAndSenders) {
  const Endpoint a = make(InetProtocol::Udp), b = make(InetProtocol::Udp);
  EXPECT_TRUE(a->bind(at(local, 53), true));
  const InetAddress to = at(local, 53);
  EXPECT_TRUE(send(b, "one", &to) && send(b, "", &to) && send(b, std::string(65507, 'z'), &to));
  EXPECT_EQ(send(b, std::string(65508, 'z'), &to).error(), EMSGSIZE);
  EXPECT_EQ(receive(a, 2), "on");
  EXPECT_EQ(receive(a), "");
  EXPECT_EQ(receive(a, 70000).size(), 65507u);
  EXPECT_TRUE(b->connect(to, {}, caller));
  a->close(false);
  EXPECT_TRUE(send(b, "x"));
  EXPECT_EQ(receive(b), "error " + std::to_string(ECONNREFUSED));
}

}  // namespace
