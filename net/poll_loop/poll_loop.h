// SPDX-License-Identifier: Apache-2.0
// Drives an EventLoop of a Linux program by poll(2): descriptors with handlers, timers and posted work, all on the
// thread that calls run_once(). Sleeps when there is nothing to do.
#pragma once

#include <poll.h>

#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "kernel/base/executor.h"

namespace poll_loop {

class PollLoop {
 public:
  using Handler = std::function<void(short revents)>;
  struct Watched {
    int fd;
    short events;  // 0: do not watch now
    Handler handler;
    bool gone = false;
  };
  // Ends the watching when it goes. wants() changes what is waited for.
  class Watch {
   public:
    Watch() = default;
    explicit Watch(Watched* watched) : watched_(watched) {}
    Watch(Watch&& other) noexcept : watched_(std::exchange(other.watched_, nullptr)) {}
    Watch& operator=(Watch&& other) noexcept {
      std::swap(watched_, other.watched_);
      return *this;
    }
    ~Watch() {
      if (watched_ != nullptr) watched_->gone = true;
    }
    void wants(short events) { watched_->events = events; }
    explicit operator bool() const { return watched_ != nullptr; }

   private:
    Watched* watched_ = nullptr;
  };

  explicit PollLoop(base::EventLoop& loop) : loop_(loop) {}

  base::EventLoop& loop() { return loop_; }
  // The loop outlives the watch. A handler may end any watch, its own too.
  [[nodiscard]] Watch watch(int fd, short events, Handler handler);

  // Called each time before the loop waits, while the Hook is there: for what must look at its state after anything may
  // have changed it. The hook may be taken away at any time, but not while it runs.
  using Hook = std::unique_ptr<std::function<void()>, std::function<void(std::function<void()>*)>>;
  [[nodiscard]] Hook before_wait(std::function<void()> hook);

  // Waits until something happens and handles all that did.
  void run_once();

 private:
  base::EventLoop& loop_;
  std::list<Watched> watched_;
  std::list<std::function<void()>*> hooks_;
};

// Nanoseconds of CLOCK_MONOTONIC.
class MonotonicClock final : public base::Clock {
 public:
  std::uint64_t now_ns() const override;
};

}  // namespace poll_loop
