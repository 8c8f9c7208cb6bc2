// SPDX-License-Identifier: Apache-2.0
// Drives an Endpoint from an EventLoop: completions and maintenance run as posted work and on one timer. On a
// pComponent poll() is called from interrupts as well, and only maintenance needs the loop.
#pragma once

#include "kernel/base/executor.h"
#include "net/rpc/endpoint.h"

namespace rpc {

class LoopDriver final : public Driver {
 public:
  explicit LoopDriver(base::EventLoop& loop) : loop_(loop), poll_(*this), maintain_(*this), timer_(*this) {}
  LoopDriver(const LoopDriver&) = delete;
  LoopDriver& operator=(const LoopDriver&) = delete;

  // Once, after Endpoint::create.
  void attach(Endpoint& endpoint) {
    endpoint_ = &endpoint;
    loop_.post(maintain_);
  }
  void poll_wanted() override { loop_.post(poll_); }
  void maintenance_wanted() override { loop_.post(maintain_); }

 private:
  struct Poll final : base::Work {
    explicit Poll(LoopDriver& owner) : driver(owner) {}
    void run() override { driver.poll(); }
    LoopDriver& driver;
  };
  struct Maintain final : base::Work {
    explicit Maintain(LoopDriver& owner) : driver(owner) {}
    void run() override { driver.maintain(); }
    LoopDriver& driver;
  };
  struct Alarm final : base::Timer {
    explicit Alarm(LoopDriver& owner) : driver(owner) {}
    void expired() override { driver.maintain(); }
    LoopDriver& driver;
  };
  void poll() {
    if (endpoint_ != nullptr) endpoint_->poll();
  }
  void maintain() {
    if (endpoint_ == nullptr) return;
    endpoint_->maintain();
    const std::uint64_t next_ns = endpoint_->next_deadline_ns();
    if (next_ns == base::never_ns) {
      timer_.cancel();
    } else {
      loop_.arm(timer_, next_ns);
    }
  }

  base::EventLoop& loop_;
  Endpoint* endpoint_ = nullptr;
  Poll poll_;
  Maintain maintain_;
  Alarm timer_;
};

}  // namespace rpc
