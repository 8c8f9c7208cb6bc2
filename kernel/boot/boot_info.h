// SPDX-License-Identifier: Apache-2.0
// What the loader told us, whichever loader it was. Everything is copied out of the loader's memory at boot, except the
// contents of modules, whose frames are never given away.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/boot/command_line.h"

namespace kernel {

enum class MemoryKind : std::uint8_t { Usable, AcpiTables, AcpiStorage, Reserved };

struct MemoryRegion {
  base::PhysAddr start;
  std::uint64_t bytes = 0;
  MemoryKind kind = MemoryKind::Reserved;
};

// Of the ACPI root table: the XSDT has 8-byte entries, the RSDT 4-byte ones.
struct AcpiRoot {
  base::PhysAddr table;
  bool extended = false;
  explicit operator bool() const { return table.value() != 0; }
};

struct BootModule {
  static constexpr std::size_t max_name = 64;
  std::array<char, max_name> name_text{};
  std::size_t name_length = 0;
  base::PhysAddr start;
  std::uint64_t bytes = 0;
  std::string_view name() const { return {name_text.data(), name_length}; }
};

class BootInfo {
 public:
  static constexpr std::size_t max_regions = 256;  // large servers have about 100
  static constexpr std::size_t max_modules = 8;
  static constexpr std::size_t max_command_line = 4096;

  std::string_view loader;  // "PVH" or "Multiboot2"
  AcpiRoot acpi;

  CommandLine command_line() const { return CommandLine({command_line_.data(), command_line_length_}); }
  std::span<const MemoryRegion> memory() const { return {regions_.data(), region_count_}; }
  std::span<const BootModule> modules() const { return {modules_.data(), module_count_}; }
  const BootModule* find_module(std::string_view name) const;

  // While it is being filled in. What does not fit is dropped and counted: a region too many costs memory, not the
  // boot.
  void set_command_line(std::string_view text);
  void add_region(const MemoryRegion& region);
  // `text` is the module's own command line: its first word is the name.
  void add_module(std::string_view text, base::PhysAddr start, std::uint64_t bytes);
  std::uint64_t dropped() const { return dropped_; }

 private:
  std::array<char, max_command_line> command_line_{};
  std::size_t command_line_length_ = 0;
  std::array<MemoryRegion, max_regions> regions_{};
  std::size_t region_count_ = 0;
  std::array<BootModule, max_modules> modules_{};
  std::size_t module_count_ = 0;
  std::uint64_t dropped_ = 0;
};

// How a parser reads physical memory: the identity map of early boot; in tests, a buffer. Empty: not readable.
class PhysicalReader {
 public:
  virtual std::span<const std::byte> view(base::PhysAddr address, std::uint64_t bytes) const = 0;

 protected:
  ~PhysicalReader() = default;
};

// Text up to a zero byte, at most `limit` characters.
std::string_view read_text(const PhysicalReader& reader, base::PhysAddr address, std::size_t limit);

// `start_info`: where EBX pointed. Error::Malformed when it is not what the magic promised.
base::Result<> parse_pvh(const PhysicalReader& reader, base::PhysAddr start_info, BootInfo& info);
base::Result<> parse_multiboot2(const PhysicalReader& reader, base::PhysAddr information, BootInfo& info);

// From a root pointer structure ("RSD PTR "), whose checksums are verified; none when it is not one.
AcpiRoot parse_acpi_root_pointer(std::span<const std::byte> bytes);

}  // namespace kernel
