// SPDX-License-Identifier: Apache-2.0
// What NETLINK_ROUTE says of a vNode's network, as Linux says it of a network namespace that has only lo: links
// (route_links.cpp), addresses (route_addresses.cpp), routes and rules (route_tables.cpp). Nobody can change any of it.
// Pure.
#pragma once

#include "linux-abi/sockets/netlink/netlink_message.h"

namespace linux_abi {

struct RouteAsker {
  std::uint32_t port = 0, uid = 0;
  bool privileged = false;     // CAP_NET_ADMIN
  bool strict = false;         // NETLINK_GET_STRICT_CHK: what a dump's header says chooses, or is an error
  bool capped_errors = false;  // NETLINK_CAP_ACK
};

// How a dump goes: each writes what it has of the family that was asked for.
struct RouteDump {
  const NetlinkMessage& request;
  const RouteAsker& asker;
  NetlinkWriter& to;
  std::uint8_t family = 0;  // AF_UNSPEC: all
  bool filtered = false;    // set by who looks at what the request chooses

  std::uint16_t flags() const { return static_cast<std::uint16_t>(NLM_F_MULTI | (filtered ? NLM_F_DUMP_FILTERED : 0)); }
};

// Up to two datagrams; either may be empty.
struct RouteAnswer {
  base::Array<std::byte> told, acknowledgment;
};
// ENOMEM. What the program did wrong stands in the acknowledgment.
Answer<RouteAnswer> answer_route_message(const NetlinkMessage& message, const RouteAsker& asker);

// One of something. ENODEV.
Answer<> get_link(const NetlinkMessage& request, NetlinkWriter& to);
Answer<> get_address6(const NetlinkMessage& request, NetlinkWriter& to);                         // EADDRNOTAVAIL
Answer<> get_route4(const NetlinkMessage& request, const RouteAsker& asker, NetlinkWriter& to);  // ENETUNREACH
Answer<> get_route6(const NetlinkMessage& request, NetlinkWriter& to);
// All there are.
Answer<> dump_links(RouteDump& dump);
Answer<> dump_addresses(RouteDump& dump);
Answer<> dump_routes(RouteDump& dump);
Answer<> dump_rules(RouteDump& dump);
// RTM_NEWLINK and RTM_SETLINK, by who is privileged: what leaves lo as it is is well. EPERM, ENODEV, EINVAL.
Answer<> set_link(const NetlinkMessage& request);

}  // namespace linux_abi
