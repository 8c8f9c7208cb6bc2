// SPDX-License-Identifier: Apache-2.0
// Work that sleeps, for a coroutine that must not: it runs on a kernel thread of its own, and the coroutine goes on
// when it is done.
#pragma once

#include <optional>

#include "kernel/base/task.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// WorkType has `static base::Result<int> run(WorkType&, processor::Sleeper&)`. Lives in the coroutine's frame.
template <typename WorkType>
class ThreadTask final : private base::Work {
 public:
  ThreadTask(base::EventLoop& loop, WorkType work) : loop_(loop), work_(work), done_(loop) {}
  // auto& done = task.run("name"); co_await done; in two statements: GCC 12 wants to copy what a call returns by
  // reference.
  base::Completion<int>& run(std::string_view name) {
    const auto thread = threads::create({.name = name}, &entry, this);
    if (thread)
      threads::start(**thread);
    else
      done_.complete(base::fail(thread.error()));
    return done_;
  }

 private:
  static void entry(void* self) {
    auto& task = *static_cast<ThreadTask*>(self);
    ThreadSleep sleep(threads::current());
    task.result_.emplace(WorkType::run(task.work_, sleep));
    task.loop_.post(task);
  }
  void run() override { done_.complete(std::move(*result_)); }

  base::EventLoop& loop_;
  WorkType work_;
  std::optional<base::Result<int>> result_;
  base::Completion<int> done_;
};

}  // namespace linux_abi
