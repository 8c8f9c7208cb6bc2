// SPDX-License-Identifier: Apache-2.0
// The machine that the pComponent of a simulation runs on: its memory, its threads (fibers of one seeded scheduler) and
// a core for each user thread, with a TLB that keeps what it has until it is told otherwise. Page tables are the real
// ones, in the machine's memory; the core walks them and sets their accessed and dirty bits. The kernel's functions
// (threads::, kernel::, arch::) that processor/ calls are defined over the one machine there is at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "arch/x86_64/paging.h"
#include "arch/x86_64/tlb_shootdown.h"
#include "arch/x86_64/user_mode.h"
#include "kernel/threads/thread.h"
#include "processor/process.h"
#include "processor/testing/fibers.h"

namespace sim {

enum class Access : std::uint8_t { Read, Write };

// What a user thread runs on.
class Core {
 public:
  // `number`: cores are asked in rising order, wherever their threads lie in memory.
  Core(threads::Thread& thread, std::uint64_t number) : thread_(thread), number_(number) {}
  std::uint64_t number() const { return number_; }

  // One instruction of the running thread that loads or stores the 8 bytes at the address: use() is called at the
  // moment when it happens. Resolved, or why it could not be.
  using Use = std::function<void(std::uint64_t& word)>;
  processor::FaultEnd access(base::UserVa address, Access access, const Use& use);
  // The personality was told of a fault that cannot be resolved.
  void fault_failed(processor::FaultEnd end) { failure_ = end; }

  arch::TlbDomain* domain() const { return domain_; }
  void load(arch::TlbDomain* domain);
  void forget(std::span<const base::UserVa> pages);
  void forget_all() { tlb_.clear(); }

 private:
  struct Translation {
    std::byte* page;
    bool writable;
    bool dirty;
  };
  Translation* translate(base::UserVa page, Access access);
  bool walk(base::UserVa page, Access access, Translation& found);
  void fault(base::UserVa address, Access access);

  threads::Thread& thread_;
  const std::uint64_t number_;
  arch::TlbDomain* domain_ = nullptr;
  std::map<std::uint64_t, Translation> tlb_;
  processor::FaultEnd failure_ = processor::FaultEnd::Resolved;
  std::uint64_t instructions_ = 0;
};

class Machine {
 public:
  explicit Machine(testing_support::Scheduler& scheduler);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine();
  static Machine& get();

  testing_support::Scheduler& scheduler() { return scheduler_; }
  // Where others may come between; does nothing outside threads.
  void pause();

  // --- Threads ---
  void start(threads::Thread& thread, std::function<void()> body);
  threads::Thread& current_thread();
  void unblock(threads::Thread& thread);
  [[noreturn]] void exit_thread();
  // Frees the threads that have ended.
  void bury_threads();
  // Before the machine goes: kernel threads that never end are just not there any more.
  void release_threads();
  std::size_t user_threads() const { return cores_.size(); }

  // --- Cores ---
  Core& core_of(threads::Thread& thread) { return *cores_.at(&thread); }
  Core& current_core() { return core_of(current_thread()); }
  void add_core(threads::Thread& thread);
  void shoot_down(arch::TlbDomain& domain, const std::function<void(Core&)>& forget);

  // --- Memory, in page frames ---
  base::Result<base::PhysAddr> allocate_frames(std::uint64_t count);
  void free_frames(base::PhysAddr first, std::uint64_t count);
  std::size_t allocated_frames() const { return frames_in_use_; }
  bool skip_shoot_downs = false;  // a processor that is broken, to see that the simulation notices

 private:
  testing_support::Scheduler& scheduler_;
  std::unordered_map<testing_support::Fiber*, threads::Thread*> running_;
  std::unordered_map<threads::Thread*, testing_support::Fiber*> fibers_;
  std::vector<threads::Thread*> dead_;
  std::map<threads::Thread*, std::unique_ptr<Core>> cores_;
  std::uint64_t last_core_ = 0;
  std::map<std::uint64_t, std::uint64_t> frames_;  // first address, count
  std::size_t frames_in_use_ = 0;
};

// What user threads run instead of machine code: TrapFrame::rdi points to one.
class UserProgram {
 public:
  virtual void run() = 0;  // on its thread, which then ends

 protected:
  ~UserProgram() = default;
};

}  // namespace sim
