// SPDX-License-Identifier: Apache-2.0
// What the verbs test service lives on, so that it runs in an image, in a Linux program and in tests: a device with
// its lock, a loop, and memory that is cut into slots, one for each connection. Everything of the service runs on the
// loop; the lock is taken around each call of verbs.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>

#include "kernel/base/executor.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"
#include "net/verbs/connection_manager.h"
#include "net/verbs_test/control.h"

namespace verbs_test {

using base::Error;
using base::Result;

// What waits, so that the service can end.
class Stoppable : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  virtual void stop() = 0;  // ends all waits, now and later

 protected:
  ~Stoppable() = default;
};

class Pages;

struct World {
  base::EventLoop& loop;
  base::SpinLock& lock;
  verbs::Device& device;
  verbs::ProtectionDomain& domain;
  verbs::ConnectionManager& connections;
  boost::intrusive::list<Stoppable, boost::intrusive::constant_time_size<false>> stoppables{};
  Pages* pages = nullptr;  // for tasks that call by RPC
  bool stopping = false;
  bool sending_stream = false;  // one at a time, so that who is not sure of having asked may ask again
};

// A piece of registered memory and its parts. A message and its datagram header fit into each buffer.
inline constexpr std::uint64_t buffer_bytes = max_message_bytes + base::page_bytes;
inline constexpr std::uint64_t sample_bytes = 256 * 1024;
inline constexpr std::uint64_t slot_bytes = 4 * buffer_bytes + base::page_bytes + sample_bytes;

class Slot {
 public:
  // What the peer may use.
  std::span<std::byte> exported() const { return {memory_, buffer_bytes}; }
  std::span<std::byte> local() const { return {memory_ + buffer_bytes, buffer_bytes}; }
  std::span<std::byte> receives() const { return {memory_ + 2 * buffer_bytes, 2 * buffer_bytes}; }
  // For messages of the connection that this slot belongs to: neither shown to the peer nor used by tests.
  std::span<std::byte> control() const { return {memory_ + 4 * buffer_bytes, base::page_bytes}; }
  std::span<std::uint32_t> samples() const {
    return {reinterpret_cast<std::uint32_t*>(memory_ + 4 * buffer_bytes + base::page_bytes), sample_bytes / 4};
  }
  std::uint32_t rkey() const { return exported_region_->rkey(); }
  verbs::Sge sge(std::span<const std::byte> bytes) const {
    return {reinterpret_cast<std::uint64_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()), region_->lkey()};
  }

 private:
  friend class SlotPool;
  std::byte* memory_ = nullptr;
  base::Own<verbs::MemoryRegion> region_;           // all of it, for this side
  base::Own<verbs::MemoryRegion> exported_region_;  // for the peer, with every right
  bool taken_ = false;
};

class SlotPool {
 public:
  static constexpr std::size_t slots = 4;
  static constexpr std::uint64_t memory_bytes = slots * slot_bytes;

  // `memory`: memory_bytes of it, aligned to pages, that outlive the pool.
  SlotPool(World& world, std::byte* memory);
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;
  ~SlotPool();
  // Exhausted: all are taken. The keys are new each time, and those of before are refused.
  Result<Slot*> take();
  void give_back(Slot& slot);

 private:
  World& world_;
  std::array<Slot, slots> slots_;
};

}  // namespace verbs_test
