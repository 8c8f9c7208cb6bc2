// SPDX-License-Identifier: Apache-2.0
// The start information of the PVH boot protocol (Xen's public header arch-x86/hvm/start_info.h describes it).
#include <cstring>

#include "kernel/base/endian.h"
#include "kernel/boot/boot_info.h"

namespace kernel {
namespace {

using base::le32;
using base::le64;

constexpr std::uint32_t start_magic = 0x336ec578;

struct StartInfo {
  le32 magic;
  le32 version;
  le32 flags;
  le32 module_count;
  le64 modules;
  le64 command_line;
  le64 root_pointer;
  // From version 1 on:
  le64 memory_map;
  le32 memory_map_entries;
  le32 reserved;
};
static_assert(sizeof(StartInfo) == 56);
constexpr std::size_t version0_bytes = 40;

struct Module {
  le64 start;
  le64 bytes;
  le64 command_line;
  le64 reserved;
};
static_assert(sizeof(Module) == 32);

struct MapEntry {
  le64 start;
  le64 bytes;
  le32 type;
  le32 reserved;
};
static_assert(sizeof(MapEntry) == 24);

// ACPI 6.5, table 15.4: address range types.
MemoryKind kind_of(std::uint32_t type) {
  switch (type) {
    case 1:
      return MemoryKind::Usable;
    case 3:
      return MemoryKind::AcpiTables;
    case 4:
      return MemoryKind::AcpiStorage;
    default:
      return MemoryKind::Reserved;
  }
}

template <typename T>
bool read(const PhysicalReader& reader, std::uint64_t address, T& value) {
  const auto bytes = reader.view(base::PhysAddr(address), sizeof(T));
  if (bytes.empty()) return false;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return true;
}

}  // namespace

base::Result<> parse_pvh(const PhysicalReader& reader, base::PhysAddr start_info, BootInfo& info) {
  StartInfo start;
  const auto first = reader.view(start_info, version0_bytes);
  if (first.empty()) return base::fail(base::Error::Malformed);
  std::memcpy(&start, first.data(), first.size());
  // A memory map came with version 1; QEMU and Xen have it since 2018.
  if (start.magic != start_magic || start.version < 1) return base::fail(base::Error::Malformed);
  if (!read(reader, start_info.value(), start)) return base::fail(base::Error::Malformed);

  info.loader = "PVH";
  if (start.command_line != 0)
    info.set_command_line(read_text(reader, base::PhysAddr(start.command_line), BootInfo::max_command_line));
  for (std::uint32_t i = 0; i < start.memory_map_entries; ++i) {
    MapEntry entry;
    if (!read(reader, start.memory_map + i * sizeof entry, entry)) return base::fail(base::Error::Malformed);
    info.add_region({base::PhysAddr(entry.start), entry.bytes, kind_of(entry.type)});
  }
  for (std::uint32_t i = 0; i < start.module_count; ++i) {
    Module module;
    if (!read(reader, start.modules + i * sizeof module, module)) return base::fail(base::Error::Malformed);
    const std::string_view text = module.command_line == 0
                                      ? std::string_view()
                                      : read_text(reader, base::PhysAddr(module.command_line), BootModule::max_name);
    info.add_module(text, base::PhysAddr(module.start), module.bytes);
  }
  if (start.root_pointer != 0) info.acpi = parse_acpi_root_pointer(reader.view(base::PhysAddr(start.root_pointer), 36));
  return {};
}

}  // namespace kernel
