// SPDX-License-Identifier: Apache-2.0
// The page cache of an mComponent, between the ExCaches above and the sComponent below. Pages come in by read-ahead,
// leave clean by the clock algorithm when frames run short, and go to the disk when they are dirty: at a sync, when too
// many are dirty, and every few seconds. A page of a file beyond what the disk has is zeros. A file whose backing is
// memory has no disk: what was written of it is marked as if it were dirty, and stays until it is cut off or discarded.
#pragma once

#include <cstdint>
#include <utility>

#include "kernel/base/task.h"
#include "memory/files/file_object.h"
#include "memory/files/file_storage.h"
#include "memory/pages/write_back.h"

namespace memory {

struct PageCacheCounters {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t pages_read = 0;
  std::uint64_t pages_written = 0;
  std::uint64_t dropped = 0;  // clean pages given up for others
};

class PageCache;

// A staging buffer of the storage, for as long as this lives.
class StagingBuffer {
 public:
  StagingBuffer(PageCache& cache, std::span<std::byte> bytes) : cache_(&cache), bytes_(bytes) {}
  StagingBuffer(StagingBuffer&& other) noexcept : cache_(std::exchange(other.cache_, nullptr)), bytes_(other.bytes_) {}
  StagingBuffer& operator=(StagingBuffer&&) = delete;
  ~StagingBuffer();
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  PageCache* cache_;
  std::span<std::byte> bytes_;
};

class PageCache final : public FilePageSink {
 public:
  PageCache(base::EventLoop& loop, FrameStore& store, PageHolders& holders, FileStorage& storage)
      : loop_(loop), store_(store), holders_(holders), storage_(storage), staging_free_(loop), cleaned_(loop) {}

  // The frame of a page below the file's end. OutOfRange beyond the end. The caller keeps the file alive (hold it).
  base::Task<FrameRef> get(FileObject& file, std::uint64_t page);
  // Bytes within one page at `offset`; grows the file. For requests that write through.
  base::Task<> write(FileObject& file, std::uint64_t offset, std::span<const std::byte> bytes);
  // Makes room for a range of a file whose backing is memory: pages of zeros where none was written, be they beyond the
  // end. NoSpace: the file system or the memory is full, and nothing changed; or memory ran out on the way.
  base::Task<> reserve(FileObject& file, std::uint64_t offset, std::uint64_t bytes);
  // FilePageSink: a page that came by write-back.
  void written(PageHolder& file, std::uint64_t page, std::uint64_t object_bytes) override;
  // Writes all dirty pages and the size, and waits until the disk has them. Tells an earlier write error once.
  base::Task<> sync(FileObject& file);
  // Writes all dirty pages and the size; no flush of the disk.
  base::Task<> flush(FileObject& file);
  // The pComponents have no dirty pages of the file beyond `bytes` any more.
  base::Task<> truncate(FileObject& file, std::uint64_t bytes);
  // The bytes of the range are zeros. The pComponents have no dirty pages in it, but for what they clear themselves of
  // those that are in it in part.
  base::Task<> punch(FileObject& file, std::uint64_t offset, std::uint64_t bytes);
  // Where data, or a hole, begin at or behind `offset`: pages that were written, here or on the disk, are data. Without
  // any, the end of the file.
  enum class Seeks : std::uint8_t { Data, Hole };
  base::Task<std::uint64_t> seek(FileObject& file, std::uint64_t offset, Seeks what);
  // Forgets all pages, dirty ones as well (the file is gone).
  void discard(FileObject& file);

  // Gives up clean pages until `frames` are free above the reserve, if that can be; returns whether it could.
  bool reclaim(std::uint64_t frames);
  std::uint64_t dirty_pages() const { return dirty_pages_; }
  // Written pages of files whose backing is memory, and how many more there may be: half of the memory is for them.
  std::uint64_t memory_pages() const { return memory_pages_; }
  std::uint64_t max_memory_pages() const { return store_.total() / 2; }
  std::uint64_t memory_room(const MemoryUse& of) const;
  // Wakes when dirty pages have been written.
  base::AsyncCondition& cleaned() { return cleaned_; }
  // Waits for one: there are a few for all who read.
  base::Task<StagingBuffer> staging();
  const PageCacheCounters& counters() const { return counters_; }

 private:
  friend class StagingBuffer;
  base::Task<> fill(FileObject& file, std::uint64_t page);
  base::Task<> read_into(FileObject& file, PageFill& fill);
  base::Task<> flush_run(FileObject& file, std::uint64_t first);
  void drop_pages(FileObject& file, std::uint64_t first, std::uint64_t count);
  base::Result<> clear_part(FileObject& file, std::uint64_t offset, std::uint64_t bytes);
  std::uint64_t read_ahead(const FileObject& file, std::uint64_t page) const;
  base::Result<FrameRef> allocate();
  base::Result<> reserve_page(FileObject& file, std::uint64_t page);
  void add_mark(FileObject& file, std::uint64_t page);
  // Pages of the file lost their marks.
  void count_lost_marks(FileObject& file, std::uint64_t count);

  base::EventLoop& loop_;
  FrameStore& store_;
  PageHolders& holders_;
  FileStorage& storage_;
  base::AsyncCondition staging_free_;
  base::AsyncCondition cleaned_;
  std::uint64_t dirty_pages_ = 0;
  std::uint64_t memory_pages_ = 0;
  PageCacheCounters counters_;
};

}  // namespace memory
