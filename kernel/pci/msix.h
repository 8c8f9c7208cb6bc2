// SPDX-License-Identifier: Apache-2.0
// MSI-X: interrupts as memory writes, one message per table entry (PCI Local Bus Specification 3.0, 6.8.2). Needs no
// ACPI routing table, and each entry can go to another core. While entries are written the whole function is masked.
#pragma once

#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/pci/function.h"
#include "kernel/pci/mmio.h"

namespace pci {

// What the function writes, and where, to interrupt.
struct Message {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};

class MsiX {
 public:
  // Turns MSI-X on with everything masked. NotFound: the function has none. Errors of Bars::map().
  static base::Result<MsiX> enable(Function& function, const Bars& bars, Mapper& mapper);

  std::uint16_t size() const { return entries_; }
  // index < size(). The entry may interrupt from then on, once the function is unmasked.
  void set(std::uint16_t index, const Message& message);
  void mask(std::uint16_t index);

  void unmask_function();
  void mask_function();

 private:
  MsiX(const Function& function, std::uint16_t capability, std::uint16_t entries, Mmio table)
      : function_(function), capability_(capability), entries_(entries), table_(table) {}
  void write_control(std::uint16_t set, std::uint16_t clear);

  Function function_;
  std::uint16_t capability_;
  std::uint16_t entries_;
  Mmio table_;
};

}  // namespace pci
