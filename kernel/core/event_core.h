// SPDX-License-Identifier: Apache-2.0
// The run loop of a core in an event-driven image (mComponent, sComponent): posted work, due timers and polled devices;
// when nothing is left, the earliest deadline is set in the core's timer and the core halts. No wake-up is lost:
// pollers arm their interrupts, and posting from another core sends an interrupt, between the last look and the HLT.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/executor.h"
#include "kernel/device/polled_device.h"

namespace kernel {

// Something looked at on every turn of the loop, on its core.
class Poller : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Does what there is to do; whether there was anything.
  virtual bool poll() = 0;
  // Before the core halts, with interrupts disabled: from now on new work raises an interrupt on this core. false: work
  // is there already, do not halt.
  virtual bool arm() = 0;
  // The core is awake again.
  virtual void disarm() = 0;

 protected:
  ~Poller() = default;
};

// A network or block device whose vector is on the core of the loop.
class DevicePoller final : public Poller, private device::InterruptHandler {
 public:
  explicit DevicePoller(device::PolledDevice& device) : device_(device) { device.set_interrupt_handler(*this); }
  bool poll() override { return device_.poll(budget) > 0; }
  bool arm() override { return device_.arm(); }
  void disarm() override { device_.disarm(); }

 private:
  static constexpr std::uint32_t budget = 64;  // then timers and posted work have their turn
  void interrupt() override {}                 // it has ended the HLT: that was all
  device::PolledDevice& device_;
};

class EventCore final : private base::LoopWaker {
 public:
  explicit EventCore(std::uint32_t core);
  EventCore(const EventCore&) = delete;
  EventCore& operator=(const EventCore&) = delete;

  std::uint32_t core() const { return core_; }
  base::EventLoop& loop() { return loop_; }
  // On the loop's own core, or before it runs.
  void add(Poller& poller) { pollers_.push_back(poller); }

  // On its own core.
  [[noreturn]] void run();

  struct Counters {
    std::uint64_t turns = 0;  // that found something to do
    std::uint64_t halts = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  void wake() override;
  bool turn();  // whether there may be more to do
  void halt_until_work();
  bool arm_all();

  std::uint32_t core_;
  base::EventLoop loop_;
  boost::intrusive::list<Poller, boost::intrusive::constant_time_size<false>> pollers_;
  std::atomic<bool> halting_{false};
  Counters counters_;
};

// Makes one for each core that runs. Once, by component_main() of an image that wants them.
base::Result<> make_event_cores();
EventCore& event_core(std::uint32_t core);
EventCore& this_event_core();
// Runs all of them, each on its core.
[[noreturn]] void run_event_cores();

}  // namespace kernel
