// SPDX-License-Identifier: Apache-2.0
// ru_maxrss: the most memory a process had at once, what is left of that after execve and fork, and whose it is of
// children; and the times of one that stopped. Sizes are told in steps of 8 MiB: what else a program has is small
// beside them.
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

constexpr long step_kib = 8 << 10;

void show_peak(const char* what, long kib) { printf("%s: %ld\n", what, (kib + step_kib / 2) / step_kib); }

// Nothing waits in the buffer when the next process is made.
void show_peaks(const char* what) {
  rusage usage{};
  printf("%s\n", what);
  getrusage(RUSAGE_SELF, &usage);
  show_peak("  own", usage.ru_maxrss);
  getrusage(RUSAGE_THREAD, &usage);
  show_peak("  thread's", usage.ru_maxrss);
  getrusage(RUSAGE_CHILDREN, &usage);
  show_peak("  children's", usage.ru_maxrss);
  fflush(stdout);
}

void use(long steps) {
  const size_t bytes = steps * step_kib * 1024;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(memory, 1, bytes);
  munmap(memory, bytes);
}

pid_t child_using(long steps) {
  const pid_t child = fork();
  if (child == 0) {
    use(steps);
    _exit(0);
  }
  return child;
}

// What a child has used so far is told whenever it is waited for, not only when it has ended.
void times_of_a_stopped_child() {
  const pid_t child = fork();
  if (child == 0) {
    rusage own{};
    while (own.ru_utime.tv_sec == 0 && own.ru_utime.tv_usec < 30000) getrusage(RUSAGE_SELF, &own);
    raise(SIGSTOP);
    _exit(0);
  }
  rusage stopped{}, ended{};
  int status = 0;
  show("stopped", wait4(child, &status, WUNTRACED, &stopped) == child && WIFSTOPPED(status));
  kill(child, SIGCONT);
  show("ended", wait4(child, &status, 0, &ended) == child && WIFEXITED(status));
  show("used before", stopped.ru_utime.tv_usec >= 30000);
  show("used after", timercmp(&ended.ru_utime, &stopped.ru_utime, >=));
}

}  // namespace

void peaks() {
  times_of_a_stopped_child();
  show_peaks("start");
  const pid_t large = child_using(2);
  siginfo_t ended{};
  waitid(P_PID, large, &ended, WEXITED | WNOWAIT);
  show_peaks("not waited for");
  rusage usage{};
  wait4(large, nullptr, 0, &usage);
  show_peak("its own", usage.ru_maxrss);
  show_peaks("waited for");
  use(3);
  show_peaks("unmapped again");
  const pid_t forked = fork();
  if (forked == 0) {
    show_peaks("forked");
    _exit(0);
  }
  wait4(forked, nullptr, 0, nullptr);
  const pid_t executing = fork();
  if (executing == 0) {
    use(5);
    execl("/proc/self/exe", "peaks", "nothing", nullptr);
    _exit(1);
  }
  wait4(executing, nullptr, 0, &usage);
  show_peak("of one that executed", usage.ru_maxrss);
  show_peaks("its parent");
  signal(SIGCHLD, SIG_IGN);
  child_using(7);
  wait(nullptr);
  show_peaks("not to be waited for");
}
