// SPDX-License-Identifier: Apache-2.0
// See world.h. Only the test links this.
#include "processor/excache/world.h"

#include <cstring>
#include <optional>
#include <set>

namespace excache {
namespace {

constexpr std::uint64_t object_pages = 6;
constexpr std::uint64_t area_pages = 12;  // of each of the two areas that programs map
constexpr std::uint64_t area_start[2] = {0x100, (base::vregion_bytes >> base::page_shift) + 0x20};
constexpr base::UserVa address_of(std::uint64_t page) { return base::UserVa(page << base::page_shift); }

}  // namespace

struct World::SharedObject {
  SharedObject(base::ObjectId id, ObjectKind kind, FakeHome& home, std::uint64_t bytes)
      : object(id, kind, home, bytes) {}
  Object object;
  std::map<std::uint64_t, ModelPage> pages;
  bool constant = false;
  bool writing = false;  // the personality's inode lock
};

struct World::Process {
  Process(World& owner, std::uint64_t id) : table(owner.scheduler_, owner.lines_), space(base::SpaceId(id), table) {}
  FakePageTable table;
  Space space;
  std::map<std::uint64_t, ModelPage> pages;  // private ones
  unsigned threads = 0;
  bool operating = false;  // the lock of changing operations
  // The range that an operation changes right now: others may see it before or after.
  std::optional<vma::Range> changing;
  bool forking = false;
  struct Store {
    std::uint64_t page;
    std::size_t word;
    std::uint64_t value;
  };
  std::vector<Store> stores;  // by others during the operation
  bool off_limits = false;    // the range must not be touched meanwhile (mremap)
};

// A thread of a process: draws what it does, does it, checks what it sees.
class World::Thread {
 public:
  Thread(World& world, std::shared_ptr<Process> process)
      : world_(world),
        process_(std::move(process)),
        core_(world.scheduler_, process_->table),
        waiter_(world.scheduler_) {}

  // Counted before it runs, so that the process cannot end under it.
  static void start(World& world, const std::shared_ptr<Process>& process) {
    ++process->threads;
    world.scheduler_.spawn([&world, process] { Thread(world, process).run(); });
  }

  void run() {
    for (unsigned step = 0; step < world_.options_.steps; ++step) {
      one_step();
      if (world_.random_.below(4) == 0) world_.scheduler_.yield();
    }
    world_.cache_->forget(context_);
    if (--process_->threads == 0) leave();
  }

 private:
  World& world_;
  std::shared_ptr<Process> process_;
  Core core_;
  FiberWaiter waiter_;
  FaultContext context_;
  FaultContext file_history_;

  base::Random& random() { return world_.random_; }
  ExCache& cache() { return *world_.cache_; }
  Space& space() { return process_->space; }

  void one_step() {
    const std::uint64_t choice = random().below(100);
    if (choice < 62) return instruction();
    if (choice < 68) return map();
    if (choice < 72) return unmap();
    if (choice < 78) return discard();
    if (choice < 82) return remap();
    if (choice < 86) return protect();
    if (choice < 89) return fork();
    if (choice < 95) return use_file();
    if (choice < 97) return truncate();
    start_thread();
  }

  std::uint64_t some_page() {
    const std::uint64_t start = area_start[random().below(2)];
    return start + random().below(area_pages);
  }
  vma::Range some_range() {
    const std::uint64_t area = random().below(2);
    const std::uint64_t first = random().below(area_pages);
    const std::uint64_t count = 1 + random().below(area_pages - first);
    return vma::Range::of(address_of(area_start[area] + first), count * base::page_bytes);
  }

  // --- Loads and stores ---------------------------------------------------------------------------------------------

  std::optional<vma::Vma> vma_at(std::uint64_t page) {
    const vma::Vma* vma = space().vmas.find(address_of(page));
    return vma == nullptr ? std::nullopt : std::optional(*vma);
  }
  SharedObject* object_of(const vma::Vma& vma) {
    for (auto& object : world_.objects_)
      if (object->object.id == vma.object) return object.get();
    return nullptr;
  }
  bool in_change(std::uint64_t page) const {
    return process_->changing && process_->changing->contains(address_of(page));
  }

