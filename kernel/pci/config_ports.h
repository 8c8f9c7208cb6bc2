// SPDX-License-Identifier: Apache-2.0
// Configuration space through the two ports of every PC (PCI Local Bus Specification 3.0, 3.2.2.3.2): segment 0 and the
// first 256 bytes only. The address port is shared by all cores: a lock makes the pair of accesses one.
#pragma once

#include <cstdint>

#include "kernel/base/spinlock.h"
#include "kernel/pci/config_space.h"

namespace pci {

// The machine's ports.
class Ports {
 public:
  virtual std::uint8_t in8(std::uint16_t port) = 0;
  virtual std::uint16_t in16(std::uint16_t port) = 0;
  virtual std::uint32_t in32(std::uint16_t port) = 0;
  virtual void out8(std::uint16_t port, std::uint8_t value) = 0;
  virtual void out16(std::uint16_t port, std::uint16_t value) = 0;
  virtual void out32(std::uint16_t port, std::uint32_t value) = 0;

 protected:
  ~Ports() = default;
};

class PortConfigSpace final : public ConfigSpace {
 public:
  explicit PortConfigSpace(Ports& ports) : ports_(ports) {}

  std::uint8_t read8(Address address, std::uint16_t offset) override;
  std::uint16_t read16(Address address, std::uint16_t offset) override;
  std::uint32_t read32(Address address, std::uint16_t offset) override;
  void write8(Address address, std::uint16_t offset, std::uint8_t value) override;
  void write16(Address address, std::uint16_t offset, std::uint16_t value) override;
  void write32(Address address, std::uint16_t offset, std::uint32_t value) override;

 private:
  static bool reachable(Address address, std::uint16_t offset) { return address.segment == 0 && offset < 256; }
  std::uint16_t select_locked(Address address, std::uint16_t offset);

  Ports& ports_;
  base::SpinLock lock_{base::LockRank::Device};
};

}  // namespace pci
