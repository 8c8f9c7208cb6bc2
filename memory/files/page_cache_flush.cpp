// SPDX-License-Identifier: Apache-2.0
// Pages of files on their way to the disk: see page_cache.h.
#include <algorithm>
#include <array>
#include <cstring>

#include "memory/files/page_cache.h"

namespace memory {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;

void PageCache::add_mark(FileObject& file, std::uint64_t page) {
  if (file.pages.marked(page)) return;
  ++(file.in_memory() ? memory_pages_ : dirty_pages_);
  if (file.in_memory()) ++file.memory().pages;
  file.pages.mark(page);
}

void PageCache::count_lost_marks(FileObject& file, std::uint64_t count) {
  (file.in_memory() ? memory_pages_ : dirty_pages_) -= count;
  if (file.in_memory()) file.memory().pages -= count;
}

void PageCache::written(PageHolder& holder, std::uint64_t page, std::uint64_t object_bytes) {
  auto& file = static_cast<FileObject&>(holder);
  file.grow(object_bytes);
  if (page * page_bytes >= file.bytes()) {  // truncated meanwhile: the page is not the file's any more
    if (file.pages.marked(page)) count_lost_marks(file, 1);
    file.pages.take(page);
    return;
  }
  add_mark(file, page);
}

Task<> PageCache::write(FileObject& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  const std::uint64_t page = offset / page_bytes, within = offset % page_bytes;
  LEGO_ASSERT(bytes.size() <= page_bytes - within);
  if (file.in_memory() && !file.pages.marked(page) && memory_room(file.memory()) == 0)
    co_return base::fail(Error::NoSpace);
  FrameRef old;
  if (page * page_bytes < file.bytes()) {
    CO_TRY(old, co_await get(file, page));
  }
  CO_TRY_VOID(file.pages.prepare(page));
  CO_TRY(const FrameNumber fresh, store_.allocate(FrameUse::PageCache, Claim::Reserved));
  if (old)
    std::memcpy(store_.data(fresh), old.data(), page_bytes);
  else
    std::memset(store_.data(fresh), 0, page_bytes);
  std::memcpy(store_.data(fresh) + within, bytes.data(), bytes.size());
  store_.set_owner(fresh, FrameOwner{file.id(), page});
  file.pages.set(page, fresh);
  written(file, page, std::max<std::uint64_t>(file.bytes(), offset + bytes.size()));
  co_return {};
}

void PageCache::discard(FileObject& file) {
  count_lost_marks(file, file.pages.marks());
  file.pages.clear();
}

// Writes the run of dirty pages that starts at `first`.
Task<> PageCache::flush_run(FileObject& file, std::uint64_t first) {
  std::array<FrameRef, FileStorage::max_write_pages> frames;
  std::array<FramePiece, FileStorage::max_write_pages> pieces;
  std::size_t count = 0;
  while (count < frames.size()) {
    const std::uint64_t page = first + count;
    if (!file.pages.marked(page) || page * page_bytes >= file.bytes()) break;
    frames[count] = FrameRef::share(store_, file.pages.find(page));
    const std::uint64_t bytes = std::min(file.bytes() - page * page_bytes, page_bytes);
    pieces[count] = FramePiece{frames[count].data(), static_cast<std::uint32_t>(bytes), frames[count].lkey()};
    file.pages.unmark(page);  // what is written from now on is dirty again, in a frame of its own
    --dirty_pages_;
    ++count;
  }
  const std::uint64_t end = std::min(file.bytes(), (first + count) * page_bytes);
  const Result<> done = co_await storage_.write(file.file(), first * page_bytes, std::span(pieces).first(count));
  if (!done) {
    for (std::size_t i = 0; i < count; ++i) {
      if (file.pages.find(first + i) != frames[i].number() || file.pages.marked(first + i)) continue;
      file.pages.mark(first + i);
      ++dirty_pages_;
    }
    co_return done;
  }
  counters_.pages_written += count;
  cleaned_.wake_all();
  if (end > file.stored_bytes()) file.set_stored_bytes(end);
  co_return {};
}

Task<> PageCache::flush(FileObject& file) {
  if (file.in_memory()) co_return {};
  const auto alone = co_await file.flushing.exclusive();
  const auto shared = co_await file.resizing.shared();
  bool wrote = false;
  for (std::uint64_t page = file.pages.next_marked(0); page != PageMap::none; page = file.pages.next_marked(page + 1)) {
    if (page * page_bytes >= file.bytes()) break;
    CO_TRY_VOID(co_await flush_run(file, page));
    wrote = true;
  }
  if (wrote || file.stored_bytes() != file.bytes()) {
    const std::uint64_t bytes = file.bytes();
    CO_TRY_VOID(co_await storage_.set_size(file.file(), bytes, file.modify_time_ns));
    file.set_stored_bytes(bytes);
  }
  co_return {};
}

Task<> PageCache::sync(FileObject& file) {
  if (file.in_memory()) co_return {};
  CO_TRY_VOID(co_await flush(file));
  CO_TRY_VOID(co_await storage_.sync(file.file()));
  if (const Error earlier = std::exchange(file.write_error, Error::None); earlier != Error::None)
    co_return base::fail(earlier);
  co_return {};
}

}  // namespace memory
