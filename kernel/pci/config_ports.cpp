// SPDX-License-Identifier: Apache-2.0
// Configuration mechanism #1.
#include "kernel/pci/config_ports.h"

namespace pci {

using base::SpinGuard;

namespace {
constexpr std::uint16_t address_port = 0xcf8;
constexpr std::uint16_t data_port = 0xcfc;
constexpr std::uint32_t enable = std::uint32_t{1} << 31;
}  // namespace

// Returns the port at which the data appears.
std::uint16_t PortConfigSpace::select_locked(Address address, std::uint16_t offset) {
  ports_.out32(address_port, enable | std::uint32_t{address.bus} << 16 | (address.device & 31u) << 11 |
                                 (address.function & 7u) << 8 | (offset & 0xfcu));
  return static_cast<std::uint16_t>(data_port + (offset & 3));
}

std::uint8_t PortConfigSpace::read8(Address address, std::uint16_t offset) {
  if (!reachable(address, offset)) return 0xff;
  SpinGuard guard(lock_);
  return ports_.in8(select_locked(address, offset));
}
std::uint16_t PortConfigSpace::read16(Address address, std::uint16_t offset) {
  if (!reachable(address, offset)) return 0xffff;
  SpinGuard guard(lock_);
  return ports_.in16(select_locked(address, offset));
}
std::uint32_t PortConfigSpace::read32(Address address, std::uint16_t offset) {
  if (!reachable(address, offset)) return 0xffffffff;
  SpinGuard guard(lock_);
  return ports_.in32(select_locked(address, offset));
}
void PortConfigSpace::write8(Address address, std::uint16_t offset, std::uint8_t value) {
  if (!reachable(address, offset)) return;
  SpinGuard guard(lock_);
  ports_.out8(select_locked(address, offset), value);
}
void PortConfigSpace::write16(Address address, std::uint16_t offset, std::uint16_t value) {
  if (!reachable(address, offset)) return;
  SpinGuard guard(lock_);
  ports_.out16(select_locked(address, offset), value);
}
void PortConfigSpace::write32(Address address, std::uint16_t offset, std::uint32_t value) {
  if (!reachable(address, offset)) return;
  SpinGuard guard(lock_);
  ports_.out32(select_locked(address, offset), value);
}

}  // namespace pci
