// SPDX-License-Identifier: Apache-2.0
// Which answer a message of NETLINK_ROUTE gets: see route_answers.h.
#include "linux-abi/sockets/netlink/route_answers.h"

#include <linux/rtnetlink.h>

#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {
namespace {

// Types come in fours: new, del, get, set.
constexpr unsigned kinds = 4, get_kind = 2;

Answer<> dump_neighbours(RouteDump&) { return {}; }  // lo has none

using Dump = Answer<> (*)(RouteDump&);
Dump dump_of(std::uint16_t type) {
  switch (type) {
    case RTM_GETLINK:
      return dump_links;
    case RTM_GETADDR:
      return dump_addresses;
    case RTM_GETROUTE:
      return dump_routes;
    case RTM_GETRULE:
      return dump_rules;
    case RTM_GETNEIGH:
      return dump_neighbours;
    default:
      return nullptr;
  }
}

Answer<> write_dump(const NetlinkMessage& message, const RouteAsker& asker, NetlinkWriter& to) {
  const Dump write = dump_of(message.header.nlmsg_type);
  if (write == nullptr) return error(EOPNOTSUPP);
  RouteDump dump{message, asker, to, message.fixed<rtgenmsg>().rtgen_family};
  // What is wrong with the request of a dump that there is, is told by the dump's end.
  const Answer<> written = write(dump);
  if (!written && written.error() == ENOMEM) return written;
  return to.finish_dump(dump.filtered, written ? 0 : written.error().number());
}

Answer<> write_one(const NetlinkMessage& message, const RouteAsker& asker, NetlinkWriter& to) {
  const std::uint8_t family = message.fixed<rtgenmsg>().rtgen_family;
  switch (message.header.nlmsg_type) {
    case RTM_GETLINK:
      return get_link(message, to);
    case RTM_GETADDR:
      return family == address_family::internet6 ? get_address6(message, to) : error(EOPNOTSUPP);
    case RTM_GETROUTE:
      if (family == address_family::internet6) return get_route6(message, to);
      return family == address_family::internet ? get_route4(message, asker, to) : error(EOPNOTSUPP);
    case RTM_NEWLINK:
    case RTM_SETLINK:
      return set_link(message);
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return error(EPERM);  // whatever Linux lets root do: a vNode's network is not its own to change
    default:
      return error(EOPNOTSUPP);
  }
}

}  // namespace

Answer<RouteAnswer> answer_route_message(const NetlinkMessage& message, const RouteAsker& asker) {
  RouteAnswer answer;
  if (!message.has_flag(NLM_F_REQUEST)) return answer;
  const unsigned type = message.header.nlmsg_type;
  NetlinkWriter told(message.header, asker.port), acknowledgment(message.header, asker.port);
  Answer<> done;
  bool dumped = false;
  if (type > RTM_MAX) {
    done = error(EOPNOTSUPP);
  } else if (type >= NLMSG_MIN_TYPE && message.has_fixed<rtgenmsg>()) {
    const bool gets = type % kinds == get_kind;
    dumped = gets && message.has_flag(NLM_F_DUMP);
    if (!gets && !asker.privileged)
      done = error(EPERM);
    else
      done = dumped ? write_dump(message, asker, told) : write_one(message, asker, told);
  }
  if (!done && done.error() == ENOMEM) return std::unexpected(done.error());
  if (done) answer.told = told.take();
  // A dump has an end of its own.
  if (!done || (message.has_flag(NLM_F_ACK) && !dumped)) {
    TRY(acknowledgment.acknowledge(message, done ? 0 : done.error().number(), asker.capped_errors));
    answer.acknowledgment = acknowledgment.take();
  }
  return answer;
}

}  // namespace linux_abi
