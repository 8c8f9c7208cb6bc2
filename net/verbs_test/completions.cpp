// SPDX-License-Identifier: Apache-2.0
// Completions that coroutines wait for: see completions.h.
#include "net/verbs_test/completions.h"

namespace verbs_test {

Result<> Completions::open_locked(std::uint32_t entries) {
  queue_ = TRY(world_.device.create_completion_queue(entries));
  stopped_ = false;
  return {};
}

void Completions::close_locked() {
  queue_.reset();
  wake_.unlink();
  alarm_.cancel();
}

void Completions::stop() {
  stopped_ = true;
  changed_.wake_all();
}

Result<verbs::WorkCompletion> Completions::poll() {
  verbs::WorkCompletion completion;
  const base::SpinGuard guard(world_.lock);
  if (!queue_) return base::fail(Error::Disconnected);
  if (queue_->poll(std::span(&completion, 1)) == 1) return completion;
  return base::fail(Error::Again);
}

base::Task<verbs::WorkCompletion> Completions::next(std::uint64_t deadline_ns) {
  for (;;) {
    const auto completion = poll();
    if (completion || completion.error() != Error::Again) {
      alarm_.cancel();
      co_return completion;
    }
    if (stopped_) co_return base::fail(Error::Disconnected);
    if (world_.loop.now_ns() >= deadline_ns) co_return base::fail(Error::TimedOut);
    {
      const base::SpinGuard guard(world_.lock);
      queue_->request_notify(&notified, this);
    }
    world_.loop.arm(alarm_, deadline_ns);
    co_await changed_.wait();
  }
}

}  // namespace verbs_test
