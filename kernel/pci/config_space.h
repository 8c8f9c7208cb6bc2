// SPDX-License-Identifier: Apache-2.0
// Where a PCI function is, and the interface to configuration space, whichever way the machine offers.
#pragma once

#include <compare>
#include <cstdint>

namespace pci {

struct Address {
  std::uint16_t segment = 0;
  std::uint8_t bus = 0;
  std::uint8_t device = 0;    // 0 to 31
  std::uint8_t function = 0;  // 0 to 7
  auto operator<=>(const Address&) const = default;
};

// Offsets are below 4096 and aligned to the width. What is not there (no function, no access to that bus, beyond 256
// by the old mechanism) reads as all ones, and writes are lost.
class ConfigSpace {
 public:
  virtual std::uint8_t read8(Address address, std::uint16_t offset) = 0;
  virtual std::uint16_t read16(Address address, std::uint16_t offset) = 0;
  virtual std::uint32_t read32(Address address, std::uint16_t offset) = 0;
  virtual void write8(Address address, std::uint16_t offset, std::uint8_t value) = 0;
  virtual void write16(Address address, std::uint16_t offset, std::uint16_t value) = 0;
  virtual void write32(Address address, std::uint16_t offset, std::uint32_t value) = 0;

 protected:
  ~ConfigSpace() = default;
};

// Bus numbers that may be looked at.
struct BusRange {
  std::uint16_t segment = 0;
  std::uint8_t first_bus = 0;
  std::uint8_t last_bus = 255;
};

}  // namespace pci
