// SPDX-License-Identifier: Apache-2.0
// The information that GRUB leaves for a Multiboot2 kernel; the layouts are GNU's multiboot2.h.
#include <multiboot2.h>

#include <cstring>

#include "kernel/boot/boot_info.h"

namespace kernel {
namespace {

struct Start {
  std::uint32_t total_size;
  std::uint32_t reserved;
};

MemoryKind kind_of(std::uint32_t type) {
  switch (type) {
    case MULTIBOOT_MEMORY_AVAILABLE:
      return MemoryKind::Usable;
    case MULTIBOOT_MEMORY_ACPI_RECLAIMABLE:
      return MemoryKind::AcpiTables;
    case MULTIBOOT_MEMORY_NVS:
      return MemoryKind::AcpiStorage;
    default:
      return MemoryKind::Reserved;
  }
}

// The text at the end of a tag whose fixed part has `fixed` bytes.
std::string_view text_after(std::span<const std::byte> tag, std::size_t fixed) {
  if (tag.size() <= fixed) return {};
  const auto* text = reinterpret_cast<const char*>(tag.data()) + fixed;
  const std::size_t room = tag.size() - fixed;
  const void* end = std::memchr(text, 0, room);
  return {text, end == nullptr ? room : static_cast<std::size_t>(static_cast<const char*>(end) - text)};
}

base::Result<> add_memory_map(std::span<const std::byte> tag, BootInfo& info) {
  multiboot_tag_mmap header;
  if (tag.size() < sizeof header) return base::fail(base::Error::Malformed);
  std::memcpy(&header, tag.data(), sizeof header);
  if (header.entry_size < sizeof(multiboot_mmap_entry)) return base::fail(base::Error::Malformed);
  for (std::size_t offset = sizeof header; offset + header.entry_size <= tag.size(); offset += header.entry_size) {
    multiboot_mmap_entry entry;
    std::memcpy(&entry, tag.data() + offset, sizeof entry);
    info.add_region({base::PhysAddr(entry.addr), entry.len, kind_of(entry.type)});
  }
  return {};
}

base::Result<> add_module(std::span<const std::byte> tag, BootInfo& info) {
  multiboot_tag_module header;
  if (tag.size() < sizeof header) return base::fail(base::Error::Malformed);
  std::memcpy(&header, tag.data(), sizeof header);
  if (header.mod_end < header.mod_start) return base::fail(base::Error::Malformed);
  info.add_module(text_after(tag, sizeof header), base::PhysAddr(header.mod_start), header.mod_end - header.mod_start);
  return {};
}

base::Result<> add_tag(std::uint32_t type, std::span<const std::byte> tag, BootInfo& info) {
  switch (type) {
    case MULTIBOOT_TAG_TYPE_CMDLINE:
      info.set_command_line(text_after(tag, sizeof(multiboot_tag)));
      return {};
    case MULTIBOOT_TAG_TYPE_MMAP:
      return add_memory_map(tag, info);
    case MULTIBOOT_TAG_TYPE_MODULE:
      return add_module(tag, info);
    case MULTIBOOT_TAG_TYPE_ACPI_OLD:
      if (!info.acpi.extended) info.acpi = parse_acpi_root_pointer(tag.subspan(sizeof(multiboot_tag)));
      return {};
    case MULTIBOOT_TAG_TYPE_ACPI_NEW:
      if (const AcpiRoot root = parse_acpi_root_pointer(tag.subspan(sizeof(multiboot_tag)))) info.acpi = root;
      return {};
    default:
      return {};
  }
}

}  // namespace

base::Result<> parse_multiboot2(const PhysicalReader& reader, base::PhysAddr information, BootInfo& info) {
  Start start;
  const auto header = reader.view(information, sizeof start);
  if (header.empty()) return base::fail(base::Error::Malformed);
  std::memcpy(&start, header.data(), sizeof start);
  const auto all = reader.view(information, start.total_size);
  if (all.size() < sizeof start) return base::fail(base::Error::Malformed);

  info.loader = "Multiboot2";
  for (std::size_t offset = sizeof start; offset + sizeof(multiboot_tag) <= all.size();) {
    multiboot_tag tag;
    std::memcpy(&tag, all.data() + offset, sizeof tag);
    if (tag.type == MULTIBOOT_TAG_TYPE_END) return {};
    if (tag.size < sizeof tag || tag.size > all.size() - offset) return base::fail(base::Error::Malformed);
    TRY(add_tag(tag.type, all.subspan(offset, tag.size), info));
    offset += base::round_up(tag.size, MULTIBOOT_TAG_ALIGN);
  }
  return base::fail(base::Error::Malformed);  // no end tag
}

}  // namespace kernel
