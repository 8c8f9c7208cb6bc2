// SPDX-License-Identifier: Apache-2.0
// Futexes: threads wait on words of memory, named by (space or object, offset) so that processes which share the memory
// meet. A fixed table of buckets, each with a lock of rank Process; the word is read under the bucket's lock without
// faulting, and when its page is not there the operation touches it and starts over. FUTEX_PRIVATE_FLAG makes no
// difference: what it promises saves nothing here.
#pragma once

#include <cstdint>
#include <span>

#include "linux-abi/process/thread.h"

namespace linux_abi {

struct FutexWait {
  std::uint64_t address = 0;
  std::uint32_t expected = 0;
  std::uint32_t bits = ~std::uint32_t{0};
  std::uint64_t deadline_ns = base::never_ns;  // monotonic
};

// EAGAIN: the word differs. ETIMEDOUT. A signal: restart_always.
Answer<> futex_wait(Thread& thread, const FutexWait& wait);
// Waits on all of these words together (their deadlines do not count): the place of the first that was woken. As
// futex_wait; EAGAIN if any word differs.
Answer<std::size_t> futex_wait_for_any(Thread& thread, std::span<const FutexWait> waits, std::uint64_t deadline_ns);
inline constexpr std::size_t most_futex_waits = 128;
// How many were woken.
Answer<std::uint32_t> futex_wake(Thread& thread, std::uint64_t address, std::uint32_t count, std::uint32_t bits);
struct FutexRequeue {
  std::uint64_t from = 0, to = 0;
  std::uint32_t wake = 0, requeue = 0;
  bool compare = false;
  std::uint32_t expected = 0;  // FUTEX_CMP_REQUEUE: EAGAIN if the word at `from` differs
};
// How many were woken and moved.
Answer<std::uint32_t> futex_requeue(Thread& thread, const FutexRequeue& requeue);
// FUTEX_WAKE_OP: changes the word at `second` and wakes there too if its old value compares so. EINVAL, EFAULT.
Answer<std::uint32_t> futex_wake_operation(Thread& thread, std::uint64_t first, std::uint64_t second,
                                           std::uint32_t wake_first, std::uint32_t wake_second,
                                           std::uint32_t operation);

}  // namespace linux_abi
