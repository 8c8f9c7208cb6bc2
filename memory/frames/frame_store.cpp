// SPDX-License-Identifier: Apache-2.0
// The frames of an mComponent: see frame_store.h.
#include "memory/frames/frame_store.h"

#include <algorithm>

#include "kernel/base/types.h"

namespace memory {

using base::Error;

base::Result<> FrameStore::add_slab(std::byte* memory, std::uint32_t frames, std::uint32_t lkey) {
  if (infos_.empty()) TRY(infos_.push_back(Info{}));
  const auto first = static_cast<FrameNumber>(infos_.size());
  TRY(slabs_.push_back(Slab{memory, first, frames, lkey}));
  TRY(infos_.resize(infos_.size() + frames));
  // Free frames are handed out from the lowest address up.
  for (std::uint32_t i = frames; i > 0; --i) {
    info(first + i - 1).next_free = first_free_;
    first_free_ = first + i - 1;
  }
  free_ += frames;
  return {};
}

base::Result<FrameNumber> FrameStore::allocate(FrameUse use, Claim claim) {
  LEGO_ASSERT(use != FrameUse::Free);
  if (first_free_ == no_frame || (claim == Claim::Ordinary && free_ <= reserve_)) return base::fail(Error::NoMemory);
  const FrameNumber frame = first_free_;
  Info& taken = info(frame);
  first_free_ = taken.next_free;
  taken = Info{.references = 1, .use = use, .recently_used = true};
  --free_;
  ++in_use_[static_cast<unsigned>(use)];
  peak_used_ = std::max(peak_used_, total() - free_);
  return frame;
}

void FrameStore::retain(FrameNumber frame) {
  LEGO_ASSERT(info(frame).references > 0);
  ++info(frame).references;
}

void FrameStore::release(FrameNumber frame) {
  Info& released = info(frame);
  LEGO_ASSERT(released.references > 0);
  if (--released.references > 0) return;
  --in_use_[static_cast<unsigned>(released.use)];
  released.use = FrameUse::Free;
  released.next_free = first_free_;
  first_free_ = frame;
  ++free_;
}

const FrameStore::Slab& FrameStore::slab_of(FrameNumber frame) const {
  const auto after = std::upper_bound(slabs_.begin(), slabs_.end(), frame,
                                      [](FrameNumber wanted, const Slab& slab) { return wanted < slab.first; });
  LEGO_ASSERT(frame != no_frame && after != slabs_.begin());
  return *(after - 1);
}

std::byte* FrameStore::data(FrameNumber frame) const {
  const Slab& slab = slab_of(frame);
  return slab.memory + std::size_t{frame - slab.first} * base::page_bytes;
}

std::uint32_t FrameStore::lkey(FrameNumber frame) const { return slab_of(frame).lkey; }

FrameNumber FrameStore::next_cache_victim() {
  const auto count = static_cast<FrameNumber>(infos_.size());
  for (std::uint64_t step = 0; step < 2 * std::uint64_t{count}; ++step) {
    clock_hand_ = clock_hand_ + 1 < count ? clock_hand_ + 1 : 1;
    if (clock_hand_ >= count) return no_frame;
    Info& candidate = info(clock_hand_);
    if (candidate.use != FrameUse::PageCache || candidate.references != 1) continue;
    if (std::exchange(candidate.recently_used, false)) continue;
    return clock_hand_;
  }
  return no_frame;
}

}  // namespace memory
