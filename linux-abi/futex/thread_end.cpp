// SPDX-License-Identifier: Apache-2.0
// Futexes at a thread's end: see thread_end.h. The robust list is laid out as <linux/futex.h> says; every link of it is
// a user's pointer, so the walk is bounded and a bad address ends it.
#include "linux-abi/futex/thread_end.h"

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/futex/futex.h"

namespace linux_abi {
namespace {

constexpr unsigned max_robust_entries = 2048;  // ROBUST_LIST_LIMIT
constexpr std::uint32_t tid_mask = 0x3fffffff, owner_died = 0x40000000, waiters = 0x80000000;

struct RobustHead {
  std::uint64_t next, offset, pending;
};

void release_word(Thread& thread, std::uint64_t address, bool pending) {
  if (address % 4 != 0) return;
  auto word = arch::load_user_u32(base::UserVa(address));
  while (word) {
    if ((*word & tid_mask) != static_cast<std::uint32_t>(thread.tid())) {
      // Ours was being taken or given back: somebody may wait for a word that nobody owns.
      if (pending && *word == 0) (void)futex_wake(thread, address, 1, ~std::uint32_t{0});
      return;
    }
    const std::uint32_t fresh = (*word & waiters) | owner_died;
    const auto seen = arch::compare_exchange_user_u32(base::UserVa(address), *word, fresh);
    if (!seen) return;
    if (*seen == *word) {
      if ((*word & waiters) != 0) (void)futex_wake(thread, address, 1, ~std::uint32_t{0});
      return;
    }
    word = seen;
  }
}

void release_robust_list(Thread& thread) {
  const std::uint64_t head = std::exchange(thread.robust_list, 0);
  if (head == 0) return;
  const auto list = arch::UserIn<RobustHead>(head).read();
  if (!list) return;
  const auto word_of = [&](std::uint64_t entry) { return (entry & ~std::uint64_t{1}) + list->offset; };
  std::uint64_t entry = list->next;
  for (unsigned i = 0; i < max_robust_entries && (entry & ~std::uint64_t{1}) != head; ++i) {
    const auto next = arch::UserIn<std::uint64_t>(entry & ~std::uint64_t{1}).read();
    if (entry != list->pending) release_word(thread, word_of(entry), false);
    if (!next) return;
    entry = *next;
  }
  if (list->pending != 0) release_word(thread, word_of(list->pending), true);
}

}  // namespace

void release_futexes_at_thread_end(Thread& thread) {
  release_robust_list(thread);
  const std::uint64_t word = std::exchange(thread.clear_child_tid, 0);
  // Linux does this only while others share the memory; without them nobody can see it.
  if (word == 0) return;
  if (!arch::UserOut<std::uint32_t>(word).write(0)) return;
  (void)futex_wake(thread, word, 1, ~std::uint32_t{0});
}

}  // namespace linux_abi
