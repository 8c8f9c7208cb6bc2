// SPDX-License-Identifier: Apache-2.0
// The address of a socket as calls carry it (struct sockaddr_storage): a family and what that makes of the bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace linux_abi {

namespace address_family {
inline constexpr int unspecified = 0, local = 1, internet = 2, bridge = 7, internet6 = 10, netlink = 16, families = 46;
}

enum class SocketType : std::uint8_t { Stream = 1, Datagram = 2, Raw = 3, SequencedPacket = 5 };

struct SocketAddress {
  std::array<std::byte, 128> bytes{};
  std::size_t size = 0;  // 0: none

  bool has_family() const { return size >= sizeof(std::uint16_t); }
  // 0 (unspecified) if there is none.
  int family() const {
    std::uint16_t family = 0;
    if (has_family()) std::memcpy(&family, bytes.data(), sizeof family);
    return family;
  }
  std::span<const std::byte> span() const { return std::span(bytes).first(size); }
  template <typename T>
  static SocketAddress of(const T& value) {
    static_assert(sizeof(T) <= 128);
    SocketAddress address;
    std::memcpy(address.bytes.data(), &value, sizeof value);
    address.size = sizeof value;
    return address;
  }
};

}  // namespace linux_abi
