// SPDX-License-Identifier: Apache-2.0
// A stack of its own for code that waits in the middle of things, on a core that runs an event loop: resume() runs it
// until it parks, park() returns to whoever resumed it. Both on one core, outside interrupts. It never ends.
#pragma once

#include "arch/x86_64/context_switch.h"
#include "kernel/base/error.h"

namespace storage {

class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Prepares it; the first resume() calls main(argument). NoMemory.
  base::Result<> start(void (*main)(void* argument), void* argument);
  void resume();
  void park();
  bool running() const { return running_; }

 private:
  static void enter(void* fiber);

  arch::SavedStack loop_;
  arch::SavedStack own_;
  void (*main_)(void* argument) = nullptr;
  void* argument_ = nullptr;
  bool running_ = false;
};

}  // namespace storage
