// SPDX-License-Identifier: Apache-2.0
// Calls that are rarely made so: what the fuzzer found, with the answers that Linux gives.
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "show.h"

static void huge_ranges() {
  puts("ranges without mappings");
  char* place = (char*)0x300000000000;
  mmap(place, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  *place = 1;
  SHOW(madvise(place, 1l << 44, MADV_FREE));
  SHOW(madvise(place, 1l << 44, MADV_DONTNEED));
  SHOW(madvise(place, ~0ul << 12, MADV_FREE));
  printf("%d\n", *place);
  SHOW(msync(place, 1l << 44, MS_ASYNC));
  SHOW(munmap(place, 1l << 44));
}

static void hints() {
  puts("places that cannot be");
  for (const uintptr_t hint : {0xdead00000000ul, 0xdead0000beef0000ul, 0xfffffffffffff000ul, 0x7ffffffff000ul}) {
    void* memory = mmap((void*)hint, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%d\n", memory != MAP_FAILED && memory != (void*)hint || (uintptr_t)memory == 0xdead00000000ul);
    SHOW(munmap(memory, 8192));
  }
}

// What a process is told when others' children end.
static volatile int told[65];
static void note(int signal) { told[signal] = 1; }

static void wait_for_all() {
  int status;
  while (waitpid(-1, &status, __WALL) > 0) printf("status %#x\n", status);
  for (const int signal : {SIGCHLD, SIGUSR1, SIGUSR2}) {
    printf("%s: %d\n", strsignal(signal), told[signal]);
    told[signal] = 0;
  }
}

static void exit_signals() {
  for (const int signal : {SIGCHLD, SIGUSR1, SIGUSR2}) ::signal(signal, note);
  puts("a sibling's signal");
  if (fork() == 0) {
    if (syscall(SYS_clone, CLONE_PARENT | SIGUSR1, 0, 0, 0, 0) == 0) _exit(3);
    _exit(4);
  }
  while (waitpid(-1, nullptr, __WALL) > 0) {
  }
  for (const int signal : {SIGCHLD, SIGUSR1}) printf("%s: %d\n", strsignal(signal), told[signal]);
  told[SIGCHLD] = 0;
  puts("an orphan's signal");
  SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
  int ends[2];
  pipe(ends);
  if (fork() == 0) {
    if (syscall(SYS_clone, SIGUSR2, 0, 0, 0, 0) == 0) {
      char byte;
      close(ends[1]);
      read(ends[0], &byte, 1);  // until nobody else is there
      _exit(0);
    }
    _exit(0);
  }
  waitpid(-1, nullptr, 0);
  close(ends[1]);
  wait_for_all();
}

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  huge_ranges();
  hints();
  exit_signals();
}
