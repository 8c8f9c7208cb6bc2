// SPDX-License-Identifier: Apache-2.0
// Finding a device's structures through its capabilities, and its registers.
#include "kernel/virtio/pci_transport.h"

#include <algorithm>
#include <cstring>

namespace virtio {

using base::Error;
using base::fail;
using base::Result;

namespace {
constexpr std::uint8_t capability_header_bytes = 16;
// PCI lets a device describe more than we could want to map.
constexpr std::uint64_t most_structure_bytes = std::uint64_t{4} << 20;
}  // namespace

DeviceType pci_device_type(const pci::Function& function) {
  if (function.vendor() != pci_vendor) return DeviceType::None;
  const std::uint16_t device = function.device();
  std::uint16_t type = 0;
  if (device >= pci_first_modern) {
    type = static_cast<std::uint16_t>(device - pci_first_modern);
  } else if (device >= pci_first_transitional && device <= pci_last_transitional) {
    type = function.subsystem();
  }
  const auto known = static_cast<DeviceType>(type);
  return known == DeviceType::Network || known == DeviceType::Block ? known : DeviceType::None;
}

Result<base::Own<PciTransport>> PciTransport::create(pci::Function function, pci::Mapper& mapper,
                                                     pci::Interrupts& interrupts) {
  function.enable();
  const pci::Bars bars = function.bars();
  const auto msix = pci::MsiX::enable(function, bars, mapper);
  if (!msix) return fail(msix.error() == Error::NotFound ? Error::NotSupported : msix.error());
  auto transport = TRY(base::try_make<PciTransport>(function, *msix, interrupts));
  TRY(transport->find_structures(bars, mapper));
  return transport;
}

PciTransport::~PciTransport() {
  msix_.mask_function();
  for (device::InterruptHandler* handler : connected_) {
    if (handler != nullptr) interrupts_.disconnect(*handler);
  }
}

Result<> PciTransport::find_structures(const pci::Bars& bars, pci::Mapper& mapper) {
  std::uint16_t capability = 0;
  common_ = TRY(map_structure(bars, mapper, Structure::Common, capability));
  if (common_.size() < common::bytes) return fail(Error::Malformed);
  notify_ = TRY(map_structure(bars, mapper, Structure::Notify, capability));
  if (function_.read8(static_cast<std::uint16_t>(capability + capability_length)) < capability_header_bytes + 4) {
    return fail(Error::Malformed);
  }
  notify_multiplier_ = function_.read32(static_cast<std::uint16_t>(capability + capability_notify_multiplier));
  const auto config = map_structure(bars, mapper, Structure::Device, capability);
  if (!config && config.error() != Error::NotSupported) return fail(config.error());
  if (config) device_ = *config;
  return {};
}

// A device may offer a structure in several ways, the best first; one that cannot be used (I/O ports) is passed over.
Result<pci::Mmio> PciTransport::map_structure(const pci::Bars& bars, pci::Mapper& mapper, Structure structure,
                                              std::uint16_t& capability) {
  capability = 0;
  while (const auto next = function_.capability(pci::CapabilityId::VendorSpecific, capability)) {
    capability = *next;
    const auto field = [&](std::uint16_t offset) { return static_cast<std::uint16_t>(capability + offset); };
    if (function_.read8(field(capability_structure)) != static_cast<std::uint8_t>(structure)) continue;
    if (function_.read8(field(capability_length)) < capability_header_bytes) return fail(Error::Malformed);
    const std::uint64_t offset = function_.read32(field(capability_offset));
    const std::uint64_t bytes =
        std::min<std::uint64_t>(function_.read32(field(capability_bytes)), most_structure_bytes);
    if (offset % 4 != 0) return fail(Error::Malformed);
    auto mapped = bars.map(mapper, function_.read8(field(capability_bar)), offset, bytes);
    if (mapped || (mapped.error() != Error::NotSupported && mapped.error() != Error::NotFound)) return mapped;
  }
  return fail(Error::NotSupported);
}

std::uint8_t PciTransport::status() { return common_.read<std::uint8_t>(common::device_status); }
void PciTransport::set_status(std::uint8_t status) { common_.write(common::device_status, status); }

std::uint64_t PciTransport::device_features() {
  common_.write<std::uint32_t>(common::device_feature_select, 0);
  const std::uint64_t low = common_.read<std::uint32_t>(common::device_feature);
  common_.write<std::uint32_t>(common::device_feature_select, 1);
  return low | std::uint64_t{common_.read<std::uint32_t>(common::device_feature)} << 32;
}

void PciTransport::set_driver_features(std::uint64_t features) {
  common_.write<std::uint32_t>(common::driver_feature_select, 0);
  common_.write(common::driver_feature, static_cast<std::uint32_t>(features));
  common_.write<std::uint32_t>(common::driver_feature_select, 1);
  common_.write(common::driver_feature, static_cast<std::uint32_t>(features >> 32));
}

std::uint16_t PciTransport::queue_count() { return common_.read<std::uint16_t>(common::num_queues); }

std::uint16_t PciTransport::queue_size_max(std::uint16_t index) {
  common_.write(common::queue_select, index);
  return common_.read<std::uint16_t>(common::queue_size);
}

// 4.1.3.1: 64-bit fields are written in halves.
void PciTransport::write_address(std::size_t reg, base::PhysAddr address) {
  common_.write(reg, static_cast<std::uint32_t>(address.value()));
  common_.write(reg + 4, static_cast<std::uint32_t>(address.value() >> 32));
}

// 4.1.5.1.2: a device that cannot take the vector says so by what it reads back.
Result<> PciTransport::set_vector(std::size_t reg, std::uint16_t vector) {
  common_.write(reg, vector);
  if (common_.read<std::uint16_t>(reg) != vector) return fail(Error::IoError);
  return {};
}

Result<> PciTransport::enable_queue(std::uint16_t index, const SplitQueue& queue) {
  if (index >= max_queues) return fail(Error::InvalidArgument);
  common_.write(common::queue_select, index);
  const std::uint64_t offset =
      std::uint64_t{common_.read<std::uint16_t>(common::queue_notify_offset)} * notify_multiplier_;
  if (offset % 2 != 0 || notify_.size() < 2 || offset > notify_.size() - 2) return fail(Error::Malformed);
  notify_offsets_[index] = static_cast<std::uint32_t>(offset);
  common_.write(common::queue_size, queue.size());
  TRY(set_vector(common::queue_msix_vector, queue_vector_));
  write_address(common::queue_descriptors, queue.descriptor_address());
  write_address(common::queue_driver, queue.avail_address());
  write_address(common::queue_device, queue.used_address());
  common_.write<std::uint16_t>(common::queue_enable, 1);
  return {};
}

void PciTransport::notify(std::uint16_t index) {
  LEGO_ASSERT(index < max_queues);
  notify_.write(notify_offsets_[index], index);
}

// 4.1.3.1: fields are read in their own width, those of 64 bits in halves.
Result<> PciTransport::read_config(std::size_t offset, std::span<std::byte> into) {
  if (into.size() > device_.size() || offset > device_.size() - into.size()) return fail(Error::OutOfRange);
  if (into.size() % 4 == 0 && offset % 4 == 0) {
    read_device<std::uint32_t>(offset, into);
  } else if (into.size() == 2 && offset % 2 == 0) {
    read_device<std::uint16_t>(offset, into);
  } else {
    read_device<std::uint8_t>(offset, into);
  }
  return {};
}

std::uint8_t PciTransport::config_generation() { return common_.read<std::uint8_t>(common::config_generation); }

template <typename T>
void PciTransport::read_device(std::size_t offset, std::span<std::byte> into) const {
  for (std::size_t i = 0; i < into.size(); i += sizeof(T)) {
    const T value = device_.read<T>(offset + i);
    std::memcpy(into.data() + i, &value, sizeof value);
  }
}

Result<> PciTransport::connect(std::uint16_t entry, device::InterruptHandler& handler) {
  const pci::Message message = TRY(interrupts_.connect(handler));
  connected_[entry] = &handler;
  msix_.set(entry, message);
  return {};
}

// With one entry only, the queues get it: a device that then wants to be reset is noticed by its silence.
Result<> PciTransport::connect_interrupts(device::InterruptHandler& queues, device::InterruptHandler& config) {
  TRY(connect(0, queues));
  queue_vector_ = 0;
  if (msix_.size() > 1) {
    TRY(connect(1, config));
    TRY(set_vector(common::config_msix_vector, 1));
  }
  msix_.unmask_function();
  return {};
}

}  // namespace virtio
