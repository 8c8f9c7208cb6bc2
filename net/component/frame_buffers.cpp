// SPDX-License-Identifier: Apache-2.0
// Registered memory of a component: see frame_buffers.h.
#include "net/component/frame_buffers.h"

#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/memory/layout.h"

namespace component {

base::Result<base::Own<verbs::MemoryRegion>> FrameBuffers::register_all(verbs::ProtectionDomain& domain) {
  return domain.register_memory(kernel::direct_map_base, kernel::direct_map_bytes, verbs::Access::LocalWrite);
}

base::Result<rpc::Buffer> FrameBuffers::allocate(std::uint32_t bytes) {
  const base::PhysAddr frames =
      TRY(kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel, bytes / base::page_bytes));
  return rpc::Buffer{kernel::direct_map(frames), bytes, lkey_};
}

void FrameBuffers::free(const rpc::Buffer& buffer) {
  kernel::frames().free(kernel::kernel_pool(), kernel::physical_address(buffer.address),
                        buffer.bytes / base::page_bytes);
}

}  // namespace component
