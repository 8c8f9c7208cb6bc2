// SPDX-License-Identifier: Apache-2.0
// The MSI-X capability and its table.
#include "kernel/pci/msix.h"

namespace pci {

using base::Error;
using base::fail;
using base::Result;

namespace {

// 6.8.2.3: message control, table offset with BIR
constexpr std::uint16_t control_offset = 2;
constexpr std::uint16_t table_offset = 4;
constexpr std::uint16_t control_enable = 1 << 15;
constexpr std::uint16_t control_function_mask = 1 << 14;
constexpr std::uint16_t control_size_mask = 0x7ff;  // entries - 1
constexpr std::uint32_t table_bir_mask = 7;

// 6.8.2.6: one entry
constexpr std::size_t entry_bytes = 16;
constexpr std::size_t entry_address_low = 0;
constexpr std::size_t entry_address_high = 4;
constexpr std::size_t entry_data = 8;
constexpr std::size_t entry_control = 12;
constexpr std::uint32_t entry_masked = 1;

}  // namespace

Result<MsiX> MsiX::enable(Function& function, const Bars& bars, Mapper& mapper) {
  const auto capability = function.capability(CapabilityId::MsiX);
  if (!capability) return fail(Error::NotFound);
  const std::uint16_t control = function.read16(static_cast<std::uint16_t>(*capability + control_offset));
  const auto entries = static_cast<std::uint16_t>((control & control_size_mask) + 1);
  const std::uint32_t where = function.read32(static_cast<std::uint16_t>(*capability + table_offset));
  const Mmio table = TRY(bars.map(mapper, where & table_bir_mask, where & ~table_bir_mask, entries * entry_bytes));
  MsiX msix(function, *capability, entries, table);
  msix.write_control(control_enable | control_function_mask, 0);
  for (std::uint16_t i = 0; i < entries; ++i) msix.mask(i);
  return msix;
}

void MsiX::write_control(std::uint16_t set, std::uint16_t clear) {
  const auto offset = static_cast<std::uint16_t>(capability_ + control_offset);
  function_.write16(offset, static_cast<std::uint16_t>((function_.read16(offset) | set) & ~clear));
}

void MsiX::set(std::uint16_t index, const Message& message) {
  mask(index);  // 6.8.2: address and data may change only while masked
  const std::size_t entry = index * entry_bytes;
  table_.write<std::uint32_t>(entry + entry_address_low, static_cast<std::uint32_t>(message.address));
  table_.write<std::uint32_t>(entry + entry_address_high, static_cast<std::uint32_t>(message.address >> 32));
  table_.write<std::uint32_t>(entry + entry_data, message.data);
  table_.write<std::uint32_t>(entry + entry_control, 0);
}

void MsiX::mask(std::uint16_t index) { table_.write<std::uint32_t>(index * entry_bytes + entry_control, entry_masked); }

void MsiX::unmask_function() { write_control(0, control_function_mask); }
void MsiX::mask_function() { write_control(control_function_mask, 0); }

}  // namespace pci
