// SPDX-License-Identifier: Apache-2.0
// Pages of files on their way in: see page_cache.h.
#include "memory/files/page_cache.h"

#include <algorithm>
#include <cstring>

namespace memory {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;

namespace {
std::uint64_t pages_of(std::uint64_t bytes) { return (bytes + page_bytes - 1) / page_bytes; }
}  // namespace

Result<FrameRef> PageCache::allocate() {
  if (store_.free() <= store_.reserve()) reclaim(FileStorage::max_read_bytes / page_bytes);
  return FrameRef::adopt(store_, TRY(store_.allocate(FrameUse::PageCache, Claim::Ordinary)));
}

bool PageCache::reclaim(std::uint64_t frames) {
  if (frames > store_.total()) return false;
  while (store_.free() < store_.reserve() + frames) {
    // A whole sweep may pass dirty pages only; each step drops one page or ends.
    FrameNumber victim = no_frame;
    for (std::uint64_t tries = store_.page_cache(); tries > 0; --tries) {
      const FrameNumber candidate = store_.next_cache_victim();
      if (candidate == no_frame) return false;
      const FrameOwner owner = store_.owner(candidate);
      PageHolder* holder = holders_.at_or_after(owner.object);
      // A reply under way may be all that holds the frame of a page that has been truncated or replaced since.
      if (holder == nullptr || holder->id() != owner.object || holder->pages.find(owner.page) != candidate) continue;
      if (holder->pages.marked(owner.page)) continue;
      holder->pages.take(owner.page);
      victim = candidate;
      break;
    }
    if (victim == no_frame) return false;
    ++counters_.dropped;
  }
  return true;
}

Task<FrameRef> PageCache::get(FileObject& file, std::uint64_t page) {
  bool missed = false;
  while (true) {
    if (page >= pages_of(file.bytes())) co_return base::fail(Error::OutOfRange);
    if (const FrameNumber frame = file.pages.find(page); frame != no_frame) {
      ++(missed ? counters_.misses : counters_.hits);
      store_.touch(frame);
      co_return FrameRef::share(store_, frame);
    }
    missed = true;
    if (file.fill_of(page) != nullptr) {
      co_await file.filled.wait();
      continue;
    }
    CO_TRY_VOID(co_await fill(file, page));
  }
}

std::uint64_t PageCache::read_ahead(const FileObject& file, std::uint64_t page) const {
  // A page after one that is cached is taken for sequential reading.
  if (page > 0 && file.pages.find(page - 1) == no_frame) return 1;
  const std::uint64_t limit =
      std::min<std::uint64_t>(pages_of(file.bytes()) - page, FileStorage::max_read_bytes / page_bytes);
  std::uint64_t count = 1;
  while (count < limit && file.pages.find(page + count) == no_frame) ++count;
  return count;
}

Task<> PageCache::fill(FileObject& file, std::uint64_t page) {
  PageFill mine;
  mine.first = page;
  mine.count = read_ahead(file, page);
  for (std::uint64_t i = 1; i < mine.count; ++i)
    if (file.fill_of(page + i) != nullptr) mine.count = i;
  file.fills.push_back(mine);
  Result<> done;
  {
    const auto shared = co_await file.resizing.shared();
    done = co_await read_into(file, mine);
  }
  file.fills.erase(file.fills.iterator_to(mine));
  file.filled.wake_all();
  co_return done;
}

Task<> PageCache::read_into(FileObject& file, PageFill& fill) {
  CO_TRY(const StagingBuffer lease, co_await this->staging());
  const std::span<std::byte> staging = lease.bytes();
  Result<std::uint32_t> read = std::uint32_t{0};
  if (fill.first * page_bytes < file.stored_bytes())
    read = co_await storage_.read(file.file(), fill.first * page_bytes, staging.first(fill.count * page_bytes));
  Result<> done;
  if (!read) done = base::fail(read.error());
  for (std::uint64_t i = 0; done && i < fill.count; ++i) {
    const std::uint64_t page = fill.first + i;
    // A write-back, which is newer, may have come meanwhile.
    if (file.pages.find(page) != no_frame) continue;
    auto frame = allocate();
    if (frame) done = file.pages.prepare(page);
    if (!frame) done = base::fail(frame.error());
    if (!done) {
      if (i > 0) done = {};  // read-ahead that found no room
      break;
    }
    const std::uint64_t have = *read > i * page_bytes ? std::min<std::uint64_t>(*read - i * page_bytes, page_bytes) : 0;
    std::memcpy(frame->data(), staging.data() + i * page_bytes, have);
    std::memset(frame->data() + have, 0, page_bytes - have);
    store_.set_owner(frame->number(), FrameOwner{file.id(), page});
    file.pages.set(page, frame->release());
    ++counters_.pages_read;
  }
  co_return done;
}

Task<StagingBuffer> PageCache::staging() {
  std::span<std::byte> bytes = storage_.take_staging();
  while (bytes.empty()) {
    co_await staging_free_.wait();
    bytes = storage_.take_staging();
  }
  co_return StagingBuffer(*this, bytes);
}

StagingBuffer::~StagingBuffer() {
  if (cache_ == nullptr) return;
  cache_->storage_.give_staging(bytes_);
  cache_->staging_free_.wake_all();
}

}  // namespace memory
