// SPDX-License-Identifier: Apache-2.0
// The invariant CRC that ends every RoCEv2 packet: CRC-32 as in Ethernet over eight bytes of ones, the IP, UDP and BTH
// headers with what routers change set to ones, and everything after them (IBTA Volume 1, 7.8.1 and annex A17.3.3). It
// is the hot loop of sending and receiving: several methods exist, and whoever starts an engine picks one by timing it
// (under emulation another one wins than on silicon) or fixes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace roce {

enum class CrcMethod : std::uint8_t { ByteTable, SliceBy8, SliceBy16, Elimination, CarryLess };

struct CrcMethodInfo {
  CrcMethod method;
  std::string_view name;
  // Continues a CRC (reflected polynomial 0xEDB88320, no final complement) over the bytes.
  std::uint32_t (*update)(std::uint32_t state, const std::byte* bytes, std::size_t count);
};

// All methods that this CPU has, to time them or to find one by name.
std::span<const CrcMethodInfo> crc_methods();
// The table if this CPU does not have it.
const CrcMethodInfo& crc_method(CrcMethod method);

// The state after the eight bytes of ones that stand for the local routing header, from an initial state of ~0.
inline constexpr std::uint32_t icrc_seed = 0xdebb20e3;

// The state after the masked headers. `headers` begins at the IP header and ends at or after the BTH (its rest is taken
// as it is); it is an IPv4 header without options or an IPv6 header, as its version says, then UDP and BTH.
std::uint32_t icrc_headers(const CrcMethodInfo& crc, std::span<const std::byte> headers);

}  // namespace roce
