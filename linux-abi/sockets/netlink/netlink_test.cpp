// SPDX-License-Identifier: Apache-2.0
// Netlink: messages and attributes as programs send them, well formed or not; what NETLINK_ROUTE answers; ports.
#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <random>
#include <string>
#include <vector>

#include "linux-abi/sockets/netlink/netlink_space.h"
#include "linux-abi/sockets/netlink/route_answers.h"

namespace {

using namespace linux_abi;
using Bytes = std::vector<std::byte>;

template <typename T>
void append(Bytes& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
  to.resize((to.size() + 3) / 4 * 4);
}

template <typename Fixed>
Bytes message(std::uint16_t type, unsigned flags, const Fixed& fixed, const Bytes& attributes = {}) {
  Bytes made;
  nlmsghdr header{.nlmsg_type = type, .nlmsg_flags = static_cast<std::uint16_t>(flags), .nlmsg_seq = 7};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + NLMSG_ALIGN(sizeof fixed) + attributes.size());
  append(made, header);
  append(made, fixed);
  made.insert(made.end(), attributes.begin(), attributes.end());
  return made;
}

Bytes attribute(std::uint16_t type, const std::string& value) {
  Bytes made;
  append(made, nlattr{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), .nla_type = type});
  for (const char byte : value) made.push_back(static_cast<std::byte>(byte));
  made.resize((made.size() + 3) / 4 * 4);
  return made;
}

struct Told {
  std::vector<NetlinkMessage> messages;
  Bytes bytes;
};

// Every byte belongs to a message.
Told parse(const base::Array<std::byte>& datagram) {
  Told told;
  told.bytes.assign(datagram.begin(), datagram.end());
  std::span<const std::byte> left(told.bytes);
  while (auto next = next_message(left)) {
    EXPECT_EQ(next->header.nlmsg_pid, 42u);
    told.messages.push_back(*next);
  }
  EXPECT_TRUE(left.empty());
  return told;
}

struct Answered {
  Told told, acknowledgment;
  int error() const {
    return acknowledgment.messages.empty() ? -1 : -acknowledgment.messages[0].fixed<nlmsgerr>().error;
  }
};

Answered ask(const Bytes& request, RouteAsker asker = {.port = 42}) {
  std::span<const std::byte> left(request);
  const auto first = next_message(left);
  EXPECT_TRUE(first);
  const auto answer = answer_route_message(*first, asker);
  EXPECT_TRUE(answer);
  return {parse(answer->told), parse(answer->acknowledgment)};
}

TEST(Netlink, MessagesEndWhereTheirLengthsSay) {
  Bytes two = message(RTM_GETLINK, NLM_F_REQUEST, rtgenmsg{});
  const std::size_t first = two.size();
  append(two, nlmsghdr{.nlmsg_len = 16, .nlmsg_type = 3, .nlmsg_flags = 0, .nlmsg_seq = 9, .nlmsg_pid = 0});
  std::span<const std::byte> left(two);
  EXPECT_EQ(next_message(left)->bytes.size(), first);
  EXPECT_EQ(next_message(left)->header.nlmsg_seq, 9u);
  EXPECT_FALSE(next_message(left));
  for (const std::uint32_t length : {0u, 15u, 17u, ~0u}) {
    Bytes one;
    append(one, nlmsghdr{.nlmsg_len = length, .nlmsg_type = 3, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0});
    std::span<const std::byte> bytes(one);
    EXPECT_FALSE(next_message(bytes)) << length;
  }
}

TEST(Netlink, LoIsTheOnlyLink) {
  const Answered all = ask(message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, ifinfomsg{}));
  ASSERT_EQ(all.told.messages.size(), 2u);
  EXPECT_TRUE(all.acknowledgment.messages.empty());
  const NetlinkMessage& link = all.told.messages[0];
  EXPECT_EQ(link.header.nlmsg_type, RTM_NEWLINK);
  EXPECT_TRUE(link.has_flag(NLM_F_MULTI));
  EXPECT_EQ(link.fixed<ifinfomsg>().ifi_index, 1);
  EXPECT_EQ(attribute_text(link.attributes<ifinfomsg>(), IFLA_IFNAME), "lo");
  EXPECT_EQ(attribute_as<std::uint32_t>(link.attributes<ifinfomsg>(), IFLA_MTU), 65536u);
  EXPECT_TRUE(find_attribute(link.attributes<ifinfomsg>(), IFLA_STATS64));
  EXPECT_EQ(all.told.messages[1].header.nlmsg_type, NLMSG_DONE);

  const Answered one =
      ask(message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{}, attribute(IFLA_IFNAME, std::string("lo\0", 3))));
  EXPECT_EQ(one.told.messages.size(), 1u);
  EXPECT_FALSE(one.told.messages[0].has_flag(NLM_F_MULTI));
  EXPECT_EQ(ask(message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{.ifi_index = 2})).error(), ENODEV);
  EXPECT_EQ(ask(message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{})).error(), EINVAL);
  EXPECT_EQ(ask(message(RTM_GETLINK, NLM_F_REQUEST, rtgenmsg{})).error(), EINVAL);
}

TEST(Netlink, AddressesAreOfTheFamilyThatIsAskedFor) {
  for (const auto& [family, count] : {std::pair{AF_UNSPEC, 2u}, {AF_INET, 1u}, {AF_INET6, 1u}}) {
    const ifaddrmsg asked{.ifa_family = static_cast<std::uint8_t>(family)};
    const Answered all = ask(message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, asked));
    ASSERT_EQ(all.told.messages.size(), count + 1);
    EXPECT_EQ(all.told.messages[0].fixed<ifaddrmsg>().ifa_index, 1u);
  }
}

