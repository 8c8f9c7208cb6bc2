// SPDX-License-Identifier: Apache-2.0
// lo's addresses, 127.0.0.1 and ::1: see route_answers.h.
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "linux-abi/sockets/loopback_interface.h"
#include "linux-abi/sockets/netlink/route_answers.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {
namespace {

constexpr std::uint32_t permanent = IFA_F_PERMANENT;
constexpr ifa_cacheinfo for_ever{.ifa_prefered = ~0u, .ifa_valid = ~0u, .cstamp = 0, .tstamp = 0};

Answer<> begin_address(NetlinkWriter& to, std::uint16_t flags, std::uint8_t family, std::uint8_t prefix) {
  return to.begin(RTM_NEWADDR, flags,
                  ifaddrmsg{.ifa_family = family,
                            .ifa_prefixlen = prefix,
                            .ifa_flags = permanent,
                            .ifa_scope = RT_SCOPE_HOST,
                            .ifa_index = loopback::index});
}

Answer<> write_address4(NetlinkWriter& to, std::uint16_t flags) {
  TRY(begin_address(to, flags, address_family::internet, loopback::prefix4));
  TRY(to.add(IFA_ADDRESS, loopback::address4));
  TRY(to.add(IFA_LOCAL, loopback::address4));
  TRY(to.add_text(IFA_LABEL, loopback::name));
  TRY(to.add(IFA_FLAGS, permanent));
  TRY(to.add(IFA_CACHEINFO, for_ever));
  to.end();
  return {};
}

Answer<> write_address6(NetlinkWriter& to, std::uint16_t flags) {
  constexpr std::uint8_t by_kernel = 1;  // IFAPROT_KERNEL_LO
  TRY(begin_address(to, flags, address_family::internet6, loopback::prefix6));
  TRY(to.add(IFA_ADDRESS, loopback::address6));
  TRY(to.add(IFA_CACHEINFO, for_ever));
  TRY(to.add(IFA_FLAGS, permanent));
  TRY(to.add(IFA_PROTO, by_kernel));
  to.end();
  return {};
}

}  // namespace

Answer<> get_address6(const NetlinkMessage& request, NetlinkWriter& to) {
  using Address = std::array<std::uint8_t, 16>;
  if (!request.has_fixed<ifaddrmsg>()) return error(EINVAL);
  const auto attributes = request.attributes<ifaddrmsg>();
  auto asked = attribute_as<Address>(attributes, IFA_LOCAL);
  if (!asked) asked = attribute_as<Address>(attributes, IFA_ADDRESS);
  if (!asked) return error(EINVAL);
  const std::uint32_t index = request.fixed<ifaddrmsg>().ifa_index;
  if (*asked != loopback::address6 || (index != 0 && index != loopback::index)) return error(EADDRNOTAVAIL);
  return write_address6(to, 0);
}

Answer<> dump_addresses(RouteDump& dump) {
  const auto asked = dump.request.fixed<ifaddrmsg>();
  if (dump.asker.strict) {
    if (!dump.request.has_fixed<ifaddrmsg>() || asked.ifa_prefixlen != 0 || asked.ifa_flags != 0 ||
        asked.ifa_scope != 0)
      return error(EINVAL);
    dump.filtered = asked.ifa_index != 0;
    if (asked.ifa_index != 0 && asked.ifa_index != loopback::index) return error(ENODEV);
  }
  const bool only6 = dump.family == address_family::internet6, only4 = dump.family == address_family::internet;
  if (!only6) TRY(write_address4(dump.to, dump.flags()));
  if (!only4) TRY(write_address6(dump.to, dump.flags()));
  return {};
}

}  // namespace linux_abi
