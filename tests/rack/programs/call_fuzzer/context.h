// SPDX-License-Identifier: Apache-2.0
// What one fuzzing thread has, and how it survives what it does: run_protected() comes back even if the function
// faulted, lost its stack or its FS base. A handler finds the thread's context by its tid, for nothing else may be
// left. Contexts lie outside of the memory that calls are made with.
#pragma once

#include <atomic>
#include <cstdint>

#include "random.h"

namespace fuzzer {

inline constexpr unsigned max_threads = 4;
inline constexpr unsigned path_bytes = 512;

struct Context {
  std::uint64_t kept_rsp = 0;  // offset 0: context.cpp's assembly
  std::uint64_t fs_base = 0;
  std::atomic<long> tid{0};
  Random random{0};
  unsigned slot = 0;
  unsigned recoveries = 0;
  bool privileged = false;  // it is root: what would hit the driver is left out
  char paths[4][path_bytes];
  alignas(16) unsigned char scratch[8192];  // arguments that are good memory, until something unmaps it
};

// Shared by the driver and all that come from it.
struct Progress {
  std::atomic<std::uint64_t> calls;
  std::atomic<int> forks_left;
  std::uint64_t limit;  // of calls
  int driver;
};

extern Context* contexts;  // max_threads of them
extern Progress* progress;

inline long raw_call(long number, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0, std::uint64_t d = 0,
                     std::uint64_t e = 0, std::uint64_t f = 0) {
  register std::uint64_t r10 asm("r10") = d;
  register std::uint64_t r8 asm("r8") = e;
  register std::uint64_t r9 asm("r9") = f;
  long result;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

// Handlers, an alternate stack, the tid: of the calling thread.
void adopt_thread(Context& context);
// The signal that ended it, 0: it returned.
long run_protected(void (*function)(Context&), Context& context);
// A signal frame as this system made one: bytes from the return address on; nullptr before the first.
const unsigned char* sample_frame();
inline constexpr unsigned sample_bytes = 4096;

}  // namespace fuzzer
