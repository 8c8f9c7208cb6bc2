// SPDX-License-Identifier: Apache-2.0
// Registered memory: see buffers.h.
#include "net/rpc/buffers.h"

#include <algorithm>

namespace rpc {

Result<> RegisteredSlabs::add(std::uint64_t address, std::uint64_t bytes, const verbs::MemoryRegion& region) {
  if (bytes == 0 || address + bytes < address) return base::fail(Error::InvalidArgument);
  std::size_t index = 0;
  while (index < slabs_.size() && slabs_[index].address < address) ++index;
  return slabs_.insert(index, {address, bytes, region.lkey(), region.rkey()});
}

const RegisteredSlabs::Slab* RegisteredSlabs::find(std::uint64_t address, std::uint32_t bytes) const {
  const Slab* after = std::upper_bound(slabs_.begin(), slabs_.end(), address,
                                       [](std::uint64_t value, const Slab& slab) { return value < slab.address; });
  if (after == slabs_.begin()) return nullptr;
  const Slab& slab = *(after - 1);
  const std::uint64_t offset = address - slab.address;
  if (offset > slab.bytes || bytes > slab.bytes - offset) return nullptr;
  return &slab;
}

Result<verbs::Sge> RegisteredSlabs::local(std::uint64_t address, std::uint32_t bytes) const {
  const Slab* slab = find(address, bytes);
  if (slab == nullptr) return base::fail(Error::BadAddress);
  return verbs::Sge{address, bytes, slab->lkey};
}

Result<RemoteBuffer> RegisteredSlabs::remote(std::uint64_t address, std::uint32_t bytes) const {
  const Slab* slab = find(address, bytes);
  if (slab == nullptr) return base::fail(Error::BadAddress);
  return RemoteBuffer{address, slab->rkey, bytes};
}

HeapBuffers::~HeapBuffers() {
  for (Block& block : blocks_) {
    block.region.reset();
    base::platform::deallocate(block.memory);
  }
}

Result<Buffer> HeapBuffers::allocate(std::uint32_t bytes) {
  TRY(blocks_.reserve(blocks_.size() + 1));
  auto* memory = static_cast<std::byte*>(base::platform::allocate(bytes));
  if (memory == nullptr) return base::fail(Error::NoMemory);
  auto region = domain_.register_memory(reinterpret_cast<std::uint64_t>(memory), bytes, verbs::Access::LocalWrite);
  if (!region) {
    base::platform::deallocate(memory);
    return base::fail(region.error());
  }
  const Buffer buffer{memory, bytes, (*region)->lkey()};
  TRY(blocks_.push_back({memory, std::move(*region)}));  // cannot fail: reserved
  return buffer;
}

void HeapBuffers::free(const Buffer& buffer) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i].memory != buffer.address) continue;
    blocks_[i].region.reset();
    base::platform::deallocate(blocks_[i].memory);
    blocks_.erase(i);
    return;
  }
  LEGO_ASSERT(false && "a buffer that is not from here");
}

}  // namespace rpc
