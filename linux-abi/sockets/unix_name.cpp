// SPDX-License-Identifier: Apache-2.0
// Names of AF_UNIX sockets: see unix_name.h.
#include "linux-abi/sockets/unix_name.h"

namespace linux_abi {

constexpr std::size_t family_bytes = sizeof(std::uint16_t);

Answer<UnixName> UnixName::parse(const SocketAddress& address) {
  if (address.size < family_bytes || address.size > family_bytes + max_bytes) return error(EINVAL);
  if (address.family() != address_family::local) return error(EINVAL);
  UnixName name;
  name.size_ = address.size - family_bytes;
  std::memcpy(name.bytes_.data(), address.bytes.data() + family_bytes, name.size_);
  if (name.size_ > 0 && name.bytes_[0] != '\0') name.size_ = name.path().size() + 1;
  return name;
}

UnixName UnixName::numbered(std::uint32_t number) {
  constexpr std::size_t digits = 5;
  UnixName name;
  name.size_ = 1 + digits;
  for (std::size_t i = digits; i > 0; --i, number >>= 4) name.bytes_[i] = "0123456789abcdef"[number & 0xf];
  return name;
}

std::string_view UnixName::path() const {
  // One byte more than a name can have: there is always a zero.
  return {bytes_.data()};
}

SocketAddress UnixName::address() const {
  constexpr std::uint16_t family = address_family::local;
  SocketAddress address = SocketAddress::of(family);
  std::memcpy(address.bytes.data() + address.size, bytes_.data(), size_);
  address.size += size_;
  return address;
}

}  // namespace linux_abi
