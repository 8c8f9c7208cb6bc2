// SPDX-License-Identifier: Apache-2.0
// For tests: the device's side of split virtqueues over ordinary memory, and a transport whose registers are variables.
// It follows the rules (and checks that the driver does) unless a test makes it break one.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "kernel/device/dma.h"
#include "kernel/virtio/transport.h"

namespace virtio {

// Device addresses are the pointers themselves. Memory is counted, and can run out.
class FakeMemory : public device::DmaMemory {
 public:
  ~FakeMemory() { EXPECT_EQ(pieces_, 0u) << "device memory leaked"; }
  base::Result<std::span<std::byte>> allocate(std::size_t bytes) override {
    if (allocations_left == 0) return base::fail(base::Error::NoMemory);
    --allocations_left;
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096));
    std::memset(memory, 0, bytes);
    ++pieces_;
    return std::span(memory, bytes);
  }
  void release(std::span<std::byte> memory) override {
    --pieces_;
    std::free(memory.data());
  }
  base::PhysAddr address_of(const std::byte* memory) const override {
    return base::PhysAddr(reinterpret_cast<std::uintptr_t>(memory));
  }
  unsigned allocations_left = 1000;

 private:
  unsigned pieces_ = 0;
};

class FakeQueue {
 public:
  struct Chain {
    std::uint16_t id = 0;
    bool indirect = false;
    std::vector<std::span<std::byte>> reads, writes;
    std::vector<std::byte> read_all() const {
      std::vector<std::byte> all;
      for (auto piece : reads) all.insert(all.end(), piece.begin(), piece.end());
      return all;
    }
    std::size_t writable() const {
      std::size_t bytes = 0;
      for (auto piece : writes) bytes += piece.size();
      return bytes;
    }
    // Scatters `bytes` over the writable pieces; returns how many fitted.
    std::uint32_t write(std::span<const std::byte> bytes) const {
      std::size_t done = 0;
      for (auto piece : writes) {
        const std::size_t part = std::min(piece.size(), bytes.size() - done);
        std::memcpy(piece.data(), bytes.data() + done, part);
        done += part;
      }
      return static_cast<std::uint32_t>(done);
    }
  };

  void attach(const SplitQueue& queue, bool event_index) {
    size_ = queue.size();
    layout_ = RingLayout(size_);
    ring_ = reinterpret_cast<std::byte*>(queue.descriptor_address().value());
    event_index_ = event_index;
    allow_notifications();
  }
  bool attached() const { return ring_ != nullptr; }
  std::uint16_t size() const { return size_; }

  std::optional<Chain> pop() {
    const std::uint16_t available = load(layout_.avail_index());
    if (available == seen_) return std::nullopt;
    const auto id = load(layout_.avail_ring(seen_ % size_));
    ++seen_;
    EXPECT_LT(id, size_);
    Chain chain;
    chain.id = id;
    follow(chain, descriptors(), id, size_);
    return chain;
  }
  void push(std::uint16_t id, std::uint32_t bytes) {
    const UsedElement element{id, bytes};
    push_raw(element);
  }
  void push_raw(UsedElement element) {
    std::memcpy(ring_ + layout_.used_ring(used_ % size_), &element, sizeof element);
    move_used_index(static_cast<std::uint16_t>(used_ + 1));
  }
  void move_used_index(std::uint16_t index) {
    used_ = index;
    store(layout_.used_index(), used_);
  }
  // After pushes: does the driver want an interrupt?
  bool should_interrupt() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint16_t before = std::exchange(signalled_, used_);
    if (before == used_) return false;
    if (event_index_) return passes_event(load(layout_.used_event()), used_, before);
    return (load(layout_.avail_flags()) & avail_no_interrupt) == 0;
  }
  // Asks to be notified of the next chain. True: one is there already.
  bool allow_notifications() {
    if (event_index_) {
      store(layout_.avail_event(), seen_);
    } else {
      store(layout_.used_flags(), 0);
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return load(layout_.avail_index()) != seen_;
  }
  void forbid_notifications() {
    if (!event_index_) store(layout_.used_flags(), used_no_notify);
  }

 private:
  std::span<Descriptor> descriptors() { return {reinterpret_cast<Descriptor*>(ring_), size_}; }
  void follow(Chain& chain, std::span<Descriptor> table, std::size_t at, std::size_t most) {
    for (std::size_t steps = 0;; ++steps) {
      ASSERT_LT(steps, most) << "endless chain";
      ASSERT_LT(at, table.size());
      const Descriptor& descriptor = table[at];
      if ((descriptor.flags & descriptor_indirect) != 0) {
        ASSERT_FALSE(chain.indirect);
        ASSERT_EQ(descriptor.bytes % sizeof(Descriptor), 0u);
        chain.indirect = true;
        auto* entries = reinterpret_cast<Descriptor*>(descriptor.address);
        return follow(chain, {entries, descriptor.bytes / sizeof(Descriptor)}, 0, size_);
      }
      auto* data = reinterpret_cast<std::byte*>(descriptor.address);
      if ((descriptor.flags & descriptor_device_writes) != 0) {
        chain.writes.emplace_back(data, descriptor.bytes);
      } else {
        EXPECT_TRUE(chain.writes.empty()) << "readable pieces come first";
        chain.reads.emplace_back(data, descriptor.bytes);
      }
      if ((descriptor.flags & descriptor_next) == 0) return;
      at = descriptor.next;
    }
  }
  std::uint16_t load(std::size_t offset) const {
    return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ring_ + offset)).load(std::memory_order_acquire);
  }
  void store(std::size_t offset, std::uint16_t value) {
    std::atomic_ref(*reinterpret_cast<std::uint16_t*>(ring_ + offset)).store(value, std::memory_order_release);
  }

  std::byte* ring_ = nullptr;
  std::uint16_t size_ = 0;
  RingLayout layout_{1};
  bool event_index_ = false;
  std::uint16_t seen_ = 0, used_ = 0, signalled_ = 0;
};

