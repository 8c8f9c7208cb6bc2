// SPDX-License-Identifier: Apache-2.0
// Threads of the property test: operations on ranges, in the order that an address space keeps. See world.h.
#include <algorithm>
#include <cstring>

#include "processor/excache/world_thread.h"

namespace excache {

void World::Thread::begin_operation() {
  while (process_->operating) world_.scheduler_.yield();
  process_->operating = true;
}

void World::Thread::end_operation() { process_->operating = false; }

void World::Thread::pause() {
  while (random().below(3) != 0) world_.scheduler_.yield();
}

bool World::Thread::refused() { return world_.options_.failures && random().below(8) == 0; }

void World::Thread::quiesce(vma::Range range, Unmapping unmapping) {
  Quiesce state{.range = range, .unmapping = unmapping};
  state.position = range.start;
  while (cache().quiesce(space(), state, waiter_) == Progress::Wait) waiter_.sleep();
}

void World::Thread::forget_model(vma::Range range) {
  process_->pages.erase(process_->pages.lower_bound(range.start.value() >> base::page_shift),
                        process_->pages.lower_bound(range.end.value() >> base::page_shift));
  for (const Process::Store& store : process_->stores) {
    const auto vma = vma_at(store.page);
    if (!vma || !range.contains(address_of(store.page))) continue;
    ModelPage& page = model_of(*vma, store.page, Access::Write);
    page[store.word].possible.push_back(store.value);
  }
  process_->stores.clear();
}

void World::Thread::tell_homes_forget(vma::Range range) {
  world_.home_of(range.start).forget(space().id.value(), range.start.value() >> base::page_shift, range.pages());
}

void World::Thread::replace(vma::Range range, const std::function<void()>& change_vmas) {
  process_->changing = range;
  cache().freeze(space(), range);
  quiesce(range, Unmapping::Unmap);
  pause();
  if (refused()) {
    keep_raced_stores();
  } else {
    tell_homes_forget(range);
    pause();
    {
      const base::SpinGuard guard(space().lock);
      change_vmas();
    }
    cache().discard(space(), range);
    process_->stores.clear();
    forget_model(range);
  }
  process_->changing.reset();
  cache().thaw(space());
}

void World::Thread::keep_raced_stores() {
  for (const Process::Store& store : process_->stores)
    if (auto page = process_->pages.find(store.page); page != process_->pages.end())
      page->second[store.word].possible = {store.value};
  process_->stores.clear();
}

void World::Thread::map() {
  begin_operation();
  const vma::Range range = some_range();
  vma::Vma vma{.range = range};
  constexpr vma::Protection choices[] = {vma::Protection::Read | vma::Protection::Write,
                                         vma::Protection::Read | vma::Protection::Write, vma::Protection::Read,
                                         vma::Protection::Read | vma::Protection::Execute, vma::Protection::All};
  vma.protection = choices[random().below(5)];
  if (random().below(2) == 0) {
    const std::uint64_t chosen = random().below(world_.objects_.size());
    vma.object = world_.objects_[chosen]->object.id;
    vma.object_offset = random().below(3) * base::page_bytes;
    // Private mappings of what changes meanwhile have no one right content.
    if (!world_.objects_[chosen]->constant) {
      vma.flags = vma::Flags::Shared;
    } else if (random().below(2) == 0) {
      vma.flags = vma::Flags::Shared;
      vma.protection = vma::Protection::Read;
    }
  }
  if (vma.shared() && world_.objects_[2]->object.id == vma.object) vma.flags = vma.flags | vma::Flags::NoWrite;
  replace(range, [&] { require(space().vmas.map(vma).has_value(), "map failed"); });
  end_operation();
}

void World::Thread::unmap() {
  begin_operation();
  const vma::Range range = some_range();
  replace(range, [&] { require(space().vmas.unmap(range).has_value(), "unmap failed"); });
  end_operation();
}

void World::Thread::discard() {
  begin_operation();
  const vma::Range range = some_range();
  process_->changing = range;
  cache().freeze(space(), range);
  quiesce(range, Unmapping::Unmap);
  pause();
  tell_homes_forget(range);
  pause();
  cache().discard(space(), range);
  forget_model(range);
  process_->changing.reset();
  cache().thaw(space());
  end_operation();
}

void World::Thread::remap() {
  begin_operation();
  const std::uint64_t area = area_start[random().below(2)];
  const std::uint64_t count = 1 + random().below(4);
  const std::uint64_t from = area + random().below(area_pages - count);
  const std::uint64_t to = area + random().below(area_pages - count);
  const vma::Range old_range = vma::Range::of(address_of(from), count * base::page_bytes);
  const vma::Range new_range = vma::Range::of(address_of(to), count * base::page_bytes);
  const vma::RemapMode mode{.may_move = true, .fixed = true};
  if (space().vmas.place_remap(old_range, new_range.start, new_range.bytes(), mode)) move(old_range, new_range, mode);
  end_operation();
}

void World::Thread::move(vma::Range old_range, vma::Range new_range, vma::RemapMode mode) {
  const auto lowest = std::min(old_range.start, new_range.start);
  process_->changing = vma::Range{lowest, std::max(old_range.end, new_range.end)};
  process_->off_limits = true;
  cache().freeze(space(), old_range);
  cache().freeze(space(), new_range);
  quiesce(old_range, Unmapping::Unmap);
  quiesce(new_range, Unmapping::Unmap);
  const bool prepared = cache().prepare_move(space(), old_range, new_range.start).has_value();
  pause();
  if (prepared && !refused()) {
    tell_homes_forget(new_range);
    world_.home_of(old_range.start)
        .move(space().id.value(), old_range.start.value() >> base::page_shift,
              new_range.start.value() >> base::page_shift, old_range.pages());
    pause();
    {
      const base::SpinGuard guard(space().lock);
      require(space().vmas.remap(old_range, new_range.start, new_range.bytes(), mode).has_value(), "remap failed");
    }
    cache().discard(space(), new_range);
    cache().move(space(), old_range, new_range.start);
    move_model(old_range, new_range);
  }
  process_->stores.clear();
  process_->changing.reset();
  process_->off_limits = false;
  cache().thaw(space());
}

void World::Thread::move_model(vma::Range old_range, vma::Range new_range) {
  const std::uint64_t from = old_range.start.value() >> base::page_shift;
  const std::uint64_t to = new_range.start.value() >> base::page_shift;
  for (std::uint64_t i = 0; i < old_range.pages(); ++i) process_->pages.erase(to + i);
  for (std::uint64_t i = 0; i < old_range.pages(); ++i) {
    auto node = process_->pages.extract(from + i);
    if (node.empty()) continue;
    node.key() = to + i;
    process_->pages.insert(std::move(node));
  }
}

void World::Thread::protect() {
  begin_operation();
  const vma::Range range = some_range();
  const auto protection = static_cast<vma::Protection>(random().below(8));
  process_->changing = range;
  pause();
  bool changed = false;
  {
    const base::SpinGuard guard(space().lock);
    changed = space().vmas.protect(range, protection).has_value();
  }
  if (changed) cache().apply_protection(space(), range);
  keep_raced_stores();
  process_->changing.reset();
  end_operation();
}

}  // namespace excache
