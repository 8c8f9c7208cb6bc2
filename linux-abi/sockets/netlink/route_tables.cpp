// SPDX-License-Identifier: Apache-2.0
// Routes, which all end at this machine, and the rules that choose among their tables: see route_answers.h.
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "linux-abi/sockets/loopback_interface.h"
#include "linux-abi/sockets/netlink/route_answers.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {
namespace {

using Address4 = std::array<std::uint8_t, 4>;
using Address6 = std::array<std::uint8_t, 16>;

constexpr std::uint32_t over = loopback::index;

struct Route4 {
  Address4 to;
  std::uint8_t prefix, scope, type;
};
constexpr std::array routes4{Route4{loopback::network4, loopback::prefix4, RT_SCOPE_HOST, RTN_LOCAL},
                             Route4{loopback::address4, 32, RT_SCOPE_HOST, RTN_LOCAL},
                             Route4{loopback::last4, 32, RT_SCOPE_LINK, RTN_BROADCAST}};

// What a dump leaves out, by the request's header; Linux looks at it only if it is to be strict.
class RouteFilter {
 public:
  static Answer<RouteFilter> of(const RouteDump& dump) {
    RouteFilter filter;
    if (!dump.asker.strict) return filter;
    const auto asked = dump.request.fixed<rtmsg>();
    const auto attributes = dump.request.attributes<rtmsg>();
    if (!dump.request.has_fixed<rtmsg>() || asked.rtm_dst_len != 0 || asked.rtm_src_len != 0 || asked.rtm_tos != 0 ||
        asked.rtm_scope != 0)
      return error(EINVAL);
    filter.table_ = attribute_as<std::uint32_t>(attributes, RTA_TABLE).value_or(asked.rtm_table);
    filter.over_ = attribute_as<std::uint32_t>(attributes, RTA_OIF).value_or(0);
    filter.protocol_ = asked.rtm_protocol;
    filter.type_ = asked.rtm_type;
    if (filter.over_ != 0 && filter.over_ != over) return error(ENODEV);
    return filter;
  }
  bool chooses() const { return table_ != 0 || over_ != 0 || protocol_ != 0 || type_ != 0; }
  bool takes(std::uint8_t type) const {
    return (table_ == 0 || table_ == RT_TABLE_LOCAL) && (protocol_ == 0 || protocol_ == RTPROT_KERNEL) &&
           (type_ == 0 || type_ == type);
  }

 private:
  std::uint32_t table_ = 0, over_ = 0;
  std::uint8_t protocol_ = 0, type_ = 0;
};

Answer<> begin_route(NetlinkWriter& to, std::uint16_t flags, const rtmsg& route, std::uint32_t table) {
  TRY(to.begin(RTM_NEWROUTE, flags, route));
  return to.add(RTA_TABLE, table);
}

rtmsg local_route(std::uint8_t family, std::uint8_t prefix, std::uint8_t scope, std::uint8_t type) {
  return {.rtm_family = family,
          .rtm_dst_len = prefix,
          .rtm_table = RT_TABLE_LOCAL,
          .rtm_protocol = RTPROT_KERNEL,
          .rtm_scope = scope,
          .rtm_type = type};
}

Answer<> write_route4(NetlinkWriter& to, std::uint16_t flags, const Route4& route) {
  TRY(begin_route(to, flags, local_route(address_family::internet, route.prefix, route.scope, route.type),
                  RT_TABLE_LOCAL));
  TRY(to.add(RTA_DST, route.to));
  TRY(to.add(RTA_PREFSRC, loopback::address4));
  TRY(to.add(RTA_OIF, over));
  to.end();
  return {};
}

// looked_up: as the answer to where something would go, which says from where, too.
Answer<> write_route6(NetlinkWriter& to, std::uint16_t flags, bool looked_up) {
  constexpr std::uint32_t metric = 0;
  constexpr std::uint8_t preference = 0;  // medium
  rtmsg route = local_route(address_family::internet6, loopback::prefix6, RT_SCOPE_UNIVERSE, RTN_LOCAL);
  if (looked_up) route.rtm_src_len = loopback::prefix6;
  TRY(begin_route(to, flags, route, RT_TABLE_LOCAL));
  TRY(to.add(RTA_DST, loopback::address6));
  if (looked_up) TRY(to.add(RTA_SRC, Address6{}));
  if (looked_up) TRY(to.add(RTA_PREFSRC, loopback::address6));
  TRY(to.add(RTA_PRIORITY, metric));
  TRY(to.add(RTA_OIF, over));
  TRY(to.add(RTA_CACHEINFO, rta_cacheinfo{}));
  TRY(to.add(RTA_PREF, preference));
  to.end();
  return {};
}

struct Rule {
  std::uint8_t family;
  std::uint32_t table, priority;
};
constexpr std::array rules{
    Rule{address_family::internet, RT_TABLE_LOCAL, 0}, Rule{address_family::internet, RT_TABLE_MAIN, 32766},
    Rule{address_family::internet, RT_TABLE_DEFAULT, 32767}, Rule{address_family::internet6, RT_TABLE_LOCAL, 0},
    Rule{address_family::internet6, RT_TABLE_MAIN, 32766}};

Answer<> write_rule(NetlinkWriter& to, std::uint16_t flags, const Rule& rule) {
  constexpr std::uint32_t no_prefix = ~0u;
  constexpr std::uint8_t by_kernel = RTPROT_KERNEL;
  TRY(to.begin(
      RTM_NEWRULE, flags,
      fib_rule_hdr{.family = rule.family, .table = static_cast<std::uint8_t>(rule.table), .action = FR_ACT_TO_TBL}));
  TRY(to.add(FRA_TABLE, rule.table));
  TRY(to.add(FRA_SUPPRESS_PREFIXLEN, no_prefix));
  TRY(to.add(FRA_PROTOCOL, by_kernel));
  if (rule.priority != 0) TRY(to.add(FRA_PRIORITY, rule.priority));
  to.end();
  return {};
}

bool wants(const RouteDump& dump, std::uint8_t family) { return dump.family == family || dump.family == 0; }

}  // namespace

