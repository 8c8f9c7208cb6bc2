// SPDX-License-Identifier: Apache-2.0
// A ranked lock that disables this core's interrupts while it is held. Locks are taken in rising rank; each core's
// held ranks are checked at every acquisition. No lock is held across a message, a sleep or a suspension.
// docs/locking.md has the table of ranks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "kernel/base/assert.h"
#include "kernel/base/platform.h"

namespace base {

// In the order of acquisition: a core that holds one may take only later ones.
enum class LockRank : std::uint8_t {
  Tasks = 5,       // linux-abi/process: the tree of processes, signals, pids
  Process = 10,    // processor/, linux-abi/: process and descriptor tables
  Poll = 15,       // linux-abi/files: who watches a file
  Epoll = 16,      // linux-abi/files: which files of an epoll are ready
  Timers = 17,     // linux-abi/time: the timer service
  EpollPoll = 18,  // linux-abi/files: who watches an epoll
  PollWait = 19,   // linux-abi/files: a thread in poll or select
  Memory = 20,     // processor/: address spaces and their page tables
  ExCache = 30,    // processor/: lines, tags, reverse maps
  Rpc = 40,        // net/rpc: call slots and connections
  Verbs = 50,      // net/roce: the engine
  Device = 60,     // kernel/: device queues
  Frames = 70,     // kernel/: frame allocator, heap
  Threads = 75,    // kernel/threads: sleeping mutexes, stack pool
  Scheduler = 80,  // kernel/: run queues, timers
  Log = 90,
};

inline constexpr std::uint32_t max_cores = 64;

namespace detail {
// Bit n: this core holds a lock of rank n. Only its own core touches an entry, with interrupts disabled.
struct HeldRanks {
  std::array<std::uint64_t, 2> bits{};
};
inline std::array<HeldRanks, max_cores> held_ranks;
}  // namespace detail

// Whether this core holds any: for assertions in what may sleep. Not tracked in Linux programs.
inline bool holds_spinlock() {
  const auto& held = detail::held_ranks[platform::current_core()].bits;
  return (held[0] | held[1]) != 0;
}

class SpinLock {
 public:
  explicit constexpr SpinLock(LockRank rank) : rank_(rank) {}
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  // Returns the interrupt state to hand to unlock().
  std::uint64_t lock() {
    const std::uint64_t state = platform::disable_interrupts();
#ifndef LEGO_HOSTED
    check_rank();
#endif
    while (locked_.exchange(true, std::memory_order_acquire)) {  // pairs with the release in unlock
      while (locked_.load(std::memory_order_relaxed)) platform::relax();
    }
#ifndef LEGO_HOSTED
    word() |= bit();
#endif
    return state;
  }
  void unlock(std::uint64_t state) {
#ifndef LEGO_HOSTED
    word() &= ~bit();
#endif
    locked_.store(false, std::memory_order_release);  // pairs with the acquire in lock
    platform::restore_interrupts(state);
  }

 private:
  std::uint64_t& word() const {
    return detail::held_ranks[platform::current_core()].bits[static_cast<unsigned>(rank_) / 64];
  }
  std::uint64_t bit() const { return std::uint64_t{1} << (static_cast<unsigned>(rank_) % 64); }
  void check_rank() const {
    const auto& held = detail::held_ranks[platform::current_core()].bits;
    const unsigned rank = static_cast<unsigned>(rank_);
    const std::uint64_t same_word = held[rank / 64] >> (rank % 64);
    LEGO_ASSERT(same_word == 0 && (rank >= 64 || held[1] == 0));
  }

  std::atomic<bool> locked_{false};
  LockRank rank_;
};

class SpinGuard {
 public:
  explicit SpinGuard(SpinLock& lock) : lock_(lock), state_(lock.lock()) {}
  SpinGuard(const SpinGuard&) = delete;
  SpinGuard& operator=(const SpinGuard&) = delete;
  ~SpinGuard() { lock_.unlock(state_); }

 private:
  SpinLock& lock_;
  std::uint64_t state_;
};

}  // namespace base
