// SPDX-License-Identifier: Apache-2.0
// The page cache's way to the sComponent: FileRead straight into a staging buffer, FileWrite straight from frames.
#pragma once

#include "kernel/base/array.h"
#include "memory/files/file_storage.h"
#include "net/rpc/await.h"
#include "net/rpc/buffers.h"

namespace memory {

// A file system that a vNode has mounted from an sComponent.
class FileVolume {
 public:
  FileVolume(base::VNodeId vnode, rpc::Peer& storage, base::FileId root, std::uint64_t device)
      : vnode_(vnode), storage_(storage), root_(root), device_(device) {}
  base::VNodeId vnode() const { return vnode_; }
  rpc::Peer& storage() const { return storage_; }
  base::FileId root() const { return root_; }
  std::uint64_t device() const { return device_; }

  // Unmounted: nothing new is found in it, and it goes when nobody uses it and no file of it is left.
  bool ended = false;
  std::uint32_t users = 0;
  // Keeps it across waits; a pinned file of it does so too.
  class Use {
   public:
    explicit Use(FileVolume& volume) : volume_(volume) { ++volume_.users; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { --volume_.users; }

   private:
    FileVolume& volume_;
  };

 private:
  base::VNodeId vnode_;
  rpc::Peer& storage_;
  base::FileId root_;
  std::uint64_t device_;
};

class RpcFileStorage final : public FileStorage {
 public:
  RpcFileStorage(base::EventLoop& loop, const rpc::RegisteredSlabs& slabs) : loop_(loop), slabs_(slabs) {}
  // A staging buffer of max_read_bytes in a registered slab.
  base::Result<> add_staging(std::span<std::byte> staging) { return staging_.push_back(staging); }

  base::Task<std::uint32_t> read(StoredFile file, std::uint64_t offset, std::span<std::byte> target) override;
  base::Task<> write(StoredFile file, std::uint64_t offset, std::span<const FramePiece> pieces) override;
  base::Task<> set_size(StoredFile file, std::uint64_t bytes, std::uint64_t modify_time_ns) override;
  base::Task<> sync(StoredFile file) override;
  std::span<std::byte> take_staging() override;
  void give_staging(std::span<std::byte> staging) override;
  const rpc::RegisteredSlabs& slabs() const { return slabs_; }

 private:
  base::EventLoop& loop_;
  const rpc::RegisteredSlabs& slabs_;
  base::Array<std::span<std::byte>> staging_;
};

// A staging buffer for as long as this lives; empty() if all were in use.
class StagingBuffer {
 public:
  explicit StagingBuffer(FileStorage& storage) : storage_(storage), bytes_(storage.take_staging()) {}
  StagingBuffer(const StagingBuffer&) = delete;
  StagingBuffer& operator=(const StagingBuffer&) = delete;
  ~StagingBuffer() {
    if (!bytes_.empty()) storage_.give_staging(bytes_);
  }
  bool empty() const { return bytes_.empty(); }
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  FileStorage& storage_;
  std::span<std::byte> bytes_;
};

}  // namespace memory