  void instruction() {
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

  void check_refusal(const Touch& fault, FaultOutcome outcome) {
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
  static bool permitted(const vma::Vma& vma, Access access) {
    if (access == Access::Write) return vma::has(vma.protection, vma::Protection::Write);
    if (access == Access::Execute) return vma::has(vma.protection, vma::Protection::Execute);
    return vma.protection != vma::Protection::None;
  }

  static ModelPage& page_in(std::map<std::uint64_t, ModelPage>& pages, std::uint64_t number) { return pages[number]; }

  // What this access sees: the private page if there is one, else the object's.
  ModelPage& model_of(const vma::Vma& vma, std::uint64_t page, Access access) {
    SharedObject* object = object_of(vma);
    if (object == nullptr) return process_->pages[page];
    ModelPage& shared = object->pages[vma.object_page(address_of(page))];
    if (vma.shared()) return shared;
    auto copy = process_->pages.find(page);
    if (copy != process_->pages.end()) return copy->second;
    if (access != Access::Write) return shared;
    return process_->pages[page] = shared;
  }

  void use(const Touch& touch, std::uint32_t line) {
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

  void check_word(ModelPage& page, std::size_t word, const std::byte* bytes, std::uint64_t number,
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
  // What a private page is before the process writes it.
  std::uint64_t base_value(const vma::Vma& vma, std::uint64_t page, std::size_t word) {
    SharedObject* object = object_of(vma);
    return object == nullptr ? 0 : object->pages[vma.object_page(address_of(page))][word].possible[0];
  }

  // --- Operations on ranges -----------------------------------------------------------------------------------------

  void begin_operation() {
    while (process_->operating) world_.scheduler_.yield();
    process_->operating = true;
  }
  void end_operation() { process_->operating = false; }
  void pause() {
    while (random().below(3) != 0) world_.scheduler_.yield();
  }
  bool refused() { return world_.options_.failures && random().below(8) == 0; }

  void quiesce(vma::Range range, Unmapping unmapping) {
    Quiesce state{.range = range, .unmapping = unmapping};
    state.position = range.start;
    while (cache().quiesce(space(), state, waiter_) == Progress::Wait) waiter_.sleep();
  }

  // The pages of the range that were private are what they were before they were written, but for stores that raced.
  void forget_model(vma::Range range) {
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

  void tell_homes_forget(vma::Range range) {
    world_.home_of(range.start).forget(space().id.value(), range.start.value() >> base::page_shift, range.pages());
  }

  // munmap, and mmap over what is there.
  void replace(vma::Range range, const std::function<void()>& change_vmas) {
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
  // The operation did not happen: what raced with it was written in order.
  void keep_raced_stores() {
    for (const Process::Store& store : process_->stores)
      if (auto page = process_->pages.find(store.page); page != process_->pages.end())
        page->second[store.word].possible = {store.value};
    process_->stores.clear();
  }

  void map() {
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

  void unmap() {
    begin_operation();
    const vma::Range range = some_range();
    replace(range, [&] { require(space().vmas.unmap(range).has_value(), "unmap failed"); });
    end_operation();
  }

  void discard() {
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

  void remap() {
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
  void move(vma::Range old_range, vma::Range new_range, vma::RemapMode mode) {
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
  void move_model(vma::Range old_range, vma::Range new_range) {
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

  void protect() {
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

  void fork() {
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
      return give_up(*child);
    }
    ++world_.processes_started_;
    world_.processes_.push_back(child);
    start(world_, child);
  }

  // Exit: nothing of the space is left anywhere.
  void give_up(Process& process) {
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
  void leave() {
    begin_operation();
    give_up(*process_);
    std::erase(world_.processes_, process_);
    end_operation();
  }

  void start_thread() {
    if (process_->threads >= 3) return;
    start(world_, process_);
  }

  // --- Files --------------------------------------------------------------------------------------------------------

  void use_file() {
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
  std::optional<PinOutcome> pin(SharedObject& file, std::uint64_t page, PageUse use) {
    for (;;) {
      const PinOutcome outcome = cache().pin_page(file.object, page, use, file_history_, waiter_);
      if (outcome.fault.kind == FaultKind::Resolved) return outcome;
      require(outcome.fault.kind == FaultKind::Wait, "a page of a file was lost");
      waiter_.sleep();
    }
  }
  void write_page(SharedObject& file, std::uint64_t page) {
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
  void read_page(SharedObject& file, std::uint64_t page) {
    const auto pinned = pin(file, page, PageUse::Read);
    if (page * base::page_bytes < cache().object_bytes(file.object)) {
      const vma::Vma shared{.flags = vma::Flags::Shared};
      check_word(file.pages[page], random().below(word_offsets.size()), pinned->bytes, 0, shared);
    }
    pause();
    cache().unpin_page(*pinned->line, PageUse::Read);
  }
  void flush(SharedObject& file) {
    std::uint64_t upto = ~std::uint64_t{0};
    while (cache().flush(file.object, upto, waiter_) == Progress::Wait) waiter_.sleep();
  }
  void truncate() {
    SharedObject& file = *world_.objects_[1];
    if (file.writing) return;
    file.writing = true;
    const std::uint64_t pages = random().below(object_pages + 1);
    cache().freeze_object(file.object, pages);
    while (cache().quiesce_object(file.object, waiter_) == Progress::Wait) waiter_.sleep();
    pause();
    if (!refused()) {
      world_.homes_[0]->forget(file.object.id.value(), pages, ~std::uint64_t{0});
      pause();
      cache().drop_pages(file.object, pages);
      cache().resize_object(file.object, pages * base::page_bytes);
      file.pages.erase(file.pages.lower_bound(pages), file.pages.end());
    }
    cache().thaw_object(file.object);
    file.writing = false;
  }
};

Configuration World::configuration(const WorldOptions& options) {
  Configuration result = Configuration::for_lines(options.lines);
  result.prefetch = options.prefetch;
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
  while (!stopping_) {
    if (random_.below(8) == 0) {
      if (const char* wrong = cache_->audit()) require(false, wrong);
    }
    const ExCache::EvictResult result = cache_->evict(false);
    if (result.progress) {
      scheduler_.yield();
    } else if (cache_->wait_for_work(result.events, waiter) == Progress::Wait && !waiter.sleep(result.retry_at_ns)) {
      cache_->cancel_wait(waiter);
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
