// SPDX-License-Identifier: Apache-2.0
// Ends by SIGSEGV in a function with a name, in a thread, while another thread waits in one: for a debugger to find
// both in the core file.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

extern "C" char crash_words[32] = "written before the crash";

// With what a debugger should find in their frames.
extern "C" __attribute__((noinline)) void waits_for_the_end(int number) {
  for (;;) pause();
  printf("%d\n", number);
}

extern "C" __attribute__((noinline)) int crashes_here(int* place, int value) {
  *place = value;
  return value + 1;
}

namespace {

void* wait_in_thread(void*) {
  waits_for_the_end(4711);
  return nullptr;
}
void* crash_in_thread(void* place) { return reinterpret_cast<void*>(crashes_here(static_cast<int*>(place), 12345)); }
}  // namespace

int main(int count, char** arguments) {
  const rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &limit);
  crash_words[0] = 'W';
  pthread_t waiter, crasher;
  pthread_create(&waiter, nullptr, wait_in_thread, nullptr);
  usleep(50000);
  puts("crashing");
  fflush(stdout);
  pthread_create(&crasher, nullptr, crash_in_thread, nullptr);
  pthread_join(crasher, nullptr);
  return 0;
}
