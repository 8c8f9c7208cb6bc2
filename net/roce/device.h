// SPDX-License-Identifier: Apache-2.0
// The verbs::Device of an engine, and the objects that are little more than names: protection domains and regions.
#pragma once

#include <cstdint>

#include "net/roce/core.h"
#include "net/verbs/verbs.h"

namespace roce {

class RoceMemoryRegion final : public verbs::MemoryRegion {
 public:
  RoceMemoryRegion(Core& core, std::uint32_t key) : core_(core), key_(key) {}
  // Frames in the sink may refer to the region (READ answers, sends of queue pairs that are still open): they go first.
  ~RoceMemoryRegion() override {
    core_.memory.remove(key_);
    core_.transmitter.quiesce();
  }
  std::uint32_t lkey() const override { return key_; }
  std::uint32_t rkey() const override { return key_; }

 private:
  Core& core_;
  const std::uint32_t key_;
};

class RoceProtectionDomain final : public verbs::ProtectionDomain {
 public:
  explicit RoceProtectionDomain(Core& core) : core_(core) {}
  Result<base::Own<verbs::MemoryRegion>> register_memory(std::uint64_t address, std::uint64_t length,
                                                         verbs::Access access) override;

 private:
  Core& core_;
};

class RoceDevice final : public verbs::Device {
 public:
  explicit RoceDevice(Core& core) : core_(core) {}
  verbs::Gid gid() const override { return core_.gid; }
  verbs::Gid link_local_gid() const override { return core_.link_local; }
  std::uint32_t active_mtu() const override;
  Result<base::Own<verbs::ProtectionDomain>> allocate_protection_domain() override;
  Result<base::Own<verbs::CompletionQueue>> create_completion_queue(std::uint32_t entries) override;
  Result<base::Own<verbs::QueuePair>> create_queue_pair(verbs::ProtectionDomain& domain,
                                                        const verbs::QpInitAttributes& attributes) override;

 private:
  Core& core_;
};

}  // namespace roce
