// SPDX-License-Identifier: Apache-2.0
// What all virtio drivers share around their queues: the transport, the interrupts, one core polling at a time, and
// the end of a device that broke its rules or asked for a reset. A failed device is reset before anything it was given
// is handed back, and stays out of use.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "kernel/base/memory.h"
#include "kernel/device/counter.h"
#include "kernel/device/poll_gate.h"
#include "kernel/device/polled_device.h"
#include "kernel/virtio/transport.h"

namespace virtio {

class Lifecycle {
 public:
  Lifecycle(std::string_view name, base::Own<Transport> transport, device::PolledDevice& device)
      : name_(name), transport_(std::move(transport)), queues_(*this), config_(*this), device_(device) {}

  Transport& transport() { return *transport_; }
  base::Result<> connect_interrupts() { return transport_->connect_interrupts(queues_, config_); }
  void set_handler(device::InterruptHandler& handler) { handler_ = &handler; }

  bool failed() const { return failed_.load(std::memory_order_acquire); }  // pairs with the release in fail()
  // The device wants its status looked at: arm() must not let anybody sleep before poll() did that.
  bool status_due() const { return status_due_.load(std::memory_order_relaxed); }
  std::uint64_t errors() const { return errors_.value(); }
  void count_error() { errors_.add(); }

  // Inside poll(): ends the device if it asks for that.
  void check_status();
  // Ends the device. When it returns the device reaches no memory any more, on whatever core that was seen to.
  void fail(std::string_view why);

  // poll(): runs poll_once(budget left), which returns the number of events it handled, until nothing is left to do.
  template <typename PollOnce>
  std::uint32_t poll(std::uint32_t budget, PollOnce poll_once);

 private:
  struct QueueInterrupt : device::InterruptHandler {
    explicit QueueInterrupt(Lifecycle& life) : owner(life) {}
    void interrupt() override { owner.forward(); }
    Lifecycle& owner;
  };
  struct ConfigInterrupt : device::InterruptHandler {
    explicit ConfigInterrupt(Lifecycle& life) : owner(life) {}
    void interrupt() override {
      owner.status_due_.store(true, std::memory_order_relaxed);  // read by this or a later poll()
      owner.forward();
    }
    Lifecycle& owner;
  };
  void forward() {
    device_.disarm();
    if (handler_ != nullptr) handler_->interrupt();
  }

  std::string_view name_;
  base::Own<Transport> transport_;
  QueueInterrupt queues_;
  ConfigInterrupt config_;
  device::PolledDevice& device_;
  device::InterruptHandler* handler_ = nullptr;
  device::PollGate gate_;
  device::Counter errors_;
  std::atomic<bool> failing_{false};
  std::atomic<bool> failed_{false};
  std::atomic<bool> status_due_{false};
};

template <typename PollOnce>
std::uint32_t Lifecycle::poll(std::uint32_t budget, PollOnce poll_once) {
  // Off all the way: a thread that was preempted in here would keep every other core out.
  const std::uint64_t interrupts = base::platform::disable_interrupts();
  std::uint32_t handled = 0;
  if (budget > 0 && gate_.enter()) {
    while (true) {
      check_status();
      handled += poll_once(budget - handled);
      if (handled >= budget) {
        gate_.leave_unfinished();
        break;
      }
      if (gate_.leave()) break;
    }
  }
  base::platform::restore_interrupts(interrupts);
  return handled;
}

}  // namespace virtio
