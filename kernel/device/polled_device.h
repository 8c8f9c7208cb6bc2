// SPDX-License-Identifier: Apache-2.0
// A device that is driven by polling and may interrupt when somebody wants to sleep: what a run loop, an interrupt
// handler or a spinning thread needs to know of it, whatever its kind. All calls may come from any core, also with
// interrupts disabled, but not with a lock of rank Device or later held.
//
// Sleeping without losing an event: arm(); if it returns false, poll() again instead of sleeping. After an interrupt
// the device stays quiet until the next arm().
#pragma once

#include <cstdint>

namespace device {

class InterruptHandler {
 public:
  // In interrupt context, on the core that the device's vector goes to; the device has already been disarmed.
  virtual void interrupt() = 0;

 protected:
  ~InterruptHandler() = default;
};

class PolledDevice {
 public:
  virtual ~PolledDevice() = default;

  // Handles at most `budget` events (received frames, completions) and returns how many there were; as many as the
  // budget: call again. Callbacks run inside, with interrupts disabled and no lock held; they may start new
  // operations on the device. One core polls at a time: on another core, or from inside a callback, poll() returns 0
  // at once, and the core that polls looks again before it returns.
  virtual std::uint32_t poll(std::uint32_t budget) = 0;

  // Asks for an interrupt at the next event. False: there is one already, and the device is left disarmed.
  [[nodiscard]] virtual bool arm() = 0;
  virtual void disarm() = 0;

  // Before the first arm(). The handler stays for good.
  virtual void set_interrupt_handler(InterruptHandler& handler) = 0;
};

}  // namespace device