TEST(Netlink, StrictDumpsChooseByTheirHeader) {
  const RouteAsker strict{.port = 42, .strict = true};
  const auto dump = [&](std::uint32_t index) {
    return ask(message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, ifaddrmsg{.ifa_index = index}), strict);
  };
  EXPECT_TRUE(dump(1).told.messages[0].has_flag(NLM_F_DUMP_FILTERED));
  EXPECT_EQ(dump(2).told.messages[0].fixed<std::int32_t>(), -ENODEV);
  const auto routes = [&](std::uint8_t table) {
    return ask(message(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, rtmsg{.rtm_table = table}), strict).told.messages;
  };
  EXPECT_EQ(routes(RT_TABLE_LOCAL).size(), 5u);
  EXPECT_EQ(routes(RT_TABLE_MAIN).size(), 1u);
  EXPECT_EQ(routes(0).size(), 5u);
}

TEST(Netlink, RoutesLeadToLoOrNowhere) {
  const auto look_up = [](const std::string& to) {
    return ask(
        message(RTM_GETROUTE, NLM_F_REQUEST, rtmsg{.rtm_family = AF_INET, .rtm_dst_len = 32}, attribute(RTA_DST, to)));
  };
  const Answered local = look_up("\x7f\x01\x02\x03");
  ASSERT_EQ(local.told.messages.size(), 1u);
  EXPECT_EQ(local.told.messages[0].fixed<rtmsg>().rtm_type, RTN_LOCAL);
  EXPECT_EQ(look_up("\x7f\xff\xff\xff").told.messages[0].fixed<rtmsg>().rtm_type, RTN_BROADCAST);
  EXPECT_EQ(look_up("\x08\x08\x08\x08").error(), ENETUNREACH);
}

TEST(Netlink, NobodyChangesAnything) {
  const RouteAsker root{.port = 42, .privileged = true};
  const ifinfomsg up{.ifi_index = 1, .ifi_flags = 1, .ifi_change = 1}, down{.ifi_index = 1, .ifi_change = 1};
  constexpr unsigned flags = NLM_F_REQUEST | NLM_F_ACK;
  EXPECT_EQ(ask(message(RTM_NEWLINK, flags, up)).error(), EPERM);
  EXPECT_EQ(ask(message(RTM_NEWLINK, flags, up), root).error(), 0);
  EXPECT_EQ(ask(message(RTM_NEWLINK, flags, down), root).error(), EPERM);
  EXPECT_EQ(ask(message(RTM_NEWLINK, flags, up, attribute(IFLA_MTU, "1234")), root).error(), EPERM);
  EXPECT_EQ(ask(message(RTM_NEWADDR, flags, ifaddrmsg{}), root).error(), EPERM);
  EXPECT_EQ(ask(message(RTM_NEWLINK, flags, ifinfomsg{}), root).error(), ENODEV);
  EXPECT_EQ(ask(message(RTM_SETLINK, flags, ifinfomsg{}), root).error(), EINVAL);
  EXPECT_EQ(ask(message(200, flags, rtgenmsg{}), root).error(), EOPNOTSUPP);
}

TEST(Netlink, ErrorsCarryTheRequest) {
  const Bytes request = message(RTM_GETLINK, NLM_F_REQUEST, ifinfomsg{.ifi_index = 5});
  const NetlinkMessage whole = ask(request).acknowledgment.messages.at(0);
  EXPECT_EQ(whole.bytes.size(), sizeof(nlmsghdr) + sizeof(nlmsgerr) + sizeof(ifinfomsg));
  const NetlinkMessage capped = ask(request, {.port = 42, .capped_errors = true}).acknowledgment.messages.at(0);
  EXPECT_EQ(capped.bytes.size(), sizeof(nlmsghdr) + sizeof(nlmsgerr));
  EXPECT_TRUE(capped.has_flag(NLM_F_CAPPED));
}

// Whatever comes, what is answered is made of whole messages.
TEST(Netlink, AnythingMayBeAsked) {
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    Bytes request(sizeof(nlmsghdr) + random() % 96);
    for (std::byte& byte : request) byte = static_cast<std::byte>(random() % (random() % 4 == 0 ? 256 : 32));
    const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(request.size()),
                          .nlmsg_type = static_cast<std::uint16_t>(random() % 130),
                          .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | (random() & 0x307)),
                          .nlmsg_seq = 1};
    std::memcpy(request.data(), &header, sizeof header);
    const Answered answered = ask(
        request,
        {.port = 42, .privileged = random() % 2 == 0, .strict = random() % 2 == 0, .capped_errors = random() % 2 == 0});
    for (const NetlinkMessage& told : answered.told.messages) EXPECT_EQ(told.header.nlmsg_seq, 1u);
  }
}

TEST(NetlinkSpace, PortsAreHadAlone) {
  const auto space = NetlinkSpace::create();
  ASSERT_TRUE(space);
  NetlinkPort first, second, third;
  (*space)->take_any(first, 100);
  EXPECT_EQ((*space)->number_of(first), 100u);
  EXPECT_EQ((*space)->take(first, 101).error(), EINVAL);
  EXPECT_EQ((*space)->take(second, 100).error(), EADDRINUSE);
  (*space)->take_any(second, 100);
  (*space)->take_any(third, 100);
  EXPECT_GT((*space)->number_of(second), 0x7fffffffu);
  EXPECT_NE((*space)->number_of(second), (*space)->number_of(third));
  (*space)->release(first);
  (*space)->release(second);
  EXPECT_TRUE((*space)->take(second, 100));
  (*space)->release(second);
  (*space)->release(third);
}

}  // namespace
