// SPDX-License-Identifier: Apache-2.0
// The firmware's tables: finds them by signature, verifies checksums, and reads the few that we need (no AML). Tables
// are only looked at during start-up, by the boot core. Numbers in comments are sections of the ACPI specification 6.5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace acpi {

// Makes firmware memory readable; the span lives for ever. Error: it cannot be mapped.
class MemoryMapper {
 public:
  virtual base::Result<std::span<const std::byte>> map(base::PhysAddr address, std::uint64_t bytes) = 0;

 protected:
  ~MemoryMapper() = default;
};

class Tables {
 public:
  Tables() = default;
  // `root`: the XSDT (extended) or RSDT. Malformed when its checksum is wrong. Damaged tables are left out and counted.
  static base::Result<Tables> load(MemoryMapper& mapper, base::PhysAddr root, bool extended);

  // The whole table with its header; nullopt when there are not that many of it.
  std::optional<std::span<const std::byte>> find(std::string_view signature, unsigned index = 0) const;
  std::size_t count() const { return count_; }
  std::size_t damaged() const { return damaged_; }

 private:
  static constexpr std::size_t max_tables = 128;
  std::array<std::span<const std::byte>, max_tables> tables_{};
  std::size_t count_ = 0;
  std::size_t damaged_ = 0;
};

// The component's own, read at start-up; empty without ACPI.
const Tables& tables();
void set_tables(const Tables& tables);

// MADT, 5.2.12: the cores that can be started, the boot core among them, in the firmware's order.
struct Processors {
  static constexpr std::size_t max = 256;
  std::array<std::uint32_t, max> apic_ids{};
  std::size_t count = 0;
  std::size_t not_enabled = 0;  // slots for hot-plug, and cores that the firmware switched off
  std::size_t dropped = 0;      // beyond max
};
Processors read_processors(const Tables& tables);

// MCFG (PCI Firmware Specification 3.3, section 4.1.2): configuration space of one segment's buses in memory.
struct ConfigurationSpace {
  base::PhysAddr address;  // of bus 0 of the segment, whatever first_bus is
  std::uint16_t segment = 0;
  std::uint8_t first_bus = 0, last_bus = 0;
};
std::optional<ConfigurationSpace> read_configuration_space(const Tables& tables, unsigned index);

// HPET (IA-PC HPET Specification, 3.2.4).
std::optional<base::PhysAddr> read_hpet_address(const Tables& tables);

// FADT, 5.2.9: the ACPI timer, 3.579545 MHz.
struct PmTimer {
  std::uint16_t port = 0;
  unsigned bits = 24;
};
std::optional<PmTimer> read_pm_timer(const Tables& tables);

}  // namespace acpi
