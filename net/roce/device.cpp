// SPDX-License-Identifier: Apache-2.0
#include "net/roce/device.h"

#include "net/roce/queue_pair.h"

namespace roce {

Result<base::Own<verbs::MemoryRegion>> RoceProtectionDomain::register_memory(std::uint64_t address,
                                                                             std::uint64_t length,
                                                                             verbs::Access access) {
  const std::uint32_t key = TRY(core_.memory.add(this, address, length, access));
  auto region = base::make<RoceMemoryRegion>(core_, key);
  if (!region) {
    core_.memory.remove(key);
    return base::fail(Error::NoMemory);
  }
  return region;
}

std::uint32_t RoceDevice::active_mtu() const { return path_mtu_for(core_.config.link_mtu); }

Result<base::Own<verbs::ProtectionDomain>> RoceDevice::allocate_protection_domain() {
  return base::try_make<RoceProtectionDomain>(core_);
}

Result<base::Own<verbs::CompletionQueue>> RoceDevice::create_completion_queue(std::uint32_t entries) {
  if (entries == 0 || entries > limits::completions) return base::fail(Error::InvalidArgument);
  auto ring = TRY(base::try_make<CompletionRing>());
  TRY(ring->initialize(entries));
  return ring;
}

Result<base::Own<verbs::QueuePair>> RoceDevice::create_queue_pair(verbs::ProtectionDomain& domain,
                                                                  const verbs::QpInitAttributes& attributes) {
  if (attributes.send_cq == nullptr || attributes.recv_cq == nullptr) return base::fail(Error::InvalidArgument);
  auto queue_pair = TRY(base::try_make<RoceQueuePair>(core_, &domain, attributes));
  TRY(queue_pair->initialize());
  return queue_pair;
}

}  // namespace roce
