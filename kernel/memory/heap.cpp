// SPDX-License-Identifier: Apache-2.0
// The object heap: see heap.h.
#include "kernel/memory/heap.h"

#include <new>

#include "kernel/base/assert.h"
#include "kernel/base/types.h"

namespace kernel {

std::size_t Heap::class_of(std::size_t bytes) {
  std::size_t index = 0;
  while (class_bytes[index] < bytes) ++index;
  return index;
}

Heap::Slab& Heap::slab_of(void* memory) {
  auto& slab = *reinterpret_cast<Slab*>(base::round_down(reinterpret_cast<std::uintptr_t>(memory), base::page_bytes));
  LEGO_ASSERT(slab.magic == slab_magic);
  return slab;
}

void* Heap::fetch(std::uint64_t pages) {
  void* memory = source_.allocate_pages(pages);
  if (memory != nullptr) pages_.fetch_add(pages, std::memory_order_relaxed);
  return memory;
}

void Heap::give_back(Slab& slab, std::uint64_t pages) {
  slab.magic = 0;
  pages_.fetch_sub(pages, std::memory_order_relaxed);
  source_.free_pages(&slab, pages);
}

Heap::Slab* Heap::make_slab(std::size_t index) {
  void* page = fetch(1);
  if (page == nullptr) return nullptr;
  auto* slab = ::new (page) Slab;
  slab->magic = slab_magic;
  slab->pages = 1;
  slab->size_class = static_cast<std::uint16_t>(index);
  slab->used = 0;
  slab->free_block = nullptr;
  const std::size_t bytes = class_bytes[index];
  auto* first = static_cast<std::byte*>(page) + sizeof(Slab);
  for (std::size_t count = (base::page_bytes - sizeof(Slab)) / bytes; count > 0; --count) {
    auto* block = first + (count - 1) * bytes;
    *reinterpret_cast<void**>(block) = slab->free_block;
    slab->free_block = block;
  }
  return slab;
}

void* Heap::take_block(SizeClass& size_class, Slab& slab) {
  void* block = slab.free_block;
  slab.free_block = *static_cast<void**>(block);
  if (slab.used++ == 0) --size_class.empty_slabs;
  if (slab.free_block == nullptr) size_class.with_room.erase(size_class.with_room.iterator_to(slab));
  return block;
}

void* Heap::allocate(std::size_t bytes) {
  if (bytes > class_bytes.back()) return allocate_large(bytes);
  const std::size_t index = class_of(bytes);
  SizeClass& size_class = classes_[index];
  {
    const base::SpinGuard guard(size_class.lock);
    if (!size_class.with_room.empty()) return take_block(size_class, size_class.with_room.front());
  }
  Slab* slab = make_slab(index);
  if (slab == nullptr) return nullptr;
  const base::SpinGuard guard(size_class.lock);
  size_class.with_room.push_front(*slab);
  ++size_class.empty_slabs;
  return take_block(size_class, *slab);
}

void* Heap::allocate_large(std::size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  const std::uint64_t pages = base::round_up(bytes + sizeof(Slab), base::page_bytes) / base::page_bytes;
  void* memory = fetch(pages);
  if (memory == nullptr) return nullptr;
  auto* slab = ::new (memory) Slab;
  slab->magic = slab_magic;
  slab->pages = pages;
  slab->size_class = large_class;
  slab->used = 1;
  slab->free_block = nullptr;
  return slab + 1;
}

void Heap::deallocate(void* memory) {
  if (memory == nullptr) return;
  Slab& slab = slab_of(memory);
  if (slab.size_class == large_class) {
    LEGO_ASSERT(memory == &slab + 1);
    give_back(slab, slab.pages);
    return;
  }
  SizeClass& size_class = classes_[slab.size_class];
  const std::uint64_t state = size_class.lock.lock();
  LEGO_ASSERT(slab.used > 0);
  const bool was_full = slab.free_block == nullptr;
  *static_cast<void**>(memory) = slab.free_block;
  slab.free_block = memory;
  if (was_full) size_class.with_room.push_front(slab);
  bool surplus = false;
  if (--slab.used == 0) {
    surplus = size_class.empty_slabs > 0;
    if (surplus)
      size_class.with_room.erase(size_class.with_room.iterator_to(slab));
    else
      ++size_class.empty_slabs;
  }
  size_class.lock.unlock(state);
  if (surplus) give_back(slab, 1);
}

}  // namespace kernel
