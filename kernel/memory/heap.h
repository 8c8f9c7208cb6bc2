// SPDX-License-Identifier: Apache-2.0
// Memory for objects, behind base::platform::allocate() (operator new of the project): slabs of one page per size class
// up to 2016 bytes, contiguous pages above. Every block is aligned to 16 bytes. Usable from interrupts. A lock of rank
// Frames per size class; it is not held while pages are fetched or returned.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>

#include "kernel/base/spinlock.h"

namespace kernel {

// Where the heap gets its pages: page-aligned runs, nullptr when there are none.
class PageSource {
 public:
  virtual void* allocate_pages(std::uint64_t count) = 0;
  virtual void free_pages(void* first, std::uint64_t count) = 0;

 protected:
  ~PageSource() = default;
};

class Heap {
 public:
  explicit Heap(PageSource& source) : source_(source) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  void* allocate(std::size_t bytes);  // nullptr when there is no memory
  void deallocate(void* memory);      // nullptr does nothing
  // Pages fetched from the source and not returned.
  std::uint64_t pages() const { return pages_.load(std::memory_order_relaxed); }  // a counter: pairs with nothing

 private:
  // At the start of each slab, and of each large block.
  struct alignas(16) Slab
      : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
    std::uint64_t magic;
    std::uint64_t pages;       // of a large block; 1 for a slab
    std::uint16_t size_class;  // large_class for a large block
    std::uint16_t used;        // blocks handed out
    void* free_block;          // a list through the blocks' first words
  };
  static_assert(sizeof(Slab) == 48);
  struct SizeClass {
    base::SpinLock lock{base::LockRank::Frames};  // guards the list, its slabs and their blocks
    boost::intrusive::list<Slab, boost::intrusive::constant_time_size<false>> with_room;
    std::uint64_t empty_slabs = 0;  // of those with room: kept, up to one, against coming and going
  };
  // 4048 bytes of blocks per slab; multiples of 16 chosen so that little is left over.
  static constexpr std::array<std::uint16_t, 14> class_bytes{16,  32,  48,  64,  96,   128,  192,
                                                             256, 320, 448, 576, 1008, 1344, 2016};
  static constexpr std::uint16_t large_class = 0xffff;
  static constexpr std::uint64_t slab_magic = 0x6c65676f'736c6162;

  static std::size_t class_of(std::size_t bytes);
  static Slab& slab_of(void* memory);
  Slab* make_slab(std::size_t index);
  static void* take_block(SizeClass& size_class, Slab& slab);
  void* allocate_large(std::size_t bytes);
  void* fetch(std::uint64_t pages);
  void give_back(Slab& slab, std::uint64_t pages);

  PageSource& source_;
  std::array<SizeClass, class_bytes.size()> classes_;
  std::atomic<std::uint64_t> pages_{0};
};

// The component's own, over frames().
Heap& heap();

}  // namespace kernel
