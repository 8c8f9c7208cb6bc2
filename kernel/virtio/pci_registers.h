// SPDX-License-Identifier: Apache-2.0
// virtio over PCI: identities, capabilities and register offsets (Virtual I/O Device 1.2, 4.1).
#pragma once

#include <cstddef>
#include <cstdint>

namespace virtio {

// 4.1.2
inline constexpr std::uint16_t pci_vendor = 0x1af4;
inline constexpr std::uint16_t pci_first_modern = 0x1040;        // + device type
inline constexpr std::uint16_t pci_first_transitional = 0x1000;  // the type is the subsystem id
inline constexpr std::uint16_t pci_last_transitional = 0x103f;

// 5
enum class DeviceType : std::uint16_t { None = 0, Network = 1, Block = 2 };

// 4.1.4: which structure a vendor-specific capability locates
enum class Structure : std::uint8_t { Common = 1, Notify = 2, Isr = 3, Device = 4 };
// ... and its fields
inline constexpr std::uint16_t capability_length = 2;
inline constexpr std::uint16_t capability_structure = 3;
inline constexpr std::uint16_t capability_bar = 4;
inline constexpr std::uint16_t capability_offset = 8;
inline constexpr std::uint16_t capability_bytes = 12;
inline constexpr std::uint16_t capability_notify_multiplier = 16;

// 4.1.4.3
namespace common {
inline constexpr std::size_t device_feature_select = 0;
inline constexpr std::size_t device_feature = 4;
inline constexpr std::size_t driver_feature_select = 8;
inline constexpr std::size_t driver_feature = 12;
inline constexpr std::size_t config_msix_vector = 16;
inline constexpr std::size_t num_queues = 18;
inline constexpr std::size_t device_status = 20;
inline constexpr std::size_t config_generation = 21;
inline constexpr std::size_t queue_select = 22;
inline constexpr std::size_t queue_size = 24;
inline constexpr std::size_t queue_msix_vector = 26;
inline constexpr std::size_t queue_enable = 28;
inline constexpr std::size_t queue_notify_offset = 30;
inline constexpr std::size_t queue_descriptors = 32;
inline constexpr std::size_t queue_driver = 40;
inline constexpr std::size_t queue_device = 48;
inline constexpr std::size_t bytes = 56;
}  // namespace common

inline constexpr std::uint16_t no_vector = 0xffff;

}  // namespace virtio
