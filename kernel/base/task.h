// SPDX-License-Identifier: Apache-2.0
// Coroutines of the event-driven components. Task<T> starts when it is awaited and gives a Result<T>; a frame that
// cannot be allocated is Error::NoMemory, not a crash. spawn() starts one nobody awaits. Parameters are taken by value,
// coroutine lambdas capture nothing, and each wait has a deadline (style: docs/). Never in fault, interrupt or call
// paths.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "kernel/base/assert.h"
#include "kernel/base/error.h"
#include "kernel/base/executor.h"
#include "kernel/base/platform.h"

namespace base {

namespace detail {

struct PromiseMemory {
  static void* operator new(std::size_t bytes) noexcept { return platform::allocate(bytes); }
  static void operator delete(void* frame) { platform::deallocate(frame); }
};

struct TaskPromiseBase : PromiseMemory {
  struct Final {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      return finished.promise().continuation;
    }
    void await_resume() const noexcept {}
  };
  std::suspend_always initial_suspend() const noexcept { return {}; }
  Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() const { platform::panic("exception in a coroutine"); }
  std::coroutine_handle<> continuation = std::noop_coroutine();
};

}  // namespace detail

template <typename T = void>
class [[nodiscard]] Task {
 public:
  struct promise_type : detail::TaskPromiseBase {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    static Task get_return_object_on_allocation_failure() { return Task(nullptr); }
    void return_value(Result<T> value) { result.emplace(std::move(value)); }
    std::optional<Result<T>> result;
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return !handle_; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle_.promise().continuation = waiter;
    return handle_;
  }
  Result<T> await_resume() {
    if (!handle_) return fail(Error::NoMemory);
    return std::move(*handle_.promise().result);
  }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

// A one-shot value that one coroutine waits for. The waiter is resumed by the loop, not inside complete(), so that
// whoever completes it need not care what the waiter does next. complete() may come first. Lives until resumed.
template <typename T = void>
class Completion : public Work {
 public:
  explicit Completion(EventLoop& loop) : loop_(loop) {}
  void complete(Result<T> value) {
    LEGO_ASSERT(!value_.has_value());
    value_.emplace(std::move(value));
    if (waiter_) loop_.post(*this);
  }
  bool completed() const { return value_.has_value(); }

  bool await_ready() const noexcept { return value_.has_value(); }
  void await_suspend(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }
  Result<T> await_resume() { return std::move(*value_); }

 private:
  void run() override { waiter_.resume(); }
  EventLoop& loop_;
  std::optional<Result<T>> value_;
  std::coroutine_handle<> waiter_;
};

// co_await Sleep(loop, deadline)
class Sleep : public Timer {
 public:
  Sleep(EventLoop& loop, std::uint64_t deadline_ns) : loop_(loop), until_ns_(deadline_ns) {}
  bool await_ready() const noexcept { return loop_.now_ns() >= until_ns_; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    loop_.arm(*this, until_ns_);
  }
  void await_resume() const noexcept {}

 private:
  void expired() override { waiter_.resume(); }
  EventLoop& loop_;
  std::uint64_t until_ns_;
  std::coroutine_handle<> waiter_;
};

namespace detail {
struct Detached {
  struct promise_type : PromiseMemory {
    Detached get_return_object() { return {true}; }
    static Detached get_return_object_on_allocation_failure() { return {false}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const {}
    void unhandled_exception() const { platform::panic("exception in a coroutine"); }
  };
  bool started;
};

template <typename T, typename Finished>
Detached run_detached(Task<T> task, Finished finished) {
  finished(co_await task);
}
}  // namespace detail

// Starts the task now, on the caller's stack, until its first wait; finished(Result<T>) is called at its end (at once,
// with NoMemory, if it cannot start).
template <typename T, typename Finished>
void spawn(Task<T> task, Finished finished) {
  if (!detail::run_detached<T, Finished>(std::move(task), finished).started) finished(Result<T>(fail(Error::NoMemory)));
}

}  // namespace base
