// SPDX-License-Identifier: Apache-2.0
// What lives in the world of the property test: shared objects, processes, and threads that draw what they do, do it
// and check what they see. See world.h.
#pragma once

#include <functional>
#include <optional>

#include "processor/excache/world.h"

namespace excache {

inline constexpr std::uint64_t object_pages = 6;
inline constexpr std::uint64_t area_pages = 12;  // of each of the two areas that programs map
inline constexpr std::uint64_t area_start[2] = {0x100, (base::vregion_bytes >> base::page_shift) + 0x20};
inline constexpr base::UserVa address_of(std::uint64_t page) { return base::UserVa(page << base::page_shift); }

struct World::SharedObject {
  SharedObject(base::ObjectId id, ObjectKind kind, FakeHome& home, std::uint64_t bytes)
      : object(id, kind, home, bytes, kind == ObjectKind::File) {}
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

  void run();

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

  void one_step();
  std::uint64_t some_page();
  vma::Range some_range();

  // --- Loads and stores ---------------------------------------------------------------------------------------------
  std::optional<vma::Vma> vma_at(std::uint64_t page);
  SharedObject* object_of(const vma::Vma& vma);
  bool in_change(std::uint64_t page) const;
  void instruction();
  void check_refusal(const Touch& fault, FaultOutcome outcome);
  static bool permitted(const vma::Vma& vma, Access access);
  // What this access sees: the private page if there is one, else the object's.
  ModelPage& model_of(const vma::Vma& vma, std::uint64_t page, Access access);
  void use(const Touch& touch, std::uint32_t line);
  void check_word(ModelPage& page, std::size_t word, const std::byte* bytes, std::uint64_t number, const vma::Vma& vma);
  // What a private page is before the process writes it.
  std::uint64_t base_value(const vma::Vma& vma, std::uint64_t page, std::size_t word);

  // --- Operations on ranges -----------------------------------------------------------------------------------------
  void begin_operation();
  void end_operation();
  void pause();
  bool refused();
  void quiesce(vma::Range range, Unmapping unmapping);
  // The pages of the range that were private are what they were before they were written, but for stores that raced.
  void forget_model(vma::Range range);
  void tell_homes_forget(vma::Range range);
  // munmap, and mmap over what is there.
  void replace(vma::Range range, const std::function<void()>& change_vmas);
  // The operation did not happen: what raced with it was written in order.
  void keep_raced_stores();
  void map();
  void unmap();
  void discard();
  void remap();
  void move(vma::Range old_range, vma::Range new_range, vma::RemapMode mode);
  void move_model(vma::Range old_range, vma::Range new_range);
  void protect();
  void fork();
  // Exit: nothing of the space is left anywhere.
  void give_up(Process& process);
  void leave();
  void start_thread();

  // --- Files --------------------------------------------------------------------------------------------------------
  void use_file();
  std::optional<PinOutcome> pin(SharedObject& file, std::uint64_t page, PageUse use);
  void write_page(SharedObject& file, std::uint64_t page);
  void read_page(SharedObject& file, std::uint64_t page);
  void flush(SharedObject& file);
  void remove_pages();
};

}  // namespace excache
