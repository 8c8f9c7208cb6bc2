// SPDX-License-Identifier: Apache-2.0
// The memory of the verbs test service: see world.h.
#include "net/verbs_test/world.h"

#include "kernel/base/assert.h"

namespace verbs_test {

SlotPool::SlotPool(World& world, std::byte* memory) : world_(world) {
  for (Slot& slot : slots_) {
    slot.memory_ = memory;
    memory += slot_bytes;
  }
}

SlotPool::~SlotPool() {
  for (const Slot& slot : slots_) LEGO_ASSERT(!slot.taken_);
}

Result<Slot*> SlotPool::take() {
  using verbs::Access;
  for (Slot& slot : slots_) {
    if (slot.taken_) continue;
    const auto address = reinterpret_cast<std::uint64_t>(slot.memory_);
    const base::SpinGuard guard(world_.lock);
    slot.region_ = TRY(world_.domain.register_memory(address, slot_bytes, Access::LocalWrite));
    slot.exported_region_ = TRY(world_.domain.register_memory(
        address, buffer_bytes, Access::LocalWrite | Access::RemoteWrite | Access::RemoteRead | Access::RemoteAtomic));
    slot.taken_ = true;
    return &slot;
  }
  return base::fail(Error::Exhausted);
}

void SlotPool::give_back(Slot& slot) {
  const base::SpinGuard guard(world_.lock);
  slot.exported_region_.reset();
  slot.region_.reset();
  slot.taken_ = false;
}

}  // namespace verbs_test
