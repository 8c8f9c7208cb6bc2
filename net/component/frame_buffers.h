// SPDX-License-Identifier: Apache-2.0
// Registered memory of a component: the local key that covers all of its RAM (no peer has any right by it), and from
// it net/rpc's buffers.
#pragma once

#include "net/rpc/buffers.h"
#include "net/verbs/verbs.h"

namespace component {

class FrameBuffers final : public rpc::BufferMemory {
 public:
  // Registers the direct map of all RAM for local use, once.
  static base::Result<base::Own<verbs::MemoryRegion>> register_all(verbs::ProtectionDomain& domain);

  explicit FrameBuffers(std::uint32_t lkey) : lkey_(lkey) {}
  base::Result<rpc::Buffer> allocate(std::uint32_t bytes) override;
  void free(const rpc::Buffer& buffer) override;

 private:
  std::uint32_t lkey_;
};

}  // namespace component
