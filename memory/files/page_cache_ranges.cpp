// SPDX-License-Identifier: Apache-2.0
// Files that become shorter, holes in them, and where these are: see page_cache.h.
#include <algorithm>
#include <cstring>

#include "kernel/base/next_turn.h"
#include "memory/files/page_cache.h"

namespace memory {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;

void PageCache::drop_pages(FileObject& file, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t marks = file.pages.marks();
  file.pages.erase_range(first, count);
  count_lost_marks(file, marks - file.pages.marks());
}

// Bytes within one page become zeros if the page is here. Others may be reading the frame: they keep what they have.
Result<> PageCache::clear_part(FileObject& file, std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t page = offset / page_bytes;
  const FrameNumber old = file.pages.find(page);
  if (old == no_frame || bytes == 0) return {};
  LEGO_ASSERT(offset % page_bytes + bytes <= page_bytes);
  if (store_.references(old) != 1) {
    const FrameNumber fresh = TRY(store_.allocate(FrameUse::PageCache, Claim::Reserved));
    std::memcpy(store_.data(fresh), store_.data(old), page_bytes);
    store_.set_owner(fresh, FrameOwner{file.id(), page});
    file.pages.set(page, fresh);
  }
  std::memset(store_.data(file.pages.find(page)) + offset % page_bytes, 0, bytes);
  return {};
}

Task<> PageCache::truncate(FileObject& file, std::uint64_t bytes) {
  const auto exclusive = co_await file.resizing.exclusive();
  if (!file.in_memory()) CO_TRY_VOID(co_await storage_.set_size(file.file(), bytes, file.modify_time_ns));
  const std::uint64_t kept = (bytes + page_bytes - 1) / page_bytes;
  drop_pages(file, kept, PageMap::none - kept);
  // What lies beyond the end in the last page must read as zeros if the file grows again.
  if (bytes < file.bytes()) CO_TRY_VOID(clear_part(file, bytes, kept * page_bytes - bytes));
  file.set_bytes(bytes);
  if (!file.in_memory()) file.set_stored_bytes(bytes);
  co_return {};
}

Task<> PageCache::punch(FileObject& file, std::uint64_t offset, std::uint64_t bytes) {
  const auto exclusive = co_await file.resizing.exclusive();
  // Not only up to the end that is known here: the pComponents may have written more, for which there is room.
  const std::uint64_t end = offset + bytes;
  if (!file.in_memory()) CO_TRY_VOID(co_await storage_.punch(file.file(), offset, bytes));
  const std::uint64_t first = (offset + page_bytes - 1) / page_bytes, last = end / page_bytes;
  if (first < last) drop_pages(file, first, last - first);
  if (offset < first * page_bytes) CO_TRY_VOID(clear_part(file, offset, std::min(end, first * page_bytes) - offset));
  if (last >= first) CO_TRY_VOID(clear_part(file, last * page_bytes, end - last * page_bytes));
  cleaned_.wake_all();
  co_return {};
}

std::uint64_t PageCache::memory_room(const MemoryUse& of) const {
  const std::uint64_t all = memory_pages_ < max_memory_pages() ? max_memory_pages() - memory_pages_ : 0;
  return std::min(all, of.room());
}

Result<> PageCache::reserve_page(FileObject& file, std::uint64_t page) {
  if (file.pages.marked(page)) return {};
  if (memory_room(file.memory()) == 0) return base::fail(Error::NoSpace);
  if (file.pages.find(page) == no_frame) {
    TRY(file.pages.prepare(page));
    FrameRef frame = TRY(allocate());
    std::memset(frame.data(), 0, page_bytes);
    store_.set_owner(frame.number(), FrameOwner{file.id(), page});
    file.pages.set(page, frame.release());
  }
  add_mark(file, page);
  return {};
}

Task<> PageCache::reserve(FileObject& file, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) co_return {};
  // Neither a truncation nor a hole in between.
  const auto shared = co_await file.resizing.shared();
  const std::uint64_t first = offset / page_bytes, end = (offset + bytes - 1) / page_bytes + 1;
  // More than there may be altogether, so that the count below ends soon.
  if (end - first > file.pages.marks() + memory_room(file.memory())) co_return base::fail(Error::NoSpace);
  std::uint64_t missing = end - first;
  for (std::uint64_t page = file.pages.next_marked(first); page < end; page = file.pages.next_marked(page + 1))
    --missing;
  if (missing > memory_room(file.memory()) || !reclaim(missing)) co_return base::fail(Error::NoSpace);
  constexpr std::uint64_t pages_of_a_turn = 256;  // others wait meanwhile
  for (std::uint64_t page = first; page < end; ++page) {
    if ((page - first) % pages_of_a_turn == pages_of_a_turn - 1) co_await base::NextTurn(loop_);
    if (const auto done = reserve_page(file, page); !done) co_return base::fail(Error::NoSpace);
  }
  co_return {};
}

Task<std::uint64_t> PageCache::seek(FileObject& file, std::uint64_t offset, Seeks what) {
  // Neither a page that is no longer dirty and not yet on the disk, nor a hole that is being made.
  const auto flushing = co_await file.flushing.shared();
  const auto resizing = co_await file.resizing.shared();
  std::uint64_t at = offset;
  while (at < file.bytes()) {
    const std::uint64_t page = at / page_bytes;
    const bool written = file.pages.marked(page);
    FileStorage::Extent here{written, (page + 1) * page_bytes};
    if (!written) {
      here.end = file.bytes();
      if (!file.in_memory()) {
        CO_TRY(here, co_await storage_.extent(file.file(), at));
      }
    }
    if (here.has_data == (what == Seeks::Data)) break;
    at = here.end;
    // Pages that are dirty here may be a hole on the disk.
    if (const std::uint64_t next = file.pages.next_marked(page + 1); !written && next != PageMap::none)
      at = std::min(at, next * page_bytes);
  }
  co_return std::min(at, file.bytes());
}

}  // namespace memory
