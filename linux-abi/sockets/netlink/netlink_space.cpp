// SPDX-License-Identifier: Apache-2.0
// Netlink ports: see netlink_space.h.
#include "linux-abi/sockets/netlink/netlink_space.h"

namespace linux_abi {

Answer<processor::Reference<NetlinkSpace>> NetlinkSpace::create() {
  auto space = base::make<NetlinkSpace>();
  if (!space) return error(ENOMEM);
  return processor::Reference<NetlinkSpace>(*space.release());
}

bool NetlinkSpace::take_locked(NetlinkPort& port, std::uint32_t number) {
  port.number = number;
  if (ports_.insert(port).second) return true;
  port.number = 0;
  return false;
}

Answer<> NetlinkSpace::take(NetlinkPort& port, std::uint32_t number) {
  const base::SpinGuard guard(lock_);
  if (port.number != 0) return port.number == number ? Answer<>() : error(EINVAL);
  return take_locked(port, number) ? Answer<>() : error(EADDRINUSE);
}

void NetlinkSpace::take_any(NetlinkPort& port, std::uint32_t process) {
  constexpr std::uint32_t first = 0xfffff000;  // -4096, downwards
  const base::SpinGuard guard(lock_);
  if (port.number != 0 || take_locked(port, process)) return;
  while (!take_locked(port, first - next_ % (1u << 30))) ++next_;
}

void NetlinkSpace::release(NetlinkPort& port) {
  const base::SpinGuard guard(lock_);
  if (port.number != 0) ports_.erase(ports_.iterator_to(port));
  port.number = 0;
}

std::uint32_t NetlinkSpace::number_of(const NetlinkPort& port) {
  const base::SpinGuard guard(lock_);
  return port.number;
}

}  // namespace linux_abi
