// SPDX-License-Identifier: Apache-2.0
// Threads of the property test: reading, writing and flushing a file, cutting it off and making holes in it. See
// world.h.
#include <algorithm>
#include <cstring>

#include "processor/excache/world_thread.h"

namespace excache {

void World::Thread::use_file() {
  SharedObject& file = *world_.objects_[random().below(2) == 0 ? 1 : 2];
  const bool write = !file.constant && random().below(2) == 0;
  if (write) {
    while (file.writing) world_.scheduler_.yield();
    file.writing = true;
  }
  const std::uint64_t bytes = cache().object_bytes(file.object);
  const std::uint64_t pages = (bytes + base::page_bytes - 1) / base::page_bytes;
  if (write && random().below(6) == 0) {
    flush(file);
  } else if (write) {
    write_page(file, random().below(std::min(pages + 2, object_pages)));
  } else if (pages > 0) {
    read_page(file, random().below(pages));
  }
  if (write) file.writing = false;
}

std::optional<PinOutcome> World::Thread::pin(SharedObject& file, std::uint64_t page, PageUse use) {
  for (;;) {
    const PinOutcome outcome = cache().pin_page(file.object, page, use, file_history_, waiter_);
    if (outcome.fault.kind == FaultKind::Resolved) return outcome;
    require(outcome.fault.kind == FaultKind::Wait, "a page of a file was lost");
    waiter_.sleep();
  }
}

void World::Thread::write_page(SharedObject& file, std::uint64_t page) {
  const bool whole = random().below(2) == 0;
  const auto pinned = pin(file, page, whole ? PageUse::Overwrite : PageUse::Write);
  pause();
  const std::size_t word = random().below(word_offsets.size());
  const std::uint64_t value = world_.next_value_++;
  ModelPage& model = file.pages[page];
  if (whole) {
    std::memset(pinned->bytes, 0, base::page_bytes);
    for (ModelWord& other : model) other.possible = {0};
  }
  std::memcpy(pinned->bytes + word_offsets[word], &value, sizeof(value));
  model[word].possible = {value};
  pause();
  cache().unpin_page(*pinned->line, whole ? PageUse::Overwrite : PageUse::Write, (page + 1) * base::page_bytes);
}

void World::Thread::read_page(SharedObject& file, std::uint64_t page) {
  const auto pinned = pin(file, page, PageUse::Read);
  if (page * base::page_bytes < cache().object_bytes(file.object)) {
    const vma::Vma shared{.flags = vma::Flags::Shared};
    check_word(file.pages[page], random().below(word_offsets.size()), pinned->bytes, 0, shared);
  }
  pause();
  cache().unpin_page(*pinned->line, PageUse::Read);
}

void World::Thread::flush(SharedObject& file) {
  std::uint64_t upto = ~std::uint64_t{0};
  while (cache().flush(file.object, upto, waiter_) == Progress::Wait) waiter_.sleep();
}

// Cuts the file off, or makes a hole in it.
void World::Thread::remove_pages() {
  SharedObject& file = *world_.objects_[1];
  if (file.writing) return;
  file.writing = true;
  const bool cuts = random().below(2) == 0;
  const std::uint64_t first = random().below(object_pages + 1);
  const std::uint64_t end = cuts ? ExCache::no_end : first + random().below(object_pages);
  cache().freeze_object(file.object, first, end);
  while (cache().quiesce_object(file.object, waiter_) == Progress::Wait) waiter_.sleep();
  pause();
  if (!refused()) {
    world_.homes_[0]->forget(file.object.id.value(), first, end - first);
    pause();
    cache().drop_pages(file.object, first, end);
    if (cuts) cache().resize_object(file.object, first * base::page_bytes);
    file.pages.erase(file.pages.lower_bound(first), file.pages.lower_bound(end));
  }
  cache().thaw_object(file.object);
  file.writing = false;
}

}  // namespace excache
