// SPDX-License-Identifier: Apache-2.0
// The calling thread, as blocking operations of this folder see it. They link it into wait queues as a base::Waiter and
// sleep; what a thread is stays outside, so that the simulation can use fibers. One Sleeper belongs to one thread and
// serves one wait after the other.
#pragma once

#include <cstdint>

#include "kernel/base/waiter.h"

namespace processor {

class Sleeper : public base::Waiter {
 public:
  // Until wake(), which may have come before. false: the thread is being killed and was not woken; it is still linked
  // to whatever it was linked to, and must be taken off under that structure's lock. Never called with a spinlock held.
  virtual bool sleep() = 0;
  virtual std::uint64_t now_ns() const = 0;

 protected:
  ~Sleeper() = default;
};

}  // namespace processor
