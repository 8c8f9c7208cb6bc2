// SPDX-License-Identifier: Apache-2.0
// The completions of one completion queue, awaited by one coroutine at a time. Engine callbacks only post work: what
// waits is resumed by the loop, outside the lock.
#pragma once

#include "kernel/base/async.h"
#include "kernel/base/task.h"
#include "net/verbs_test/world.h"

namespace verbs_test {

class Completions {
 public:
  explicit Completions(World& world) : world_(world), changed_(world.loop), wake_(*this), alarm_(*this) {}
  Completions(const Completions&) = delete;
  Completions& operator=(const Completions&) = delete;
  ~Completions() { LEGO_ASSERT(!queue_); }

  // With the lock held, as close().
  Result<> open_locked(std::uint32_t entries);
  void close_locked();
  verbs::CompletionQueue* queue() { return queue_.get(); }

  // The next completion, of whatever status. TimedOut at the deadline; Disconnected once stop() was called and nothing
  // is left.
  base::Task<verbs::WorkCompletion> next(std::uint64_t deadline_ns);
  // The next one if there is one.
  Result<verbs::WorkCompletion> poll();
  void stop();

 private:
  struct Wake final : base::Work {
    explicit Wake(Completions& owner) : completions(owner) {}
    void run() override { completions.changed_.wake_all(); }
    Completions& completions;
  };
  struct Alarm final : base::Timer {
    explicit Alarm(Completions& owner) : completions(owner) {}
    void expired() override { completions.changed_.wake_all(); }
    Completions& completions;
  };
  static void notified(void* self) {
    auto* completions = static_cast<Completions*>(self);
    completions->world_.loop.post(completions->wake_);
  }

  World& world_;
  base::Own<verbs::CompletionQueue> queue_;
  base::AsyncCondition changed_;
  Wake wake_;
  Alarm alarm_;
  bool stopped_ = false;
};

}  // namespace verbs_test