Answer<> get_route4(const NetlinkMessage& request, const RouteAsker& asker, NetlinkWriter& to) {
  // Flags of a route that was looked up: RTCF_LOCAL, and RTCF_BROADCAST.
  constexpr std::uint32_t local = 0x80000000, broadcast = 0x10000000;
  if (!request.has_fixed<rtmsg>()) return error(EINVAL);
  const auto asked = request.fixed<rtmsg>();
  const auto target = attribute_as<Address4>(request.attributes<rtmsg>(), RTA_DST);
  const Address4 address = target.value_or(Address4{});
  if (address != Address4{} && address[0] != loopback::network4[0]) return error(ENETUNREACH);
  const bool to_all = address == loopback::last4;
  TRY(begin_route(to, 0,
                  {.rtm_family = address_family::internet,
                   .rtm_dst_len = 32,
                   .rtm_tos = asked.rtm_tos,
                   .rtm_table = RT_TABLE_MAIN,  // which the local one is part of as long as nobody adds rules
                   .rtm_type = to_all ? std::uint8_t{RTN_BROADCAST} : std::uint8_t{RTN_LOCAL},
                   .rtm_flags = RTM_F_CLONED | local | (to_all ? broadcast : 0)},
                  RT_TABLE_MAIN));
  if (target) TRY(to.add(RTA_DST, address));
  TRY(to.add(RTA_OIF, over));
  TRY(to.add(RTA_PREFSRC, loopback::address4));
  TRY(to.add(RTA_UID, attribute_as<std::uint32_t>(request.attributes<rtmsg>(), RTA_UID).value_or(asker.uid)));
  TRY(to.add(RTA_CACHEINFO, rta_cacheinfo{}));
  to.end();
  return {};
}

Answer<> get_route6(const NetlinkMessage& request, NetlinkWriter& to) {
  if (!request.has_fixed<rtmsg>()) return error(EINVAL);
  const Address6 target = attribute_as<Address6>(request.attributes<rtmsg>(), RTA_DST).value_or(loopback::address6);
  if (target != loopback::address6) return error(ENETUNREACH);
  return write_route6(to, 0, true);
}

Answer<> dump_routes(RouteDump& dump) {
  const RouteFilter filter = TRY(RouteFilter::of(dump));
  dump.filtered = filter.chooses();
  const std::uint32_t flags = dump.request.fixed<rtmsg>().rtm_flags;
  // What `ip route show cache` asks for: routes that were looked up, which nobody keeps.
  if (dump.asker.strict && (flags & RTM_F_CLONED) != 0) return {};
  if (wants(dump, address_family::internet) && (flags & RTM_F_PREFIX) == 0)
    for (const Route4& route : routes4)
      if (filter.takes(route.type)) TRY(write_route4(dump.to, dump.flags(), route));
  if (wants(dump, address_family::internet6) && filter.takes(RTN_LOCAL))
    TRY(write_route6(dump.to, dump.flags(), false));
  return {};
}

Answer<> dump_rules(RouteDump& dump) {
  for (const Rule& rule : rules)
    if (wants(dump, rule.family)) TRY(write_rule(dump.to, dump.flags(), rule));
  return {};
}

}  // namespace linux_abi
