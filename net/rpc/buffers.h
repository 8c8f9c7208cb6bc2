// SPDX-License-Identifier: Apache-2.0
// Registered memory as net/rpc uses it: where its own buffers come from, and how callers find the keys of theirs.
// Nothing here registers memory on a request's path: slabs are registered once, when a component starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "net/verbs/verbs.h"

namespace rpc {

using base::Error;
using base::Result;

// Memory that the peer may write: the target of a bulk or page reply.
struct RemoteBuffer {
  std::uint64_t address = 0;
  std::uint32_t rkey = 0;
  std::uint32_t bytes = 0;
};

struct Buffer {
  std::byte* address = nullptr;
  std::uint32_t bytes = 0;
  std::uint32_t lkey = 0;
};

// Where an Endpoint's buffers come from: blocks of at most 64 KiB, physically contiguous in an image, registered for
// local writing. Called when a connection is set up or ended, with the endpoint's lock held; never for a request.
class BufferMemory {
 public:
  static constexpr std::uint32_t max_block_bytes = 65536;
  virtual Result<Buffer> allocate(std::uint32_t bytes) = 0;  // a multiple of 4096
  virtual void free(const Buffer& buffer) = 0;

 protected:
  ~BufferMemory() = default;
};

// The slabs that a component has registered, so that an address finds its keys. Filled at start; then read-only.
class RegisteredSlabs {
 public:
  Result<> add(std::uint64_t address, std::uint64_t bytes, const verbs::MemoryRegion& region);
  // BadAddress if the range is not inside one slab.
  Result<verbs::Sge> local(std::uint64_t address, std::uint32_t bytes) const;
  Result<RemoteBuffer> remote(std::uint64_t address, std::uint32_t bytes) const;
  Result<verbs::Sge> local(std::span<const std::byte> bytes) const {
    return local(reinterpret_cast<std::uint64_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()));
  }
  Result<RemoteBuffer> remote(std::span<std::byte> bytes) const {
    return remote(reinterpret_cast<std::uint64_t>(bytes.data()), static_cast<std::uint32_t>(bytes.size()));
  }

 private:
  struct Slab {
    std::uint64_t address;
    std::uint64_t bytes;
    std::uint32_t lkey;
    std::uint32_t rkey;
  };
  const Slab* find(std::uint64_t address, std::uint32_t bytes) const;
  base::Array<Slab> slabs_;  // by address
};

// BufferMemory from platform::allocate, a block and a memory region at a time: for Linux programs and tests.
class HeapBuffers final : public BufferMemory {
 public:
  explicit HeapBuffers(verbs::ProtectionDomain& domain) : domain_(domain) {}
  HeapBuffers(const HeapBuffers&) = delete;
  HeapBuffers& operator=(const HeapBuffers&) = delete;
  ~HeapBuffers();
  Result<Buffer> allocate(std::uint32_t bytes) override;
  void free(const Buffer& buffer) override;
  std::size_t blocks() const { return blocks_.size(); }

 private:
  struct Block {
    std::byte* memory;
    base::Own<verbs::MemoryRegion> region;
  };
  verbs::ProtectionDomain& domain_;
  base::Array<Block> blocks_;
};

}  // namespace rpc
