// SPDX-License-Identifier: Apache-2.0
// The frames that an mComponent gives to address spaces and to the page cache: 4 KiB each, in registered slabs, with a
// reference count (a frame is shared copy-on-write by as many pages as reference it, and by replies under way).
// A part is kept in reserve for write-backs, so that every dirty ExCache line always finds room (design: memory running
// out must not be discovered at write-back). Single executor: not locked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace memory {

using FrameNumber = std::uint32_t;  // 0: none
inline constexpr FrameNumber no_frame = 0;

enum class FrameUse : std::uint8_t { Free, Anonymous, PageCache };
// Reserved: for a write-back, which may use the reserve; Ordinary allocations leave the reserve alone.
enum class Claim : std::uint8_t { Ordinary, Reserved };

// Where a page-cache frame is kept, so that the cache can drop it when frames run short.
struct FrameOwner {
  std::uint64_t object = 0;
  std::uint64_t page = 0;
};

class FrameStore {
 public:
  // Takes a slab of `frames` frames at `memory` (page-aligned, registered with local key lkey).
  base::Result<> add_slab(std::byte* memory, std::uint32_t frames, std::uint32_t lkey);

  // A frame with one reference and undefined content. NoMemory when none is left (for that claim).
  base::Result<FrameNumber> allocate(FrameUse use, Claim claim);
  void retain(FrameNumber frame);
  void release(FrameNumber frame);
  std::uint32_t references(FrameNumber frame) const { return info(frame).references; }

  std::byte* data(FrameNumber frame) const;
  std::uint32_t lkey(FrameNumber frame) const;
  FrameUse use(FrameNumber frame) const { return info(frame).use; }
  void set_owner(FrameNumber frame, FrameOwner owner) { info(frame).owner = owner; }
  const FrameOwner& owner(FrameNumber frame) const { return info(frame).owner; }
  void touch(FrameNumber frame) { info(frame).recently_used = true; }
  // The next page-cache frame that was not used since the last sweep and that only the cache references; no_frame if a
  // whole sweep finds none. (The clock algorithm; clears the marks it passes.)
  FrameNumber next_cache_victim();

  void set_reserve(std::uint64_t frames) { reserve_ = frames; }
  std::uint64_t reserve() const { return reserve_; }
  std::uint64_t total() const { return infos_.size() - 1; }
  std::uint64_t free() const { return free_; }
  std::uint64_t anonymous() const { return in_use_[static_cast<unsigned>(FrameUse::Anonymous)]; }
  std::uint64_t page_cache() const { return in_use_[static_cast<unsigned>(FrameUse::PageCache)]; }
  std::uint64_t peak_used() const { return peak_used_; }

 private:
  struct Info {
    std::uint32_t references = 0;
    FrameNumber next_free = no_frame;
    FrameUse use = FrameUse::Free;
    bool recently_used = false;
    FrameOwner owner;
  };
  struct Slab {
    std::byte* memory;
    FrameNumber first;
    std::uint32_t frames;
    std::uint32_t lkey;
  };
  const Slab& slab_of(FrameNumber frame) const;
  Info& info(FrameNumber frame) { return infos_[frame]; }
  const Info& info(FrameNumber frame) const { return infos_[frame]; }

  base::Array<Slab> slabs_;
  base::Array<Info> infos_;  // by frame number; entry 0 is "none"
  FrameNumber first_free_ = no_frame;
  std::uint64_t free_ = 0;
  std::uint64_t reserve_ = 0;
  std::uint64_t in_use_[3] = {};
  std::uint64_t peak_used_ = 0;
  FrameNumber clock_hand_ = 0;
};

// Holds one reference.
class FrameRef {
 public:
  FrameRef() = default;
  // Takes over a reference that the caller has (from allocate()).
  static FrameRef adopt(FrameStore& store, FrameNumber frame) { return FrameRef(&store, frame); }
  static FrameRef share(FrameStore& store, FrameNumber frame) {
    store.retain(frame);
    return FrameRef(&store, frame);
  }
  FrameRef(FrameRef&& other) noexcept : store_(other.store_), frame_(std::exchange(other.frame_, no_frame)) {}
  FrameRef& operator=(FrameRef&& other) noexcept {
    std::swap(store_, other.store_);
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~FrameRef() {
    if (frame_ != no_frame) store_->release(frame_);
  }
  FrameNumber number() const { return frame_; }
  std::byte* data() const { return store_->data(frame_); }
  std::uint32_t lkey() const { return store_->lkey(frame_); }
  explicit operator bool() const { return frame_ != no_frame; }
  FrameNumber release() { return std::exchange(frame_, no_frame); }  // gives the reference to the caller

 private:
  FrameRef(FrameStore* store, FrameNumber frame) : store_(store), frame_(frame) {}
  FrameStore* store_ = nullptr;
  FrameNumber frame_ = no_frame;
};

}  // namespace memory
