// SPDX-License-Identifier: Apache-2.0
// Which frame holds each page of a space or an object: a tree of leaves of 512 pages. The map owns one reference on
// each frame in it. A page can be marked (the page cache marks dirty pages).
#pragma once

#include <array>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "memory/frames/frame_store.h"

namespace memory {

class PageMap {
 public:
  explicit PageMap(FrameStore& store) : store_(store) {}
  PageMap(const PageMap&) = delete;
  PageMap& operator=(const PageMap&) = delete;
  ~PageMap() { clear(); }

  FrameNumber find(std::uint64_t page) const;  // no_frame if there is none
  // Makes room so that set() of this page cannot fail.
  base::Result<> prepare(std::uint64_t page);
  // Puts the frame there, taking over one reference; what was there is released, its mark kept. The page was prepared.
  void set(std::uint64_t page, FrameNumber frame);
  FrameRef take(std::uint64_t page);  // removes it, mark included

  void mark(std::uint64_t page);  // the page is in the map
  void unmark(std::uint64_t page);
  bool marked(std::uint64_t page) const;

  static constexpr std::uint64_t none = ~std::uint64_t{0};
  std::uint64_t next(std::uint64_t from) const;         // the first page in the map at or after `from`, or none
  std::uint64_t next_marked(std::uint64_t from) const;  // likewise among the marked ones

  void erase_range(std::uint64_t first, std::uint64_t count);
  void clear() { erase_range(0, none); }
  // Shares every page with `child`, which is empty. On an error the child is left empty.
  base::Result<> share_with(PageMap& child) const;
  // Moves the pages of [from, from + count) to `to`; what was at the destination is released. The time taken follows
  // the pages that are there, not `count`, which comes from peers. On an error nothing moved: NoMemory, or
  // InvalidArgument if the ranges overlap (as in mremap(2)). Cannot fail where every place was prepared.
  base::Result<> move_range(std::uint64_t from, std::uint64_t to, std::uint64_t count);

  std::uint64_t pages() const { return pages_; }
  std::uint64_t marks() const { return marks_; }

 private:
  static constexpr unsigned leaf_shift = 9;
  static constexpr unsigned leaf_pages = 1U << leaf_shift;
  struct Leaf : boost::intrusive::set_base_hook<> {
    std::uint64_t key = 0;  // page >> leaf_shift
    std::uint32_t used = 0;
    std::array<std::uint64_t, leaf_pages / 64> marks{};
    std::array<FrameNumber, leaf_pages> frames{};
  };
  struct KeyOfLeaf {
    using type = std::uint64_t;
    const type& operator()(const Leaf& leaf) const { return leaf.key; }
  };
  using Leaves = boost::intrusive::set<Leaf, boost::intrusive::key_of_value<KeyOfLeaf>>;
  static unsigned slot_of(std::uint64_t page) { return static_cast<unsigned>(page % leaf_pages); }
  Leaf* leaf_of(std::uint64_t page);
  const Leaf* leaf_of(std::uint64_t page) const;
  FrameRef take_slot(Leaf& leaf, unsigned slot);
  void drop_leaf(Leaf& leaf);
  template <typename Visit>
  void for_each_leaf(std::uint64_t first, std::uint64_t count, Visit visit);
  void release_range(std::uint64_t first, std::uint64_t count);  // leaves the leaves
  void drop_empty_leaves(std::uint64_t first, std::uint64_t count);

  FrameStore& store_;
  Leaves leaves_;
  std::uint64_t pages_ = 0;
  std::uint64_t marks_ = 0;
};

}  // namespace memory
