// SPDX-License-Identifier: Apache-2.0
// Capabilities and base address registers (PCI Local Bus Specification 3.0, 6.2.5.1 and 6.7).
#include "kernel/pci/function.h"

namespace pci {

using base::Error;
using base::fail;
using base::Result;

namespace {

constexpr std::uint16_t status_has_capabilities = 1 << 4;
constexpr std::uint8_t header_type_mask = 0x7f;
constexpr std::uint8_t header_many_functions = 0x80;
constexpr std::uint16_t first_capability = 0x40;
constexpr unsigned most_capabilities = 48;  // as many as fit; a longer list is a circle

constexpr std::uint32_t bar_io = 1 << 0;
constexpr std::uint32_t bar_type_mask = 3 << 1;
constexpr std::uint32_t bar_type_64 = 2 << 1;
constexpr std::uint32_t bar_prefetchable = 1 << 3;

constexpr std::uint16_t bar_offset(unsigned index) {
  return static_cast<std::uint16_t>(static_cast<unsigned>(Register::Bar0) + 4 * index);
}

// Decoding is off while a BAR holds the probe value, or it would answer there.
class DecodingOff {
 public:
  explicit DecodingOff(Function& function) : function_(function), command_(function.read16(Register::Command)) {
    function_.write16(Register::Command, static_cast<std::uint16_t>(command_ & ~(command_io | command_memory)));
  }
  DecodingOff(const DecodingOff&) = delete;
  DecodingOff& operator=(const DecodingOff&) = delete;
  ~DecodingOff() { function_.write16(Register::Command, command_); }

 private:
  Function& function_;
  std::uint16_t command_;
};

std::uint32_t probe(Function& function, std::uint16_t offset) {
  const std::uint32_t before = function.read32(offset);
  function.write32(offset, ~std::uint32_t{0});
  const std::uint32_t writable = function.read32(offset);
  function.write32(offset, before);
  return writable;
}

}  // namespace

std::uint32_t Function::class_code() const { return read32(static_cast<std::uint16_t>(Register::ClassCode)) >> 8; }

bool Function::has_more_functions() const {
  return (read8(static_cast<std::uint16_t>(Register::HeaderType)) & header_many_functions) != 0;
}

bool Function::is_bridge() const {
  return (read8(static_cast<std::uint16_t>(Register::HeaderType)) & header_type_mask) != 0;
}

std::optional<std::uint16_t> Function::capability(CapabilityId id, std::uint16_t after) const {
  if ((read16(Register::Status) & status_has_capabilities) == 0) return std::nullopt;
  std::uint16_t from =
      after == 0 ? static_cast<std::uint16_t>(Register::Capabilities) : static_cast<std::uint16_t>(after + 1);
  for (unsigned i = 0; i < most_capabilities; ++i) {
    const auto offset = static_cast<std::uint16_t>(read8(from) & ~3);
    if (offset < first_capability) return std::nullopt;
    if (read8(offset) == static_cast<std::uint8_t>(id)) return offset;
    from = static_cast<std::uint16_t>(offset + 1);
  }
  return std::nullopt;
}

Bars Function::bars() {
  const unsigned count = is_bridge() ? 2 : max_bars;
  const DecodingOff off(*this);
  Bars bars;
  for (unsigned index = 0; index < count; ++index) {
    bars.bars_[index] = size_bar(index);
    if (bar_is_64_bit(index)) ++index;  // the next one is its upper half
  }
  return bars;
}

bool Function::bar_is_64_bit(unsigned index) const {
  const std::uint32_t low = read32(bar_offset(index));
  return (low & bar_io) == 0 && (low & bar_type_mask) == bar_type_64;
}

Result<Bar> Function::size_bar(unsigned index) {
  const std::uint16_t offset = bar_offset(index);
  const std::uint32_t low = read32(offset);
  const bool is_64_bit = bar_is_64_bit(index);
  if (is_64_bit && index + 1 >= max_bars) return fail(Error::Malformed);

  const std::uint32_t writable = probe(*this, offset);
  if ((low & bar_io) != 0) {
    const std::uint32_t mask = (writable & ~3u) | 0xffff0000;  // the upper half need not exist
    if ((writable & ~3u) == 0) return fail(Error::NotFound);
    return Bar{.address = base::PhysAddr(low & ~3u), .bytes = std::uint64_t{~mask} + 1};
  }
  std::uint64_t mask = writable & ~15u;
  std::uint64_t address = low & ~15u;
  if (is_64_bit) {
    const auto upper = static_cast<std::uint16_t>(offset + 4);
    address |= std::uint64_t{read32(upper)} << 32;
    mask |= std::uint64_t{probe(*this, upper)} << 32;
  } else if (mask != 0) {
    mask |= 0xffffffff00000000;
  }
  if (mask == 0) return fail(Error::NotFound);
  if (address == 0) return fail(Error::NotSupported);
  return Bar{.address = base::PhysAddr(address),
             .bytes = ~mask + 1,
             .is_memory = true,
             .is_64_bit = is_64_bit,
             .prefetchable = (low & bar_prefetchable) != 0};
}

Result<Mmio> Bars::map(Mapper& mapper, unsigned index, std::uint64_t offset, std::uint64_t bytes) const {
  const Bar whole = TRY((*this)[index]);
  if (!whole.is_memory) return fail(Error::NotSupported);
  if (bytes == 0 || bytes > whole.bytes || offset > whole.bytes - bytes) return fail(Error::Malformed);
  return mapper.map(whole.address + offset, bytes);
}

void Function::enable() {
  const auto command = read16(Register::Command);
  write16(Register::Command,
          static_cast<std::uint16_t>(command | command_memory | command_bus_master | command_no_intx));
}

void Function::disable_bus_master() {
  const auto command = read16(Register::Command);
  write16(Register::Command, static_cast<std::uint16_t>(command & ~command_bus_master));
}

}  // namespace pci
