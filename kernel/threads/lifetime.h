// SPDX-License-Identifier: Apache-2.0
// Making and unmaking Thread objects, inside kernel/threads.
#pragma once

#include "kernel/threads/thread.h"

namespace threads {

struct Lifetime {
  static Thread* make(const ThreadOptions& options);  // nullptr: no memory, or too many
  static void set_entry(Thread& thread, void (*entry)(void*), void* argument);
  static base::Result<> make_user(Thread& thread, const arch::TrapFrame& frame);
  static void set_space(Thread& thread, arch::TlbDomain& space);
  static void start(Thread& thread);
  static void destroy(Thread& thread);

  static std::uint64_t threads_created();
  static std::uint64_t threads_freed();

 private:
  static void begin(void* argument);
};

}  // namespace threads
