// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/context.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ibverbs {

Error error_of(int error_number) {
  switch (error_number) {
    case EINVAL:
      return Error::InvalidArgument;
    case ENOMEM:
      return Error::NoMemory;
    case ENODEV:
    case ENXIO:
      return Error::NoDevice;
    case EACCES:
    case EPERM:
      return Error::AccessDenied;
    case EADDRINUSE:
      return Error::Exists;
    case EADDRNOTAVAIL:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return Error::NotFound;
    case ETIMEDOUT:
      return Error::TimedOut;
    case EOPNOTSUPP:
    case ENOSYS:
      return Error::NotSupported;
    case ENOTCONN:
      return Error::NotConnected;
    default:
      return Error::IoError;
  }
}

Result<ibv_mtu> mtu_code(std::uint32_t bytes) {
  for (const ibv_mtu code : {IBV_MTU_256, IBV_MTU_512, IBV_MTU_1024, IBV_MTU_2048, IBV_MTU_4096}) {
    if (mtu_bytes(code) == bytes) return code;
  }
  return base::fail(Error::InvalidArgument);
}

bool is_ipv4(const verbs::Gid& gid) { return verbs::Gid::from_ipv4(gid.ipv4()) == gid; }

SocketAddress::SocketAddress(const verbs::Gid& address, std::uint16_t port, unsigned interface_index) {
  if (is_ipv4(address)) {
    auto& ip = reinterpret_cast<sockaddr_in&>(storage);
    ip.sin_family = AF_INET;
    ip.sin_port = htons(port);
    ip.sin_addr.s_addr = htonl(address.ipv4());
    return;
  }
  auto& ip = reinterpret_cast<sockaddr_in6&>(storage);
  ip.sin6_family = AF_INET6;
  ip.sin6_port = htons(port);
  std::memcpy(&ip.sin6_addr, address.bytes.data(), address.bytes.size());
  if (address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80) ip.sin6_scope_id = interface_index;
}

verbs::Gid gid_of(const sockaddr& address) {
  verbs::Gid gid;
  if (address.sa_family == AF_INET) {
    return verbs::Gid::from_ipv4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family == AF_INET6) {
    std::memcpy(gid.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, gid.bytes.size());
  }
  return gid;
}

}  // namespace ibverbs
