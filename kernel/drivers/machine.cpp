// SPDX-License-Identifier: Apache-2.0
// The kernel behind the small interfaces that drivers are written against.
#include "kernel/drivers/machine.h"

#include <cstring>

#include "arch/x86_64/cpu.h"
#include "kernel/acpi/tables.h"
#include "kernel/base/log.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/memory/layout.h"

namespace drivers {

using base::Error;
using base::fail;
using base::PhysAddr;
using base::Result;

namespace {
constexpr unsigned max_segments = 64;  // of PCI; large servers have a dozen

std::uint64_t frames_for(std::size_t bytes) { return (bytes + base::page_bytes - 1) / base::page_bytes; }
}  // namespace

Result<pci::Mmio> DeviceMapper::map(PhysAddr address, std::uint64_t bytes) {
  std::byte* const mapped = TRY(kernel::map_device(address, bytes));
  return pci::Mmio({mapped, bytes});
}

std::uint8_t MachinePorts::in8(std::uint16_t port) { return arch::in8(port); }
std::uint16_t MachinePorts::in16(std::uint16_t port) { return arch::in16(port); }
std::uint32_t MachinePorts::in32(std::uint16_t port) { return arch::in32(port); }
void MachinePorts::out8(std::uint16_t port, std::uint8_t value) { arch::out8(port, value); }
void MachinePorts::out16(std::uint16_t port, std::uint16_t value) { arch::out16(port, value); }
void MachinePorts::out32(std::uint16_t port, std::uint32_t value) { arch::out32(port, value); }

Result<std::span<std::byte>> FrameMemory::allocate(std::size_t bytes) {
  const std::uint64_t count = frames_for(bytes);
  const PhysAddr first = TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel, count));
  std::byte* const memory = kernel::direct_map(first);
  std::memset(memory, 0, count * base::page_bytes);
  return std::span(memory, bytes);
}

void FrameMemory::release(std::span<std::byte> memory) {
  kernel::frames().free(kernel::kernel_pool(), kernel::physical_address(memory.data()), frames_for(memory.size()));
}

PhysAddr FrameMemory::address_of(const std::byte* memory) const {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  LEGO_ASSERT(address >= kernel::image_base || address - kernel::direct_map_base < kernel::direct_map_bytes);
  return kernel::physical_address(memory);
}

Result<pci::Message> CoreInterrupts::connect(device::InterruptHandler& handler) {
  auto bridge = TRY(base::try_make<Bridge>(handler));
  TRY(bridges_.reserve(bridges_.size() + 1));
  bridge->vector = TRY(arch::allocate_vector(*bridge, core_));
  const auto message = arch::msi_message(bridge->vector);
  if (!message) {
    arch::free_vector(bridge->vector);
    return fail(message.error());
  }
  TRY(bridges_.push_back(std::move(bridge)));
  return pci::Message{message->address, message->data};
}

void CoreInterrupts::disconnect(device::InterruptHandler& handler) {
  for (std::size_t i = 0; i < bridges_.size(); ++i) {
    if (&bridges_[i]->target != &handler) continue;
    arch::free_vector(bridges_[i]->vector);
    bridges_.erase(i);
    return;
  }
}

Result<pci::Interrupts*> Machine::interrupts(std::uint32_t core) {
  while (interrupts_.size() <= core) {
    auto next = TRY(base::try_make<CoreInterrupts>(static_cast<std::uint32_t>(interrupts_.size())));
    TRY(interrupts_.push_back(std::move(next)));
  }
  return interrupts_[core].get();
}

// Returns whether there is such a space.
Result<bool> Machine::start_memory_space(base::Array<pci::BusRange>& buses) {
  for (unsigned i = 0; i < max_segments; ++i) {
    const auto space = acpi::read_configuration_space(acpi::tables(), i);
    if (!space) break;
    const pci::BusRange range{space->segment, space->first_bus, space->last_bus};
    if (auto added = memory_space_.add(mapper_, space->address, range); !added) {
      base::log_warning("pci", "segment {}: {}", space->segment, added.error());
      continue;
    }
    TRY(buses.push_back(range));
  }
  return !buses.empty();
}

Result<> Machine::start() {
  base::Array<pci::BusRange> buses;
  const bool in_memory = TRY(start_memory_space(buses));
  if (!in_memory) TRY(buses.push_back({}));
  pci::ConfigSpace& space = in_memory ? static_cast<pci::ConfigSpace&>(memory_space_) : port_space_;
  functions_ = TRY(pci::scan(space, buses.span()));
  base::log_info("pci", "{} functions, found through {}", functions_.size(), in_memory ? "memory" : "ports");
  return {};
}

}  // namespace drivers
