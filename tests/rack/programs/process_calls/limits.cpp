// SPDX-License-Identifier: Apache-2.0
// Limits that bind: memory, processes, signals. (Processor time takes too long to use up where others want it too.)
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

// Runs it in a child; how that ended.
template <typename Function>
void in_child(const char* name, Function function) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    function();
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s: %x\n", name, status & ~0x80);  // whether there was a core is not asked
}

void set(int which, rlim_t soft, rlim_t hard) {
  const rlimit limit{soft, hard};
  if (setrlimit(static_cast<__rlimit_resource>(which), &limit) != 0) perror("setrlimit");
}

void* map(size_t bytes) { return mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

}  // namespace

void limits() {
  in_child("address space", [] {
    set(RLIMIT_AS, 100 << 20, 200 << 20);
    SHOW(map(150 << 20) == MAP_FAILED);
    void* some = map(10 << 20);
    SHOW(some == MAP_FAILED);
    SHOW(mremap(some, 10 << 20, 150 << 20, MREMAP_MAYMOVE) == MAP_FAILED);
    set(RLIMIT_AS, 190 << 20, 200 << 20);
    SHOW(map(150 << 20) == MAP_FAILED);
  });
  in_child("data", [] {
    set(RLIMIT_DATA, 20 << 20, 20 << 20);
    char* end = static_cast<char*>(sbrk(0));
    SHOW(brk(end + (30 << 20)));
    SHOW(brk(end + (1 << 20)));
  });
  in_child("processes", [] {
    setresuid(65533, 65533, 65533);
    set(RLIMIT_NPROC, 2, 2);
    const pid_t first = fork();
    if (first == 0) {
      pause();
      _exit(0);
    }
    SHOW(fork());
    kill(first, SIGKILL);
    waitpid(first, nullptr, 0);
    const pid_t second = fork();
    if (second == 0) _exit(0);
    SHOW(second > 0);
    waitpid(second, nullptr, 0);
  });
  in_child("signals", [] {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    setresuid(65532, 65532, 65532);
    set(RLIMIT_SIGPENDING, 2, 2);
    for (int i = 0; i < 3; ++i) SHOW(sigqueue(getpid(), SIGRTMIN, {}));
    SHOW(kill(getpid(), SIGUSR1));
  });
}
