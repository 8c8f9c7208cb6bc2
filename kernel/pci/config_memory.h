// SPDX-License-Identifier: Apache-2.0
// Configuration space in memory (PCI Express Base Specification, 7.2.2, "ECAM"), where the ACPI table MCFG says: 4 KiB
// per function, 1 MiB per bus. Aligned accesses of their own width, so no lock is needed.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/pci/config_space.h"
#include "kernel/pci/mmio.h"

namespace pci {

class MemoryConfigSpace final : public ConfigSpace {
 public:
  // `first_bus_zero`: where bus 0 of the segment would be, as MCFG gives it.
  base::Result<> add(Mapper& mapper, base::PhysAddr first_bus_zero, BusRange buses);

  std::uint8_t read8(Address address, std::uint16_t offset) override;
  std::uint16_t read16(Address address, std::uint16_t offset) override;
  std::uint32_t read32(Address address, std::uint16_t offset) override;
  void write8(Address address, std::uint16_t offset, std::uint8_t value) override;
  void write16(Address address, std::uint16_t offset, std::uint16_t value) override;
  void write32(Address address, std::uint16_t offset, std::uint32_t value) override;

 private:
  struct Window {
    BusRange buses;
    Mmio memory;
  };
  template <typename T>
  T read(Address address, std::uint16_t offset);
  template <typename T>
  void write(Address address, std::uint16_t offset, T value);
  Window* window_of(Address address);
  static std::size_t position(const Window& window, Address address, std::uint16_t offset);

  base::Array<Window> windows_;
};

}  // namespace pci
