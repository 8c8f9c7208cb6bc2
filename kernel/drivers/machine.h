// SPDX-License-Identifier: Apache-2.0
// What drivers need of the machine: its PCI functions, mappings, ports, memory and interrupts, by the kernel's means.
// Made once at start-up by the boot core; the list of functions does not change afterwards.
#pragma once

#include <cstdint>
#include <span>

#include "arch/x86_64/interrupts.h"
#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/device/dma.h"
#include "kernel/pci/config_memory.h"
#include "kernel/pci/config_ports.h"
#include "kernel/pci/interrupts.h"
#include "kernel/pci/mmio.h"
#include "kernel/pci/scan.h"

namespace drivers {

class DeviceMapper final : public pci::Mapper {
 public:
  base::Result<pci::Mmio> map(base::PhysAddr address, std::uint64_t bytes) override;
};

class MachinePorts final : public pci::Ports {
 public:
  std::uint8_t in8(std::uint16_t port) override;
  std::uint16_t in16(std::uint16_t port) override;
  std::uint32_t in32(std::uint16_t port) override;
  void out8(std::uint16_t port, std::uint8_t value) override;
  void out16(std::uint16_t port, std::uint16_t value) override;
  void out32(std::uint16_t port, std::uint32_t value) override;
};

// Frames of the kernel's pool, through the direct map.
class FrameMemory final : public device::DmaMemory {
 public:
  base::Result<std::span<std::byte>> allocate(std::size_t bytes) override;
  void release(std::span<std::byte> memory) override;
  // Asserts that the memory is in the direct map or the image; a stack is in neither.
  base::PhysAddr address_of(const std::byte* memory) const override;
};

// Vectors on one core. Lives as long as the devices that got their messages here.
class CoreInterrupts final : public pci::Interrupts {
 public:
  explicit CoreInterrupts(std::uint32_t core) : core_(core) {}
  base::Result<pci::Message> connect(device::InterruptHandler& handler) override;
  void disconnect(device::InterruptHandler& handler) override;

 private:
  // From the interrupt table to the driver.
  struct Bridge final : arch::InterruptHandler {
    explicit Bridge(device::InterruptHandler& handler) : target(handler) {}
    void interrupt() override { target.interrupt(); }
    device::InterruptHandler& target;
    arch::InterruptVector vector;
  };
  std::uint32_t core_;
  base::Array<base::Own<Bridge>> bridges_;
};

class Machine {
 public:
  Machine() : port_space_(ports_) {}
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Finds all PCI functions, through memory (ACPI table MCFG) or else through ports.
  base::Result<> start();

  std::span<const pci::Function> functions() const { return functions_.span(); }
  pci::Mapper& mapper() { return mapper_; }
  device::DmaMemory& memory() { return memory_; }
  // The vectors of a core. NoMemory.
  base::Result<pci::Interrupts*> interrupts(std::uint32_t core);

 private:
  base::Result<bool> start_memory_space(base::Array<pci::BusRange>& buses);

  DeviceMapper mapper_;
  MachinePorts ports_;
  FrameMemory memory_;
  pci::MemoryConfigSpace memory_space_;
  pci::PortConfigSpace port_space_;
  base::Array<pci::Function> functions_;
  base::Array<base::Own<CoreInterrupts>> interrupts_;  // by core
};

}  // namespace drivers
