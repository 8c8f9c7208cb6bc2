// SPDX-License-Identifier: Apache-2.0
// The link lo: see route_answers.h.
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "linux-abi/sockets/loopback_interface.h"
#include "linux-abi/sockets/netlink/route_answers.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {
namespace {

using HardwareAddress = std::array<std::uint8_t, 6>;  // zeros

Answer<> begin_link(NetlinkWriter& to, std::uint16_t flags, std::uint8_t family) {
  TRY(to.begin(RTM_NEWLINK, flags,
               ifinfomsg{.ifi_family = family,
                         .ifi_type = loopback::hardware,
                         .ifi_index = loopback::index,
                         .ifi_flags = loopback::flags}));
  return to.add_text(IFLA_IFNAME, loopback::name);
}

constexpr std::uint8_t operational_state = 0;  // IF_OPER_UNKNOWN: lo's is never told
constexpr std::uint32_t mtu = loopback::mtu;

// What the virtual device of Linux says of itself; nothing that went over it is counted.
Answer<> add_device(NetlinkWriter& to) {
  constexpr std::uint32_t segments = 65535, segment_bytes = 65536, largest_tso = 524280, one = 1, none = 0;
  constexpr std::uint8_t carrier = 1, no = 0;
  TRY(to.add(IFLA_TXQLEN, std::uint32_t{loopback::queue_packets}));
  TRY(to.add(IFLA_OPERSTATE, operational_state));
  TRY(to.add(IFLA_LINKMODE, no));
  TRY(to.add(IFLA_MTU, mtu));
  TRY(to.add(IFLA_MIN_MTU, none));
  TRY(to.add(IFLA_MAX_MTU, none));
  TRY(to.add(IFLA_GROUP, none));
  TRY(to.add(IFLA_PROMISCUITY, none));
  TRY(to.add(IFLA_ALLMULTI, none));
  TRY(to.add(IFLA_NUM_TX_QUEUES, one));
  TRY(to.add(IFLA_GSO_MAX_SEGS, segments));
  TRY(to.add(IFLA_GSO_MAX_SIZE, segment_bytes));
  TRY(to.add(IFLA_GRO_MAX_SIZE, segment_bytes));
  TRY(to.add(IFLA_TSO_MAX_SIZE, largest_tso));
  TRY(to.add(IFLA_TSO_MAX_SEGS, segments));
  TRY(to.add(IFLA_NUM_RX_QUEUES, one));
  TRY(to.add(IFLA_CARRIER, carrier));
  TRY(to.add_text(IFLA_QDISC, "noqueue"));
  TRY(to.add(IFLA_CARRIER_CHANGES, none));
  TRY(to.add(IFLA_CARRIER_UP_COUNT, none));
  TRY(to.add(IFLA_CARRIER_DOWN_COUNT, none));
  TRY(to.add(IFLA_PROTO_DOWN, no));
  TRY(to.add(IFLA_MAP, rtnl_link_ifmap{}));
  TRY(to.add(IFLA_ADDRESS, HardwareAddress{}));
  return to.add(IFLA_BROADCAST, HardwareAddress{});
}

Answer<> write_link(NetlinkWriter& to, std::uint16_t flags, std::uint32_t left_out) {
  TRY(begin_link(to, flags, 0));
  TRY(add_device(to));
  if ((left_out & RTEXT_FILTER_SKIP_STATS) == 0) {
    TRY(to.add(IFLA_STATS64, rtnl_link_stats64{}));
    TRY(to.add(IFLA_STATS, rtnl_link_stats{}));
  }
  to.end();
  return {};
}

// As IPv6 tells of links.
Answer<> write_link6(NetlinkWriter& to, std::uint16_t flags) {
  TRY(begin_link(to, flags, address_family::internet6));
  TRY(to.add(IFLA_ADDRESS, HardwareAddress{}));
  TRY(to.add(IFLA_MTU, mtu));
  TRY(to.add(IFLA_OPERSTATE, operational_state));
  to.end();
  return {};
}

// Whether it is lo that is meant. EINVAL: nothing says what is.
Answer<> check_link(const NetlinkMessage& request) {
  if (!request.has_fixed<ifinfomsg>()) return error(EINVAL);
  const std::int32_t index = request.fixed<ifinfomsg>().ifi_index;
  if (index < 0) return error(EINVAL);
  if (index > 0) return index == loopback::index ? Answer<>() : error(ENODEV);
  auto name = attribute_text(request.attributes<ifinfomsg>(), IFLA_IFNAME);
  if (!name) name = attribute_text(request.attributes<ifinfomsg>(), IFLA_ALT_IFNAME);
  if (!name) return error(EINVAL);
  return *name == loopback::name ? Answer<>() : error(ENODEV);
}

std::uint32_t left_out(const NetlinkMessage& request) {
  return attribute_as<std::uint32_t>(request.attributes<ifinfomsg>(), IFLA_EXT_MASK).value_or(0);
}

}  // namespace

Answer<> get_link(const NetlinkMessage& request, NetlinkWriter& to) {
  TRY(check_link(request));
  return write_link(to, 0, left_out(request));
}

Answer<> dump_links(RouteDump& dump) {
  if (dump.family == address_family::bridge) return {};
  if (dump.asker.strict) {
    const auto asked = dump.request.fixed<ifinfomsg>();
    if (!dump.request.has_fixed<ifinfomsg>() || asked.ifi_type != 0 || asked.ifi_index != 0 || asked.ifi_flags != 0 ||
        asked.ifi_change != 0)
      return error(EINVAL);
  }
  if (dump.family == address_family::internet6) return write_link6(dump.to, dump.flags());
  // Links of one kind, or of one bridge: lo is neither.
  const auto attributes = dump.request.attributes<ifinfomsg>();
  dump.filtered = attribute_as<std::uint32_t>(attributes, IFLA_MASTER).value_or(0) != 0 ||
                  find_attribute(attributes, IFLA_LINKINFO).has_value();
  if (dump.filtered) return {};
  return write_link(dump.to, dump.flags(), left_out(dump.request));
}

Answer<> set_link(const NetlinkMessage& request) {
  if (request.has_flag(NLM_F_CREATE)) return error(EPERM);
  Answer<> found = check_link(request);
  // Of RTM_NEWLINK a link that is not named is one to be made; ip(8) looks whether there is this message so.
  if (!found && request.header.nlmsg_type == RTM_NEWLINK) return error(ENODEV);
  TRY(found);
  const auto asked = request.fixed<ifinfomsg>();
  // Without a mask all of the flags are meant, if there are any.
  const std::uint32_t mask = asked.ifi_change != 0 ? asked.ifi_change : asked.ifi_flags != 0 ? ~0u : 0;
  if (loopback::changes(asked.ifi_flags, mask)) return error(EPERM);
  for (std::uint16_t type = 1; type <= IFLA_MAX; ++type)
    if (type != IFLA_IFNAME && find_attribute(request.attributes<ifinfomsg>(), type)) return error(EPERM);
  return {};
}

}  // namespace linux_abi
