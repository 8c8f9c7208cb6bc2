// SPDX-License-Identifier: Apache-2.0
// co_await NextTurn(loop): everything that is ready runs first. For what takes long without waiting for anything.
#pragma once

#include <coroutine>

#include "kernel/base/executor.h"

namespace base {

class NextTurn final : public Work {
 public:
  explicit NextTurn(EventLoop& loop) : loop_(loop) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    loop_.post(*this);
  }
  void await_resume() const noexcept {}

 private:
  void run() override { waiter_.resume(); }
  EventLoop& loop_;
  std::coroutine_handle<> waiter_;
};

}  // namespace base
