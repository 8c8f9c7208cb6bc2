// SPDX-License-Identifier: Apache-2.0
// One PCI function: what it is, its capabilities, its memory, and what it may do (PCI Local Bus Specification 3.0,
// chapter 6). Nothing that configuration space says is trusted to end, to be aligned or to be in range.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/pci/config_space.h"
#include "kernel/pci/mmio.h"

namespace pci {

// 6.1, figure 6-1
enum class Register : std::uint16_t {
  VendorId = 0x00,
  DeviceId = 0x02,
  Command = 0x04,
  Status = 0x06,
  ClassCode = 0x08,  // revision in the low byte
  HeaderType = 0x0e,
  Bar0 = 0x10,
  SubsystemVendorId = 0x2c,
  SubsystemId = 0x2e,
  Capabilities = 0x34,
};

// 6.2.2
inline constexpr std::uint16_t command_io = 1 << 0;
inline constexpr std::uint16_t command_memory = 1 << 1;
inline constexpr std::uint16_t command_bus_master = 1 << 2;
inline constexpr std::uint16_t command_no_intx = 1 << 10;

// Appendix H, and PCI Express
enum class CapabilityId : std::uint8_t { VendorSpecific = 0x09, PciExpress = 0x10, MsiX = 0x11 };

inline constexpr unsigned max_bars = 6;

struct Bar {
  base::PhysAddr address;
  std::uint64_t bytes = 0;
  bool is_memory = false;  // else I/O ports
  bool is_64_bit = false;
  bool prefetchable = false;
};

class Bars {
 public:
  // NotFound: there is none. NotSupported: the firmware gave it no address. Malformed.
  base::Result<Bar> operator[](unsigned index) const {
    if (index >= max_bars) return base::fail(base::Error::NotFound);
    return bars_[index];
  }
  // A part of a memory BAR. NotSupported: it is one of ports. Malformed: the part lies beyond its end.
  base::Result<Mmio> map(Mapper& mapper, unsigned index, std::uint64_t offset, std::uint64_t bytes) const;

 private:
  friend class Function;
  static constexpr base::Result<Bar> none{std::unexpect, base::Error::NotFound};
  std::array<base::Result<Bar>, max_bars> bars_{none, none, none, none, none, none};
};

class Function {
 public:
  Function(ConfigSpace& space, Address address) : space_(&space), address_(address) {}

  Address address() const { return address_; }
  bool exists() const { return read16(Register::VendorId) != 0xffff; }
  std::uint16_t vendor() const { return read16(Register::VendorId); }
  std::uint16_t device() const { return read16(Register::DeviceId); }
  std::uint16_t subsystem() const { return read16(Register::SubsystemId); }
  std::uint32_t class_code() const;  // class, subclass, interface
  bool has_more_functions() const;
  bool is_bridge() const;  // it has two BARs only

  std::uint8_t read8(std::uint16_t offset) const { return space_->read8(address_, offset); }
  std::uint16_t read16(std::uint16_t offset) const { return space_->read16(address_, offset); }
  std::uint32_t read32(std::uint16_t offset) const { return space_->read32(address_, offset); }
  std::uint16_t read16(Register reg) const { return read16(static_cast<std::uint16_t>(reg)); }
  void write16(std::uint16_t offset, std::uint16_t value) { space_->write16(address_, offset, value); }
  void write16(Register reg, std::uint16_t value) { write16(static_cast<std::uint16_t>(reg), value); }
  void write32(std::uint16_t offset, std::uint32_t value) { space_->write32(address_, offset, value); }

  // Offset of the first capability with that id, or of the next one behind `after`.
  std::optional<std::uint16_t> capability(CapabilityId id, std::uint16_t after = 0) const;

  // Sizes all BARs; the function must not be in use, its decoding is off meanwhile.
  Bars bars();

  // The function answers at its BARs and may read and write memory; its old interrupt pin is silenced.
  void enable();
  void disable_bus_master();

 private:
  bool bar_is_64_bit(unsigned index) const;
  base::Result<Bar> size_bar(unsigned index);

  ConfigSpace* space_;
  Address address_;
};

}  // namespace pci
