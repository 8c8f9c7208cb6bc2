// SPDX-License-Identifier: Apache-2.0
// The firmware's tables: see tables.h.
#include "kernel/acpi/tables.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/endian.h"

namespace acpi {
namespace {

using base::le16;
using base::le32;
using base::le64;

// 5.2.6
struct Header {
  std::array<char, 4> signature;
  le32 length;
  std::uint8_t revision;
  std::uint8_t checksum;
  std::array<char, 6> oem;
  std::array<char, 8> oem_table;
  le32 oem_revision;
  le32 creator;
  le32 creator_revision;
};
static_assert(sizeof(Header) == 36);

// 5.2.3.2
struct GenericAddress {
  std::uint8_t space;
  std::uint8_t bits;
  std::uint8_t offset;
  std::uint8_t access;
  le64 address;
};
static_assert(sizeof(GenericAddress) == 12);
constexpr std::uint8_t space_memory = 0;
constexpr std::uint8_t space_ports = 1;

template <typename T>
bool read(std::span<const std::byte> table, std::size_t offset, T& value) {
  if (offset > table.size() || sizeof(T) > table.size() - offset) return false;
  std::memcpy(&value, table.data() + offset, sizeof(T));
  return true;
}

bool sums_to_zero(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte byte : bytes) sum += static_cast<unsigned>(byte);
  return (sum & 0xff) == 0;
}

base::Result<std::span<const std::byte>> map_table(MemoryMapper& mapper, base::PhysAddr address) {
  Header header;
  if (!read(TRY(mapper.map(address, sizeof header)), 0, header)) return base::fail(base::Error::Malformed);
  // No table of ours is this large; a damaged length must not map all of memory.
  constexpr std::uint32_t largest = 16u << 20;
  if (header.length < sizeof header || header.length > largest) return base::fail(base::Error::Malformed);
  const auto table = TRY(mapper.map(address, header.length));
  if (!sums_to_zero(table)) return base::fail(base::Error::Malformed);
  return table;
}

// Some firmware lists a core both ways: it counts once.
void add_processor(Processors& processors, std::uint32_t id, bool enabled) {
  const auto known = std::span(processors.apic_ids).first(processors.count);
  if (!enabled)
    ++processors.not_enabled;
  else if (std::find(known.begin(), known.end(), id) != known.end())
    return;
  else if (processors.count == Processors::max)
    ++processors.dropped;
  else
    processors.apic_ids[processors.count++] = id;
}

Tables current;

}  // namespace

base::Result<Tables> Tables::load(MemoryMapper& mapper, base::PhysAddr root, bool extended) {
  Tables result;
  const auto list = TRY(map_table(mapper, root));
  const std::size_t entry_bytes = extended ? 8 : 4;
  for (std::size_t offset = sizeof(Header); offset + entry_bytes <= list.size(); offset += entry_bytes) {
    le64 wide;
    le32 narrow;
    base::PhysAddr address;
    if (extended && read(list, offset, wide)) address = base::PhysAddr(wide);
    if (!extended && read(list, offset, narrow)) address = base::PhysAddr(narrow);
    const auto table = map_table(mapper, address);
    if (table && result.count_ < max_tables)
      result.tables_[result.count_++] = *table;
    else
      ++result.damaged_;
  }
  return result;
}

std::optional<std::span<const std::byte>> Tables::find(std::string_view signature, unsigned index) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (std::memcmp(tables_[i].data(), signature.data(), 4) != 0) continue;
    if (index-- == 0) return tables_[i];
  }
  return std::nullopt;
}

const Tables& tables() { return current; }
void set_tables(const Tables& tables) { current = tables; }

Processors read_processors(const Tables& tables) {
  Processors result;
  const auto madt = tables.find("APIC");
  if (!madt) return result;
  constexpr std::size_t first_entry = 44;
  constexpr std::uint32_t enabled = 1;
  struct [[gnu::packed]] EntryHeader {
    std::uint8_t type, length;
  } entry;
  for (std::size_t offset = first_entry; read(*madt, offset, entry) && entry.length >= sizeof entry;
       offset += entry.length) {
    std::uint32_t id = 0;
    le32 flags;
    if (entry.type == 0) {  // processor local APIC, 5.2.12.2
      std::uint8_t narrow = 0;
      if (!read(*madt, offset + 3, narrow) || !read(*madt, offset + 4, flags)) break;
      id = narrow;
    } else if (entry.type == 9) {  // processor local x2APIC, 5.2.12.12
      le32 wide;
      if (!read(*madt, offset + 4, wide) || !read(*madt, offset + 8, flags)) break;
      id = wide;
    } else {
      continue;
    }
    add_processor(result, id, (flags & enabled) != 0);
  }
  return result;
}

std::optional<ConfigurationSpace> read_configuration_space(const Tables& tables, unsigned index) {
  const auto mcfg = tables.find("MCFG");
  if (!mcfg) return std::nullopt;
  struct Entry {
    le64 address;
    le16 segment;
    std::uint8_t first_bus, last_bus;
    le32 reserved;
  } entry;
  static_assert(sizeof(Entry) == 16);
  if (!read(*mcfg, 44 + std::size_t{index} * sizeof entry, entry)) return std::nullopt;
  return ConfigurationSpace{base::PhysAddr(entry.address), entry.segment, entry.first_bus, entry.last_bus};
}

std::optional<base::PhysAddr> read_hpet_address(const Tables& tables) {
  const auto hpet = tables.find("HPET");
  GenericAddress address;
  if (!hpet || !read(*hpet, 40, address) || address.space != space_memory || address.address == 0) return std::nullopt;
  return base::PhysAddr(address.address);
}

std::optional<PmTimer> read_pm_timer(const Tables& tables) {
  const auto fadt = tables.find("FACP");
  constexpr std::size_t block = 76, flags_at = 112, extended_block = 208;
  constexpr std::uint32_t timer_has_32_bits = 1u << 8;
  le32 port, flags;
  if (!fadt || !read(*fadt, block, port) || !read(*fadt, flags_at, flags)) return std::nullopt;
  std::uint64_t address = port;
  GenericAddress extended;
  if (address == 0 && read(*fadt, extended_block, extended) && extended.space == space_ports)
    address = extended.address;
  if (address == 0 || address > 0xffff) return std::nullopt;
  return PmTimer{static_cast<std::uint16_t>(address), (flags & timer_has_32_bits) != 0 ? 32u : 24u};
}

}  // namespace acpi
