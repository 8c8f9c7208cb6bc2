// SPDX-License-Identifier: Apache-2.0
// Threads of the property test: fork and exit. See world.h.
#include <algorithm>
#include <cstring>

#include "processor/excache/world_thread.h"

namespace excache {

void World::Thread::fork() {
  if (world_.processes_started_ >= world_.options_.processes + 6) return;
  begin_operation();
  auto child = std::make_shared<Process>(world_, world_.next_id_++);
  const std::map<std::uint64_t, ModelPage> before = process_->pages;
  process_->forking = true;
  const vma::Range everything{base::UserVa(0), base::UserVa(std::uint64_t{1} << 47)};
  cache().freeze(space(), everything);
  quiesce(everything, Unmapping::Keep);
  pause();
  for (auto& home : world_.homes_) {
    home->fork(space().id.value(), child->space.id.value());
    pause();
  }
  bool done = child->space.vmas.copy_from(space().vmas) && cache().copy_owners(space(), child->space) &&
              cache().fork(space(), child->space);
  process_->forking = false;
  child->pages = process_->pages;
  for (const Process::Store& store : process_->stores) {
    auto& possible = child->pages[store.page][store.word].possible;
    auto old = before.find(store.page);
    if (old != before.end()) {
      const auto& values = old->second[store.word].possible;
      possible.insert(possible.end(), values.begin(), values.end());
    } else {
      const auto vma = vma_at(store.page);
      possible.push_back(vma ? base_value(*vma, store.page, store.word) : 0);
    }
    possible.push_back(store.value);
  }
  process_->stores.clear();
  cache().thaw(space());
  end_operation();
  if (!done) {
    require(world_.options_.failures, "fork ran out of memory");
    give_up(*child);
    while (cache().provide_tags(cache().mapped_pages(space()).now, waiter_) == Progress::Wait) waiter_.sleep();
    return;
  }
  ++world_.processes_started_;
  world_.processes_.push_back(child);
  start(world_, child);
}

void World::Thread::give_up(Process& process) {
  const vma::Range everything{base::UserVa(0), base::UserVa(std::uint64_t{1} << 47)};
  cache().freeze(process.space, everything);
  Quiesce state{.range = everything, .unmapping = Unmapping::Unmap};
  while (cache().quiesce(process.space, state, waiter_) == Progress::Wait) waiter_.sleep();
  pause();
  for (auto& home : world_.homes_) home->forget(process.space.id.value(), 0, ~std::uint64_t{0});
  cache().discard(process.space, everything);
  while (cache().retire(process.space, waiter_) == Progress::Wait) waiter_.sleep();
  require(process.table.empty(), "a page table is not empty at the end");
  cache().thaw(process.space);
}

void World::Thread::leave() {
  begin_operation();
  give_up(*process_);
  std::erase(world_.processes_, process_);
  end_operation();
}

void World::Thread::start_thread() {
  if (process_->threads >= 3) return;
  start(world_, process_);
}

}  // namespace excache
