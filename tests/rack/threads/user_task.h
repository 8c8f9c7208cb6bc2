// SPDX-License-Identifier: Apache-2.0
// A user thread of the tests, and the little personality that serves all of them: system calls, page faults on demand,
// exceptions, exit on kill.
#pragma once

#include <array>

#include "kernel/threads/scheduler.h"
#include "tests/rack/threads/group.h"
#include "tests/rack/threads/user_space.h"

namespace image_test {

class UserTask final : public threads::ThreadOwner {
 public:
  explicit UserTask(UserSpace& space) : space_(space) {}
  UserTask(const UserTask&) = delete;
  UserTask& operator=(const UserTask&) = delete;
  ~UserTask();

  // Starts a program with up to three arguments on a stack of its own.
  threads::Thread* start(Program program, std::array<std::uint64_t, 3> arguments, threads::ThreadOptions options = {});
  // A user thread that stays in the kernel, in the task's address space.
  threads::Thread* start_in_kernel(void (*entry)(UserTask&), threads::ThreadOptions options = {});
  // A copy of the running thread, which is another task's, as fork makes it.
  void start_as_fork_of(threads::Thread& parent);
  // Until the thread is gone. What the program said: 0 is good.
  std::uint64_t wait();
  bool started() const { return started_; }
  bool was_killed() const { return killed_; }

  UserSpace& space() { return space_; }
  threads::ThreadTimes times() const { return times_; }
  std::uint32_t faults() const { return faults_; }
  std::uint32_t calls() const { return calls_; }
  UserTask* child = nullptr;  // for the program that forks
  void* context = nullptr;    // for start_in_kernel

 private:
  friend struct Personality;
  void thread_gone(threads::Thread& thread) override;
  void launch(base::Result<threads::Thread*> thread);
  static void enter_kernel_part(void* argument);

  UserSpace& space_;
  Group group_;
  void (*kernel_part_)(UserTask&) = nullptr;
  bool started_ = false;
  bool killed_ = false;
  std::uint64_t code_ = ~std::uint64_t{0};
  std::uint32_t faults_ = 0;
  std::uint32_t calls_ = 0;
  threads::ThreadTimes times_;
  Event gone_;
};

// What the programs that use vector registers are told of the CPU: bit 0 AVX, bit 1 FSGSBASE.
std::uint64_t cpu_bits();

// Before the cores run user code.
void install_personality();

}  // namespace image_test
