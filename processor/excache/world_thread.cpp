// SPDX-License-Identifier: Apache-2.0
// Threads of the property test: what they do next, loads and stores, and what they may see. See world.h.
#include "processor/excache/world_thread.h"

#include <algorithm>
#include <cstring>

namespace excache {

void World::Thread::run() {
  for (unsigned step = 0; step < world_.options_.steps; ++step) {
    one_step();
    if (world_.random_.below(4) == 0) world_.scheduler_.yield();
  }
  world_.cache_->forget(context_);
  if (--process_->threads == 0) leave();
}

void World::Thread::one_step() {
  const std::uint64_t choice = random().below(100);
  if (choice < 62) return instruction();
  if (choice < 68) return map();
  if (choice < 72) return unmap();
  if (choice < 78) return discard();
  if (choice < 82) return remap();
  if (choice < 86) return protect();
  if (choice < 89) return fork();
  if (choice < 95) return use_file();
  if (choice < 97) return remove_pages();
  start_thread();
}

std::uint64_t World::Thread::some_page() {
  const std::uint64_t start = area_start[random().below(2)];
  return start + random().below(area_pages);
}

vma::Range World::Thread::some_range() {
  const std::uint64_t area = random().below(2);
  const std::uint64_t first = random().below(area_pages);
  const std::uint64_t count = 1 + random().below(area_pages - first);
  return vma::Range::of(address_of(area_start[area] + first), count * base::page_bytes);
}

std::optional<vma::Vma> World::Thread::vma_at(std::uint64_t page) {
  const vma::Vma* vma = space().vmas.find(address_of(page));
  return vma == nullptr ? std::nullopt : std::optional(*vma);
}

World::SharedObject* World::Thread::object_of(const vma::Vma& vma) {
  for (auto& object : world_.objects_)
    if (object->object.id == vma.object) return object.get();
  return nullptr;
}

bool World::Thread::in_change(std::uint64_t page) const {
  return process_->changing && process_->changing->contains(address_of(page));
}

void World::Thread::instruction() {
  std::vector<Touch> touches;
  const bool from_kernel = random().below(4) == 0;
  // The kernel copies page by page; an instruction may need many at once.
  const std::uint64_t count = from_kernel ? 1 : 1 + random().below(world_.options_.most_pages);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t page = i > 0 && random().below(2) == 0 ? touches.back().page + 1 : some_page();
    const auto access = random().below(10);
    touches.push_back({page, access < 4 ? Access::Write : access < 9 ? Access::Read : Access::Execute});
  }
  const std::uint64_t address = 0x400000 + random().below(1 << 20);
  std::vector<std::uint32_t> lines;
  const int patience = random().below(20) == 0 ? 1 : 1 << 20;  // some are killed while they wait
  for (int waits = 0;;) {
    for (const Touch& touch : touches)
      if (in_change(touch.page) && process_->off_limits) return;
    const std::optional<Touch> fault = core_.translate(touches, lines);
    if (!fault) break;
    const FaultOutcome outcome = cache().handle_fault(
        space(), {address_of(fault->page) + random().below(4096), fault->access, from_kernel, address}, context_,
        waiter_);
    if (outcome.kind == FaultKind::Resolved) {
      if (random().below(2) == 0) world_.scheduler_.yield();
      continue;
    }
    if (outcome.kind == FaultKind::Wait) {
      const bool impatient = ++waits >= patience;
      if (waiter_.sleep(impatient ? world_.scheduler_.now_ns() + 1 : base::never_ns)) continue;
      cache().cancel_wait(waiter_);
      cache().abandon_fault(context_);
      return;
    }
    return check_refusal(*fault, outcome);
  }
  for (std::size_t i = 0; i < touches.size(); ++i) use(touches[i], lines[i]);
}

void World::Thread::check_refusal(const Touch& fault, FaultOutcome outcome) {
  if (outcome.kind == FaultKind::NoMemory) return require(world_.options_.failures, "out of memory");
  if (in_change(fault.page)) return;
  const auto vma = vma_at(fault.page);
  switch (outcome.kind) {
    case FaultKind::NotMapped:
      return require(!vma, "a mapped page was not found");
    case FaultKind::NotPermitted:
      require(vma.has_value(), "no such page");
      return require(!permitted(*vma, fault.access), "a permitted access was refused");
    case FaultKind::BeyondObject: {
      SharedObject* object = vma ? object_of(*vma) : nullptr;
      require(object != nullptr, "beyond the end of nothing");
      return require(object->writing || vma->object_page(address_of(fault.page)) * base::page_bytes >=
                                            cache().object_bytes(object->object),
                     "beyond the end, but it is not");
    }
    default:
      return require(false, "a page was lost");
  }
}

bool World::Thread::permitted(const vma::Vma& vma, Access access) {
  if (access == Access::Write) return vma::has(vma.protection, vma::Protection::Write);
  if (access == Access::Execute) return vma::has(vma.protection, vma::Protection::Execute);
  return vma.protection != vma::Protection::None;
}

ModelPage& World::Thread::model_of(const vma::Vma& vma, std::uint64_t page, Access access) {
  SharedObject* object = object_of(vma);
  if (object == nullptr) return process_->pages[page];
  ModelPage& shared = object->pages[vma.object_page(address_of(page))];
  if (vma.shared()) return shared;
  auto copy = process_->pages.find(page);
  if (copy != process_->pages.end()) return copy->second;
  if (access != Access::Write) return shared;
  return process_->pages[page] = shared;
}

void World::Thread::use(const Touch& touch, std::uint32_t line) {
  std::byte* bytes = world_.lines_.address(line);
  const auto vma = vma_at(touch.page);
  if (!vma) return require(in_change(touch.page), "an unmapped page can be used");
  if (!permitted(*vma, touch.access)) return require(in_change(touch.page), "rights that the VMA does not give");
  ModelPage& page = model_of(*vma, touch.page, touch.access);
  const std::size_t word = random().below(word_offsets.size());
  if (touch.access != Access::Write) return check_word(page, word, bytes, touch.page, *vma);
  const std::uint64_t value = world_.next_value_++;
  std::memcpy(bytes + word_offsets[word], &value, sizeof(value));
  if (in_change(touch.page) && !vma->shared()) {
    page[word].possible.push_back(value);
    process_->stores.push_back({touch.page, word, value});
  } else {
    page[word].possible = {value};
    if (process_->forking && !vma->shared()) process_->stores.push_back({touch.page, word, value});
  }
}

void World::Thread::check_word(ModelPage& page, std::size_t word, const std::byte* bytes, std::uint64_t number,
                               const vma::Vma& vma) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes + word_offsets[word], sizeof(value));
  std::vector<std::uint64_t>& possible = page[word].possible;
  const bool known = std::find(possible.begin(), possible.end(), value) != possible.end();
  if (in_change(number) && !vma.shared()) {
    require(known || value == base_value(vma, number, word), "neither the old nor the new bytes");
  } else {
    require(known, "not the bytes that were written last");
    possible = {value};
  }
  const std::size_t other = 8 + random().below(2000);
  require(bytes[other] == std::byte{0}, "bytes that nobody wrote");
}

std::uint64_t World::Thread::base_value(const vma::Vma& vma, std::uint64_t page, std::size_t word) {
  SharedObject* object = object_of(vma);
  return object == nullptr ? 0 : object->pages[vma.object_page(address_of(page))][word].possible[0];
}

}  // namespace excache
