// SPDX-License-Identifier: Apache-2.0
// What the parsers of both loaders share: see boot_info.h.
#include "kernel/boot/boot_info.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/endian.h"

namespace kernel {
namespace {

// ACPI 6.5, section 5.2.5.3.
struct RootPointer {
  std::array<char, 8> signature;
  std::uint8_t checksum;
  std::array<char, 6> oem;
  std::uint8_t revision;
  base::le32 rsdt;
  // From revision 2 on:
  base::le32 length;
  base::le64 xsdt;
  std::uint8_t extended_checksum;
  std::array<std::uint8_t, 3> reserved;
};
static_assert(sizeof(RootPointer) == 36);
constexpr std::size_t old_root_pointer_bytes = 20;

bool sums_to_zero(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<unsigned>(byte);
  return (sum & 0xff) == 0;
}

}  // namespace

const BootModule* BootInfo::find_module(std::string_view name) const {
  for (const BootModule& module : modules())
    if (module.name() == name) return &module;
  return nullptr;
}

void BootInfo::set_command_line(std::string_view text) {
  if (text.size() > max_command_line) ++dropped_;
  command_line_length_ = std::min(text.size(), max_command_line);
  std::copy_n(text.data(), command_line_length_, command_line_.data());
}

void BootInfo::add_region(const MemoryRegion& region) {
  if (region.bytes == 0 || region.start.value() + region.bytes < region.start.value()) return;
  if (region_count_ == max_regions)
    ++dropped_;
  else
    regions_[region_count_++] = region;
}

void BootInfo::add_module(std::string_view text, base::PhysAddr start, std::uint64_t bytes) {
  if (module_count_ == max_modules) {
    ++dropped_;
    return;
  }
  BootModule& module = modules_[module_count_++];
  const std::string_view name = text.substr(0, text.find(' ')).substr(0, BootModule::max_name);
  module.name_length = name.size();
  std::copy(name.begin(), name.end(), module.name_text.begin());
  module.start = start;
  module.bytes = bytes;
}

std::string_view read_text(const PhysicalReader& reader, base::PhysAddr address, std::size_t limit) {
  const char* text = nullptr;
  std::size_t length = 0;
  // Byte by byte: nothing is known of what lies behind the end.
  for (; length < limit; ++length) {
    const auto byte = reader.view(address + length, 1);
    if (byte.empty() || byte[0] == std::byte{0}) break;
    if (length == 0) text = reinterpret_cast<const char*>(byte.data());
  }
  return {text, length};
}

AcpiRoot parse_acpi_root_pointer(std::span<const std::byte> bytes) {
  RootPointer pointer{};
  if (bytes.size() < old_root_pointer_bytes) return {};
  std::memcpy(&pointer, bytes.data(), std::min(bytes.size(), sizeof pointer));
  if (std::string_view(pointer.signature.data(), 8) != "RSD PTR " ||
      !sums_to_zero(bytes.subspan(0, old_root_pointer_bytes)))
    return {};
  if (pointer.revision >= 2 && bytes.size() >= sizeof pointer && pointer.xsdt != 0 &&
      sums_to_zero(bytes.subspan(0, sizeof pointer)))
    return {base::PhysAddr(pointer.xsdt), true};
  return {base::PhysAddr(pointer.rsdt), false};
}

}  // namespace kernel
