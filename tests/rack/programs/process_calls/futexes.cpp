// SPDX-License-Identifier: Apache-2.0
// futex_waitv, membarrier, get_robust_list of others.
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "../show.h"
#include "parts.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

namespace {

struct Wait {
  uint64_t expected, address;
  uint32_t flags, reserved;
};
constexpr uint32_t word = 2, private_word = 2 | FUTEX_PRIVATE_FLAG;

alignas(4) std::atomic<uint32_t> words[200];
Wait of(int i, uint32_t flags = private_word) { return {0, reinterpret_cast<uint64_t>(&words[i]), flags, 0}; }
long wait_for(const Wait* waits, unsigned count, unsigned flags = 0, const timespec* until = nullptr, int clock = 1) {
  return syscall(SYS_futex_waitv, waits, count, flags, until, clock);
}

void errors() {
  Wait waits[200];
  for (int i = 0; i < 200; ++i) waits[i] = of(i);
  const timespec past{1, 0}, bad{0, -1};
  SHOW(wait_for(nullptr, 1));
  SHOW(wait_for(waits, 0));
  SHOW(wait_for(waits, 129));
  SHOW(wait_for(waits, 1, 1));
  SHOW(wait_for(waits, 3, 0, &past));
  SHOW(wait_for(waits, 128, 0, &past, CLOCK_REALTIME));
  SHOW(wait_for(waits, 3, 0, &bad));
  SHOW(wait_for(waits, 3, 0, &past, 5));
  waits[2].expected = 5;
  SHOW(wait_for(waits, 3, 0, &past));
  waits[1].address = 8;
  SHOW(wait_for(waits, 3, 0, &past) < 0);
  waits[1].address = reinterpret_cast<uint64_t>(&words[1]) + 1;
  SHOW(wait_for(waits, 3, 0, &past));
  waits[1] = of(1, 0x40);
  SHOW(wait_for(waits, 3, 0, &past));
  waits[1] = of(1);
  waits[1].reserved = 1;
  SHOW(wait_for(waits, 3, 0, &past));
}

void woken() {
  pthread_t waker;
  pthread_create(
      &waker, nullptr,
      [](void*) -> void* {
        while (syscall(SYS_futex, &words[7], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1) == 0) usleep(1000);
        return nullptr;
      },
      nullptr);
  Wait waits[10];
  for (int i = 0; i < 10; ++i) waits[i] = of(i);
  SHOW(wait_for(waits, 10));
  pthread_join(waker, nullptr);
}

void between_processes() {
  void* memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  fflush(stdout);
  const pid_t child = fork();
  const Wait wait{0, reinterpret_cast<uint64_t>(memory), word, 0};
  if (child == 0) _exit(wait_for(&wait, 1));
  while (syscall(SYS_futex, memory, FUTEX_WAKE, 1) == 0) usleep(1000);
  int status = -1;
  waitpid(child, &status, 0);
  printf("status %x\n", status);
}

void barriers() {
  constexpr int some = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                       MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) & some);
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0));
  SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
  constexpr int all =
      MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) & all);
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 1, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
}

// What membarrier is for: one side has none of its own, and yet never both miss the other's store.
std::atomic<int> mine, other, started, missed, done;
void asymmetric(int command) {
  constexpr int rounds = 40;
  for (auto* each : {&mine, &other, &started, &missed, &done}) each->store(0);
  pthread_t thread;
  pthread_create(
      &thread, nullptr,
      [](void*) -> void* {
        for (int i = 1; i <= rounds; ++i) {
          while (started.load() < i) sched_yield();
          other.store(i, std::memory_order_relaxed);
          __asm__ volatile("" ::: "memory");
          missed.store(mine.load(std::memory_order_relaxed) < i);
          done.store(i);
        }
        return nullptr;
      },
      nullptr);
  int both = 0;
  for (int i = 1; i <= rounds; ++i) {
    started.store(i);
    mine.store(i, std::memory_order_relaxed);
    syscall(SYS_membarrier, command, 0, 0);
    const bool miss = other.load(std::memory_order_relaxed) < i;
    while (done.load() < i) sched_yield();
    if (miss && missed.load() != 0) ++both;
  }
  pthread_join(thread, nullptr);
  printf("both missed: %d\n", both);
}

void robust_lists() {
  void* head = nullptr;
  size_t bytes = 0;
  SHOW(syscall(SYS_get_robust_list, 0, &head, &bytes));
  SHOW(syscall(SYS_get_robust_list, 0x3fffff, &head, &bytes));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setresuid(65534, 65534, 65534);
    SHOW(syscall(SYS_get_robust_list, getppid(), &head, &bytes));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

}  // namespace

void futexes_and_barriers() {
  errors();
  woken();
  between_processes();
  barriers();
  asymmetric(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  asymmetric(MEMBARRIER_CMD_GLOBAL);
  robust_lists();
}
