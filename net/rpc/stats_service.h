// SPDX-License-Identifier: Apache-2.0
// Answers StatsRead with a component's counters, from all the sources that it was given, in their order.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/async.h"
#include "kernel/base/spinlock.h"
#include "net/messages/program.h"
#include "net/rpc/buffers.h"
#include "net/rpc/server.h"
#include "net/rpc/statistics.h"

namespace rpc {

class CounterSource {
 public:
  virtual void report(CounterSink& sink) = 0;  // on the server's loop

 protected:
  ~CounterSource() = default;
};

// The counters of net/rpc itself.
class EndpointCounters final : public CounterSource {
 public:
  EndpointCounters(base::SpinLock& lock, const Statistics& statistics) : lock_(lock), statistics_(statistics) {}
  void report(CounterSink& sink) override {
    const base::SpinGuard guard(lock_);
    statistics_.report(sink);
  }

 private:
  base::SpinLock& lock_;
  const Statistics& statistics_;
};

class StatsService {
 public:
  // Registers its handler. `lock` is the endpoint's.
  static Result<base::Own<StatsService>> create(Server& server, BufferMemory& memory, base::SpinLock& lock);
  StatsService(base::EventLoop& loop, BufferMemory& memory, base::SpinLock& lock, const Buffer& text)
      : memory_(memory), lock_(lock), text_(text), busy_(loop) {}
  StatsService(const StatsService&) = delete;
  StatsService& operator=(const StatsService&) = delete;
  ~StatsService();
  Result<> add(CounterSource& source) { return sources_.push_back(&source); }

 private:
  base::Task<> read(ServerCall& call, messages::StatsReadRequest request);

  BufferMemory& memory_;
  base::SpinLock& lock_;
  Buffer text_;
  base::AsyncLock busy_;  // the text is being written or sent
  base::Array<CounterSource*> sources_;
};

}  // namespace rpc
