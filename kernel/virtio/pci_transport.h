// SPDX-License-Identifier: Apache-2.0
// A virtio device on PCI, in its modern form (Virtual I/O Device 1.2, 4.1); transitional devices are used that way too.
// Interrupts are MSI-X only. Registers belong to whoever initialises the device; afterwards only notify(), status() and
// the reset are used, and those need no lock.
#pragma once

#include <array>
#include <cstdint>

#include "kernel/base/memory.h"
#include "kernel/pci/function.h"
#include "kernel/pci/interrupts.h"
#include "kernel/pci/msix.h"
#include "kernel/virtio/pci_registers.h"
#include "kernel/virtio/transport.h"

namespace virtio {

// None: no virtio device of a kind that is known here.
DeviceType pci_device_type(const pci::Function& function);

class PciTransport final : public Transport {
 public:
  // Enables the function and its MSI-X. NotSupported: it has no modern interface or no MSI-X. Malformed: its
  // capabilities point outside its BARs.
  static base::Result<base::Own<PciTransport>> create(pci::Function function, pci::Mapper& mapper,
                                                      pci::Interrupts& interrupts);
  PciTransport(pci::Function function, const pci::MsiX& msix, pci::Interrupts& interrupts)
      : function_(function), msix_(msix), interrupts_(interrupts) {}
  ~PciTransport() override;

  std::uint8_t status() override;
  void set_status(std::uint8_t status) override;
  std::uint64_t device_features() override;
  void set_driver_features(std::uint64_t features) override;
  std::uint16_t queue_count() override;
  std::uint16_t queue_size_max(std::uint16_t index) override;
  base::Result<> enable_queue(std::uint16_t index, const SplitQueue& queue) override;
  void notify(std::uint16_t index) override;
  base::Result<> read_config(std::size_t offset, std::span<std::byte> into) override;
  std::uint8_t config_generation() override;
  base::Result<> connect_interrupts(device::InterruptHandler& queues, device::InterruptHandler& config) override;
  void cut_off() override { function_.disable_bus_master(); }

 private:
  static constexpr std::uint16_t max_queues = 4;  // of those that a driver here uses

  base::Result<> find_structures(const pci::Bars& bars, pci::Mapper& mapper);
  base::Result<pci::Mmio> map_structure(const pci::Bars& bars, pci::Mapper& mapper, Structure structure,
                                        std::uint16_t& capability);
  base::Result<> connect(std::uint16_t entry, device::InterruptHandler& handler);
  base::Result<> set_vector(std::size_t reg, std::uint16_t vector);
  template <typename T>
  void read_device(std::size_t offset, std::span<std::byte> into) const;
  void write_address(std::size_t reg, base::PhysAddr address);

  pci::Function function_;
  pci::MsiX msix_;
  pci::Interrupts& interrupts_;
  pci::Mmio common_;
  pci::Mmio notify_;
  pci::Mmio device_;
  std::uint32_t notify_multiplier_ = 0;
  std::uint16_t queue_vector_ = no_vector;
  std::array<std::uint32_t, max_queues> notify_offsets_{};
  std::array<device::InterruptHandler*, 2> connected_{};
};

}  // namespace virtio
