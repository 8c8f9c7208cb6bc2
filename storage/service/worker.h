// SPDX-License-Identifier: Apache-2.0
// Where file-system code runs: one operation after the other, each to its end, in an order of arrival. Coroutines of
// the event loop hand operations over and are resumed by the loop with the result:
//   CO_TRY(const auto attributes, co_await run(loop, worker, [&] { return system.lookup(directory, name); }));
#pragma once

#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "kernel/base/executor.h"

namespace storage {

// Owned by whoever submits it, until finished().
class Operation : public boost::intrusive::list_base_hook<> {
 public:
  virtual void execute() = 0;   // on the worker; may wait for the disk
  virtual void finished() = 0;  // execute() has returned; on the loop's core, inside the worker
 protected:
  ~Operation() = default;
};

class Worker {
 public:
  virtual void submit(Operation& operation) = 0;

 protected:
  ~Worker() = default;
};

// Executes on the spot: for disks that never make anybody wait (tests, the simulation).
class DirectWorker final : public Worker {
 public:
  void submit(Operation& operation) override {
    operation.execute();
    operation.finished();
  }
};

template <typename Function>
class [[nodiscard]] WorkerCall final : private Operation, private base::Work {
 public:
  using Result = std::invoke_result_t<Function&>;
  WorkerCall(base::EventLoop& loop, Worker& worker, Function function)
      : loop_(loop), worker_(worker), function_(std::move(function)) {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) noexcept {
    waiter_ = waiter;
    worker_.submit(*this);
  }
  Result await_resume() { return std::move(*result_); }

 private:
  void execute() override { result_.emplace(function_()); }
  void finished() override { loop_.post(*this); }
  void run() override { waiter_.resume(); }

  base::EventLoop& loop_;
  Worker& worker_;
  Function function_;
  std::optional<Result> result_;
  std::coroutine_handle<> waiter_;
};

template <typename Function>
WorkerCall<Function> run(base::EventLoop& loop, Worker& worker, Function function) {
  return WorkerCall<Function>(loop, worker, std::move(function));
}

}  // namespace storage
