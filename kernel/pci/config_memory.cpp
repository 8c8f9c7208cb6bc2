// SPDX-License-Identifier: Apache-2.0
// The enhanced configuration access mechanism.
#include "kernel/pci/config_memory.h"

namespace pci {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::uint64_t bus_bytes = 1 << 20;
}

Result<> MemoryConfigSpace::add(Mapper& mapper, base::PhysAddr first_bus_zero, BusRange buses) {
  if (buses.first_bus > buses.last_bus) return fail(Error::Malformed);
  const std::uint64_t count = std::uint64_t{buses.last_bus} - buses.first_bus + 1;
  const Mmio memory = TRY(mapper.map(first_bus_zero + buses.first_bus * bus_bytes, count * bus_bytes));
  return windows_.push_back({buses, memory});
}

MemoryConfigSpace::Window* MemoryConfigSpace::window_of(Address address) {
  for (Window& window : windows_) {
    if (window.buses.segment == address.segment && address.bus >= window.buses.first_bus &&
        address.bus <= window.buses.last_bus) {
      return &window;
    }
  }
  return nullptr;
}

std::size_t MemoryConfigSpace::position(const Window& window, Address address, std::uint16_t offset) {
  const auto bus = static_cast<std::size_t>(address.bus - window.buses.first_bus);
  return bus << 20 | static_cast<std::size_t>(address.device & 31) << 15 |
         static_cast<std::size_t>(address.function & 7) << 12 | (offset & 4095u);
}

template <typename T>
T MemoryConfigSpace::read(Address address, std::uint16_t offset) {
  const Window* window = window_of(address);
  return window == nullptr ? static_cast<T>(~T{0}) : window->memory.read<T>(position(*window, address, offset));
}

template <typename T>
void MemoryConfigSpace::write(Address address, std::uint16_t offset, T value) {
  Window* window = window_of(address);
  if (window != nullptr) window->memory.write<T>(position(*window, address, offset), value);
}

std::uint8_t MemoryConfigSpace::read8(Address address, std::uint16_t offset) {
  return read<std::uint8_t>(address, offset);
}
std::uint16_t MemoryConfigSpace::read16(Address address, std::uint16_t offset) {
  return read<std::uint16_t>(address, offset);
}
std::uint32_t MemoryConfigSpace::read32(Address address, std::uint16_t offset) {
  return read<std::uint32_t>(address, offset);
}
void MemoryConfigSpace::write8(Address address, std::uint16_t offset, std::uint8_t value) {
  write(address, offset, value);
}
void MemoryConfigSpace::write16(Address address, std::uint16_t offset, std::uint16_t value) {
  write(address, offset, value);
}
void MemoryConfigSpace::write32(Address address, std::uint16_t offset, std::uint32_t value) {
  write(address, offset, value);
}

}  // namespace pci
