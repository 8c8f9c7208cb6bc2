// SPDX-License-Identifier: Apache-2.0
// Which frame holds each page: see page_map.h.
#include "memory/frames/page_map.h"

#include <bit>

namespace memory {

using base::Result;

PageMap::Leaf* PageMap::leaf_of(std::uint64_t page) {
  const auto found = leaves_.find(page >> leaf_shift);
  return found == leaves_.end() ? nullptr : &*found;
}

const PageMap::Leaf* PageMap::leaf_of(std::uint64_t page) const {
  const auto found = leaves_.find(page >> leaf_shift);
  return found == leaves_.end() ? nullptr : &*found;
}

FrameNumber PageMap::find(std::uint64_t page) const {
  const Leaf* leaf = leaf_of(page);
  return leaf == nullptr ? no_frame : leaf->frames[slot_of(page)];
}

Result<> PageMap::prepare(std::uint64_t page) {
  if (leaf_of(page) != nullptr) return {};
  base::Own<Leaf> leaf = TRY(base::try_make<Leaf>());
  leaf->key = page >> leaf_shift;
  leaves_.insert(*leaf.release());
  return {};
}

void PageMap::set(std::uint64_t page, FrameNumber frame) {
  Leaf* leaf = leaf_of(page);
  LEGO_ASSERT(leaf != nullptr && frame != no_frame);
  FrameNumber& place = leaf->frames[slot_of(page)];
  if (place != no_frame) {
    store_.release(place);
  } else {
    ++leaf->used;
    ++pages_;
  }
  place = frame;
}

FrameRef PageMap::take_slot(Leaf& leaf, unsigned slot) {
  const FrameNumber frame = std::exchange(leaf.frames[slot], no_frame);
  if (frame == no_frame) return {};
  const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
  if ((leaf.marks[slot / 64] & bit) != 0) {
    leaf.marks[slot / 64] &= ~bit;
    --marks_;
  }
  --leaf.used;
  --pages_;
  return FrameRef::adopt(store_, frame);
}

void PageMap::drop_leaf(Leaf& leaf) {
  leaves_.erase(leaves_.iterator_to(leaf));
  base::Own<Leaf>(&leaf).reset();
}

FrameRef PageMap::take(std::uint64_t page) {
  Leaf* leaf = leaf_of(page);
  if (leaf == nullptr) return {};
  FrameRef taken = take_slot(*leaf, slot_of(page));
  if (leaf->used == 0) drop_leaf(*leaf);
  return taken;
}

void PageMap::mark(std::uint64_t page) {
  Leaf* leaf = leaf_of(page);
  LEGO_ASSERT(leaf != nullptr && leaf->frames[slot_of(page)] != no_frame);
  if (marked(page)) return;
  leaf->marks[slot_of(page) / 64] |= std::uint64_t{1} << (slot_of(page) % 64);
  ++marks_;
}

void PageMap::unmark(std::uint64_t page) {
  if (!marked(page)) return;
  leaf_of(page)->marks[slot_of(page) / 64] &= ~(std::uint64_t{1} << (slot_of(page) % 64));
  --marks_;
}

bool PageMap::marked(std::uint64_t page) const {
  const Leaf* leaf = leaf_of(page);
  return leaf != nullptr && ((leaf->marks[slot_of(page) / 64] >> (slot_of(page) % 64)) & 1) != 0;
}

std::uint64_t PageMap::next(std::uint64_t from) const {
  for (auto leaf = leaves_.lower_bound(from >> leaf_shift); leaf != leaves_.end(); ++leaf) {
    const std::uint64_t first = leaf->key << leaf_shift;
    for (unsigned slot = first >= from ? 0 : slot_of(from); slot < leaf_pages; ++slot)
      if (leaf->frames[slot] != no_frame) return first + slot;
  }
  return none;
}

std::uint64_t PageMap::next_marked(std::uint64_t from) const {
  for (auto leaf = leaves_.lower_bound(from >> leaf_shift); leaf != leaves_.end(); ++leaf) {
    const std::uint64_t first = leaf->key << leaf_shift;
    const unsigned start = first >= from ? 0 : slot_of(from);
    for (unsigned word = start / 64; word < leaf->marks.size(); ++word) {
      std::uint64_t bits = leaf->marks[word];
      if (word == start / 64) bits &= ~std::uint64_t{0} << (start % 64);
      if (bits != 0) return first + word * 64 + static_cast<unsigned>(std::countr_zero(bits));
    }
  }
  return none;
}

template <typename Visit>  // void(Leaf&, unsigned from, unsigned to): may drop the leaf
void PageMap::for_each_leaf(std::uint64_t first, std::uint64_t count, Visit visit) {
  const std::uint64_t end = count > none - first ? none : first + count;
  for (auto leaf = leaves_.lower_bound(first >> leaf_shift); leaf != leaves_.end();) {
    const std::uint64_t leaf_first = leaf->key << leaf_shift;
    if (leaf_first >= end) return;
    Leaf& current = *leaf++;
    const unsigned from = leaf_first >= first ? 0 : slot_of(first);
    const unsigned to = end - leaf_first >= leaf_pages ? leaf_pages : static_cast<unsigned>(end - leaf_first);
    visit(current, from, to);
  }
}

void PageMap::release_range(std::uint64_t first, std::uint64_t count) {
  for_each_leaf(first, count, [this](Leaf& leaf, unsigned from, unsigned to) {
    for (unsigned slot = from; slot < to; ++slot) take_slot(leaf, slot);
  });
}

void PageMap::drop_empty_leaves(std::uint64_t first, std::uint64_t count) {
  for_each_leaf(first, count, [this](Leaf& leaf, unsigned, unsigned) {
    if (leaf.used == 0) drop_leaf(leaf);
  });
}

void PageMap::erase_range(std::uint64_t first, std::uint64_t count) {
  release_range(first, count);
  drop_empty_leaves(first, count);
}

Result<> PageMap::share_with(PageMap& child) const {
  LEGO_ASSERT(child.pages_ == 0);
  for (const Leaf& leaf : leaves_) {
    if (auto prepared = child.prepare(leaf.key << leaf_shift); !prepared) {
      child.clear();
      return prepared;
    }
    for (unsigned slot = 0; slot < leaf_pages; ++slot) {
      if (leaf.frames[slot] == no_frame) continue;
      store_.retain(leaf.frames[slot]);
      child.set((leaf.key << leaf_shift) + slot, leaf.frames[slot]);
    }
  }
  return {};
}

Result<> PageMap::move_range(std::uint64_t from, std::uint64_t to, std::uint64_t count) {
  if (from < to ? to - from < count : from - to < count) return base::fail(base::Error::InvalidArgument);
  const auto next_held = [&](std::uint64_t page) {
    const std::uint64_t held = next(page);
    return held != none && held - from < count ? held : none;
  };
  for (std::uint64_t page = next_held(from); page != none; page = next_held(page + 1)) {
    if (auto prepared = prepare(to + (page - from)); !prepared) {
      drop_empty_leaves(to, count);
      return prepared;
    }
  }
  release_range(to, count);
  for (std::uint64_t page = next_held(from); page != none; page = next_held(page + 1)) {
    const bool was_marked = marked(page);
    set(to + (page - from), take_slot(*leaf_of(page), slot_of(page)).release());
    if (was_marked) mark(to + (page - from));
  }
  drop_empty_leaves(from, count);
  drop_empty_leaves(to, count);
  return {};
}

}  // namespace memory
