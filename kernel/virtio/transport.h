// SPDX-License-Identifier: Apache-2.0
// How a virtio driver reaches its device's registers (Virtual I/O Device 1.2, chapters 2 and 3): PCI in the images, a
// fake in the tests. Nothing a device answers is trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/device/polled_device.h"
#include "kernel/virtio/split_queue.h"

namespace virtio {

// 2.1
enum Status : std::uint8_t {
  status_acknowledge = 1,
  status_driver = 2,
  status_driver_ok = 4,
  status_features_ok = 8,
  status_needs_reset = 64,
  status_failed = 128,
};

// 6
inline constexpr std::uint64_t feature(unsigned bit) { return std::uint64_t{1} << bit; }
inline constexpr std::uint64_t feature_indirect_descriptors = feature(28);
inline constexpr std::uint64_t feature_event_index = feature(29);
inline constexpr std::uint64_t feature_version_1 = feature(32);
inline constexpr std::uint64_t feature_access_platform = feature(33);
inline constexpr std::uint64_t feature_order_platform = feature(36);
// What every driver here takes if it is offered. With ACCESS_PLATFORM the device goes through an IOMMU like any other
// device; with ORDER_PLATFORM it asks for the barriers that are strong enough here anyway.
inline constexpr std::uint64_t common_features = feature_indirect_descriptors | feature_event_index |
                                                 feature_version_1 | feature_access_platform | feature_order_platform;

class Transport {
 public:
  virtual ~Transport() = default;

  virtual std::uint8_t status() = 0;
  virtual void set_status(std::uint8_t status) = 0;
  virtual std::uint64_t device_features() = 0;
  virtual void set_driver_features(std::uint64_t features) = 0;

  virtual std::uint16_t queue_count() = 0;
  virtual std::uint16_t queue_size_max(std::uint16_t index) = 0;  // 0: there is no such queue
  // Gives the queue to the device and has it interrupt on the queues' vector. IoError: the device refused the vector.
  virtual base::Result<> enable_queue(std::uint16_t index, const SplitQueue& queue) = 0;
  virtual void notify(std::uint16_t index) = 0;

  // The device's own configuration (2.5). Beyond its end: OutOfRange.
  virtual base::Result<> read_config(std::size_t offset, std::span<std::byte> into) = 0;
  virtual std::uint8_t config_generation() = 0;

  // Interrupts of the queues, and of the configuration (the device asks for a reset). Before enable_queue().
  virtual base::Result<> connect_interrupts(device::InterruptHandler& queues, device::InterruptHandler& config) = 0;

  // The device reaches no memory after this, whatever it answers to a reset.
  virtual void cut_off() = 0;
};

// Resets the device and offers it `wanted` and common_features, as far as it offers them. Returns what was agreed.
// TimedOut: it does not reset. NotSupported: it is not a modern device, or refuses. On an error the device is left
// marked as failed.
base::Result<std::uint64_t> negotiate(Transport& transport, std::uint64_t wanted);

// The queues are set up: the device may use them.
base::Result<> go_live(Transport& transport);

// The device has given up all memory when this returns.
void shut_down(Transport& transport);

// A consistent copy of the device's configuration (2.5.3). Again: it keeps changing.
base::Result<> read_stable_config(Transport& transport, std::size_t offset, std::span<std::byte> into);

template <typename T>
base::Result<T> read_config_field(Transport& transport, std::size_t offset) {
  T value{};
  TRY(read_stable_config(transport, offset, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}

}  // namespace virtio
