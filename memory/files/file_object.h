// SPDX-License-Identifier: Apache-2.0
// A file at its home mComponent: its cached pages (dirty ones are marked), its size as programs see it, which is ahead
// of the disk's until the write-back, and the reads that are under way.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/async.h"
#include "memory/files/file_storage.h"
#include "memory/pages/page_holder.h"

namespace memory {

// A read of [first, first + count) from the disk.
struct PageFill : boost::intrusive::list_base_hook<> {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool contains(std::uint64_t page) const { return page >= first && page - first < count; }
};

// The written pages of all files of a file system in memory.
struct MemoryUse {
  std::uint64_t pages = 0;
  std::uint64_t max_pages = ~std::uint64_t{0};
  std::uint64_t room() const { return pages < max_pages ? max_pages - pages : 0; }
};

// Descriptors and mappings of one pComponent.
struct FileHold {
  base::NodeId processor;
  std::uint64_t count = 0;
};

class FileObject final : public PageHolder {
 public:
  // memory: that of the file's file system, if no sComponent stores it: what was written stays here (tmpfs), the rest
  // is zeros. It outlives the file.
  FileObject(std::uint64_t id, base::VNodeId vnode, FrameStore& store, base::EventLoop& loop, StoredFile file,
             std::uint64_t file_bytes, MemoryUse* memory = nullptr)
      : PageHolder(id, vnode, HolderKind::File, store),
        filled(loop),
        flushing(loop),
        resizing(loop),
        file_(file),
        memory_(memory),
        bytes_(file_bytes),
        stored_bytes_(memory != nullptr ? 0 : file_bytes) {}

  StoredFile file() const { return file_; }
  bool in_memory() const { return memory_ != nullptr; }
  MemoryUse& memory() const {
    LEGO_ASSERT(in_memory());
    return *memory_;
  }
  std::uint64_t bytes() const { return bytes_; }
  void set_bytes(std::uint64_t bytes) { bytes_ = bytes; }
  void grow(std::uint64_t bytes) { bytes_ = bytes > bytes_ ? bytes : bytes_; }
  // What the disk has; less than bytes() while pages beyond are dirty or the growth has not been written.
  std::uint64_t stored_bytes() const { return stored_bytes_; }
  void set_stored_bytes(std::uint64_t bytes) { stored_bytes_ = bytes; }
  // Something is to be written to the disk.
  bool dirty() const { return !in_memory() && (pages.marks() > 0 || stored_bytes_ != bytes_); }
  // As programs see it. The write-back, which comes later, must not change it.
  std::uint64_t modify_time_ns = 0;
  // The file outlives its last name until they are gone.
  base::Array<FileHold> holds;
  bool unlinked = false;
  std::uint32_t pins = 0;  // see FileTable::Pin

  PageFill* fill_of(std::uint64_t page);

  boost::intrusive::list<PageFill> fills;
  base::AsyncCondition filled;  // a fill ended
  base::AsyncLock flushing;     // exclusive: one flush at a time, so that older bytes never follow newer ones
  base::AsyncLock resizing;     // exclusive: a truncation; shared: fills and flushes. Taken after `flushing`
  base::Error write_error = base::Error::None;  // of a write-back in the background, told once by the next sync

 private:
  StoredFile file_;
  MemoryUse* const memory_;
  std::uint64_t bytes_;
  std::uint64_t stored_bytes_;
};

}  // namespace memory
