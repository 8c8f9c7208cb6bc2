// SPDX-License-Identifier: Apache-2.0
// The page cache's way to the sComponent: FileRead straight into a staging buffer, FileWrite straight from frames.
#pragma once

#include "kernel/base/array.h"
#include "memory/files/file_storage.h"
#include "memory/service/file_volume.h"
#include "net/rpc/await.h"
#include "net/rpc/buffers.h"

namespace memory {

class RpcFileStorage final : public FileStorage {
 public:
  RpcFileStorage(base::EventLoop& loop, const rpc::RegisteredSlabs& slabs) : loop_(loop), slabs_(slabs) {}
  // A staging buffer of max_read_bytes in a registered slab.
  base::Result<> add_staging(std::span<std::byte> staging) { return staging_.push_back(staging); }

  base::Task<std::uint32_t> read(StoredFile file, std::uint64_t offset, std::span<std::byte> target) override;
  base::Task<> write(StoredFile file, std::uint64_t offset, std::span<const FramePiece> pieces) override;
  base::Task<> set_size(StoredFile file, std::uint64_t bytes, std::uint64_t modify_time_ns) override;
  base::Task<> punch(StoredFile file, std::uint64_t offset, std::uint64_t bytes) override;
  base::Task<Extent> extent(StoredFile file, std::uint64_t offset) override;
  base::Task<> sync(StoredFile file) override;
  std::span<std::byte> take_staging() override;
  void give_staging(std::span<std::byte> staging) override;
  const rpc::RegisteredSlabs& slabs() const { return slabs_; }

 private:
  base::EventLoop& loop_;
  const rpc::RegisteredSlabs& slabs_;
  base::Array<std::span<std::byte>> staging_;
};

}  // namespace memory
