// SPDX-License-Identifier: Apache-2.0
// See world.h. Only the test links this.
#include "processor/excache/world.h"

#include <cstring>

#include "processor/excache/world_thread.h"

namespace excache {

Configuration World::configuration(const WorldOptions& options) {
  Configuration result = Configuration::for_lines(options.lines);
  result.prefetch = options.prefetch;
  result.ageing_period_ns = options.ageing_period_ns;
  result.initial_tags = 2 * options.lines + 8;
  result.max_tags = 4 * options.lines + 256;
  result.tags_per_block = 16;
  return result;
}

World::World(std::uint64_t seed, const WorldOptions& options)
    : options_(options), scheduler_(seed), random_(scheduler_.random), lines_(scheduler_, options.lines) {
  testing_support::current_seed = seed;
  auto cache = ExCache::create(configuration(options), lines_, scheduler_);
  require(cache.has_value(), "no ExCache");
  cache_ = std::move(*cache);
  for (auto& home : homes_) {
    home = std::make_unique<FakeHome>(scheduler_);
    home->cache = cache_.get();
    home->failures_per_million = options.failures ? 100'000 : 0;
  }
  for (const ObjectKind kind : {ObjectKind::Anonymous, ObjectKind::File, ObjectKind::File}) {
    objects_.push_back(
        std::make_unique<SharedObject>(base::ObjectId(next_id_++), kind, *homes_[0], object_pages * base::page_bytes));
    cache_->add_object(objects_.back()->object);
    if (kind == ObjectKind::File) homes_[0]->files.insert(objects_.back()->object.id.value());
  }
  SharedObject& constant = *objects_[2];
  constant.constant = true;
  for (std::uint64_t page = 0; page + 1 < object_pages; ++page) {  // the last one is a hole
    FakeHome::Page bytes{};
    for (std::size_t word = 0; word < word_offsets.size(); ++word) {
      const std::uint64_t value = next_value_++;
      std::memcpy(bytes.data() + word_offsets[word], &value, sizeof(value));
      constant.pages[page][word].possible = {value};
    }
    homes_[0]->put({constant.object.id.value(), page}, bytes);
  }
  scheduler_.set_background([this] {
    FakeHome& first = *homes_[random_.below(2)];
    return first.step() || homes_[0]->step() || homes_[1]->step();
  });
}

World::~World() = default;

void World::start_process() {
  auto process = std::make_shared<Process>(*this, next_id_++);
  require(cache_->set_owner(process->space, 0, *homes_[0]).has_value(), "no owner");
  require(cache_->set_owner(process->space, 1, *homes_[1]).has_value(), "no owner");
  process->table.prepare_failures_per_million = options_.failures ? 3000 : 0;
  for (std::uint64_t start : area_start) {
    const vma::Vma vma{.range = vma::Range::of(address_of(start), area_pages * base::page_bytes),
                       .protection = vma::Protection::Read | vma::Protection::Write};
    require(process->space.vmas.map(vma).has_value(), "no VMA");
  }
  ++processes_started_;
  processes_.push_back(process);
  Thread::start(*this, process);
}

void World::evictor() {
  FiberWaiter waiter(scheduler_);
  evictor_waiter_ = &waiter;
  constexpr unsigned most_vain_looks = 10'000;
  unsigned vain_looks = 0;
  while (!stopping_) {
    if (random_.below(8) == 0) {
      if (const char* wrong = cache_->audit()) require(false, wrong);
    }
    const ExCache::EvictResult result = cache_->evict(false);
    if (result.progress) {
      vain_looks = 0;
      scheduler_.yield();
    } else if (cache_->wait_for_work(result.events, waiter) == Progress::Wait && !waiter.sleep(result.retry_at_ns)) {
      cache_->cancel_wait(waiter);
      require(++vain_looks < most_vain_looks, "everybody waits for ever, but for the evictor");
    }
  }
  evictor_waiter_ = nullptr;
}

void World::run() {
  scheduler_.spawn([this] { evictor(); });
  for (unsigned i = 0; i < options_.processes; ++i) start_process();
  scheduler_.spawn([this] {
    while (!processes_.empty()) scheduler_.sleep_ns(50'000);
    finish();
  });
  require(scheduler_.run(), "everybody waits for ever");
}

// Nothing is lost: files are written back, and all lines and tags come free.
void World::finish() {
  FiberWaiter waiter(scheduler_);
  for (auto& object : objects_) {
    std::uint64_t upto = ~std::uint64_t{0};
    if (object->object.kind == ObjectKind::File)
      while (cache_->flush(object->object, upto, waiter) == Progress::Wait) waiter.sleep();
    cache_->freeze_object(object->object, 0);
    while (cache_->quiesce_object(object->object, waiter) == Progress::Wait) waiter.sleep();
    cache_->drop_pages(object->object, 0);
    cache_->thaw_object(object->object);
    if (object->object.kind == ObjectKind::Anonymous) homes_[0]->forget(object->object.id.value(), 0, ~0ULL);
  }
  SharedObject& file = *objects_[1];
  for (const auto& [page, model] : file.pages) {
    if (page * base::page_bytes >= cache_->object_bytes(file.object)) continue;
    const FakeHome::Page bytes = homes_[0]->page({file.object.id.value(), page});
    for (std::size_t word = 0; word < word_offsets.size(); ++word) {
      std::uint64_t value = 0;
      std::memcpy(&value, bytes.data() + word_offsets[word], sizeof(value));
      const auto& possible = model[word].possible;
      require(std::find(possible.begin(), possible.end(), value) != possible.end(), "a file's home has other bytes");
    }
  }
  require(cache_->dirty_file_lines() == 0, "dirty lines are left");
  if (const char* wrong = cache_->audit()) require(false, wrong);
  require(cache_->free_lines() == options_.lines, "lines are lost");
  for (auto& object : objects_) cache_->remove_object(object->object);
  for (auto& home : homes_) require(home->only_files_left(), "a home has pages of a space that is gone");
  stopping_ = true;
  if (evictor_waiter_ != nullptr) evictor_waiter_->wake();
}

}  // namespace excache