// What the test keeps of the device after the driver took its transport.
struct FakeDevice {
  std::uint64_t features = common_features;
  std::uint64_t accepted = 0;
  std::uint8_t status_now = 0;
  bool refuses_features = false;
  bool never_resets = false;
  bool refuses_vectors = false;
  bool cut_off = false;
  unsigned resets = 0;
  unsigned unstable_reads = 0;  // so many reads of the configuration see it change
  std::uint8_t generation = 0;
  std::vector<std::uint16_t> queue_sizes;
  std::vector<std::byte> config;
  std::map<std::uint16_t, FakeQueue> queues;
  std::map<std::uint16_t, unsigned> notifications;
  std::function<void(std::uint16_t)> on_notify = [](std::uint16_t) {};
  device::InterruptHandler* queue_interrupt = nullptr;
  device::InterruptHandler* config_interrupt = nullptr;

  template <typename T>
  void set_config(std::size_t offset, T value) {
    if (config.size() < offset + sizeof value) config.resize(offset + sizeof value);
    std::memcpy(config.data() + offset, &value, sizeof value);
  }
  // Interrupts if the driver wants one for what was pushed to the queue; returns whether.
  bool signal(std::uint16_t index) {
    if (!queues[index].should_interrupt()) return false;
    queue_interrupt->interrupt();
    return true;
  }
};

class FakeTransport : public Transport {
 public:
  explicit FakeTransport(FakeDevice& device) : device_(device) {}

  std::uint8_t status() override {
    const bool rejected = device_.refuses_features || (device_.accepted & ~device_.features) != 0;
    return static_cast<std::uint8_t>(device_.status_now & ~(rejected ? status_features_ok : 0));
  }
  void set_status(std::uint8_t status) override {
    if (status == 0 && device_.never_resets) return;
    if (status == 0) ++device_.resets;
    device_.status_now = status;
  }
  std::uint64_t device_features() override { return device_.features; }
  void set_driver_features(std::uint64_t features) override { device_.accepted = features; }
  std::uint16_t queue_count() override { return static_cast<std::uint16_t>(device_.queue_sizes.size()); }
  std::uint16_t queue_size_max(std::uint16_t index) override { return device_.queue_sizes.at(index); }
  base::Result<> enable_queue(std::uint16_t index, const SplitQueue& queue) override {
    EXPECT_NE(device_.status_now & status_features_ok, 0);
    EXPECT_EQ(device_.status_now & status_driver_ok, 0);
    if (device_.refuses_vectors) return base::fail(base::Error::IoError);
    device_.queues[index].attach(queue, (device_.accepted & feature_event_index) != 0);
    return {};
  }
  void notify(std::uint16_t index) override {
    EXPECT_NE(device_.status_now & status_driver_ok, 0) << "3.1.1: no notification before DRIVER_OK";
    ++device_.notifications[index];
    device_.on_notify(index);
  }
  base::Result<> read_config(std::size_t offset, std::span<std::byte> into) override {
    if (offset + into.size() > device_.config.size()) return base::fail(base::Error::OutOfRange);
    std::memcpy(into.data(), device_.config.data() + offset, into.size());
    if (device_.unstable_reads > 0) {
      --device_.unstable_reads;
      ++device_.generation;
    }
    return {};
  }
  std::uint8_t config_generation() override { return device_.generation; }
  base::Result<> connect_interrupts(device::InterruptHandler& queues, device::InterruptHandler& config) override {
    device_.queue_interrupt = &queues;
    device_.config_interrupt = &config;
    return {};
  }
  void cut_off() override { device_.cut_off = true; }

 private:
  FakeDevice& device_;
};

}  // namespace virtio
