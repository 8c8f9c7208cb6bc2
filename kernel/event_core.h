// SPDX-License-Identifier: Apache-2.0
// The run loop of a core in an event-driven image (mComponent, sComponent): posted work, due timers and polled devices;
// when nothing is left, the earliest deadline is set in the core's timer and the core halts. No wake-up is lost:
// pollers re-arm their interrupts, and posting from another core sends an interrupt, between the last look and the HLT.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/base/executor.h"

namespace kernel {

// Something looked at on every turn of the loop, on its core: a network device.
class Poller : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Does what there is to do; whether there was anything.
  virtual bool poll() = 0;
  // Before the core halts, with interrupts disabled: from now on new work raises an interrupt on this core (whose
  // handler need do nothing but silence it). false: work is there already, do not halt.
  virtual bool arm() = 0;

 protected:
  ~Poller() = default;
};

class EventCore {
 public:
  explicit EventCore(std::uint32_t core);
  EventCore(const EventCore&) = delete;
  EventCore& operator=(const EventCore&) = delete;

  std::uint32_t core() const { return core_; }
  base::EventLoop& loop() { return loop_; }
  void add(Poller& poller) { pollers_.push_back(poller); }  // from the loop's own core

  // On its own core; never returns.
  [[noreturn]] void run();

  struct Counters {
    std::uint64_t turns = 0, halts = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  bool turn();
  void halt_until_work();

  std::uint32_t core_;
  base::EventLoop loop_;
  boost::intrusive::list<Poller, boost::intrusive::constant_time_size<false>> pollers_;
  Counters counters_;
};

// The event core of each core; made at start-up for every core that runs.
EventCore& event_core(std::uint32_t core);
EventCore& this_event_core();

}  // namespace kernel
