// SPDX-License-Identifier: Apache-2.0
// The Ethernet port of a component: connects a network device to the RoCE engine, both ways without a copy, and keeps
// the engine's time. Whoever runs the core calls poll(), and arm() before it sleeps (event_port.h, thread_port.h).
//
// lock() serialises the engine and everything made from it (rank Rpc: net/rpc keeps its own data under it too). The
// port takes it for received frames, completions and time; users of verbs take it around their calls. No call here may
// be made with it held, except those that the engine makes itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/clock.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "kernel/netdev/net_device.h"
#include "net/roce/engine.h"
#include "net/roce/frame_sink.h"

namespace port {

using base::Result;

// Told, with lock() held, when the port wants poll() next; the last word counts.
class Alarm {
 public:
  virtual void wanted_at(std::uint64_t deadline_ns) = 0;

 protected:
  ~Alarm() = default;
};

class EthernetPort final : public roce::FrameSink, private netdev::Receiver, private netdev::TransmitSpace {
 public:
  // `frames`: how many the engine may have sent and not yet got back. The device and the clock outlive the port.
  static Result<base::Own<EthernetPort>> create(netdev::NetDevice& device, const base::Clock& clock,
                                                std::uint32_t frames);
  EthernetPort(netdev::NetDevice& device, const base::Clock& clock) : device_(device), clock_(clock) {}  // for create()

  // Once, before anything else: the engine whose sink this port is.
  void attach(base::Own<roce::Engine> engine);
  void set_alarm(Alarm& alarm) { alarm_ = &alarm; }

  base::SpinLock& lock() { return lock_; }
  roce::Engine& engine() { return *engine_; }

  // Handles at most `budget` events of the device and what is due by the clock; whether there was anything.
  bool poll(std::uint32_t budget = 64);
  // Asks the device for an interrupt at the next event; false: poll() again instead. deadline_ns() is when to poll even
  // without an interrupt.
  [[nodiscard]] bool arm() { return device_.arm(); }
  void disarm() { device_.disarm(); }
  std::uint64_t deadline_ns() const { return deadline_ns_.load(std::memory_order_relaxed); }

  // Calls visit(name, value) for net.tx_packets, net.tx_bytes, net.rx_packets, net.rx_bytes, net.retransmits,
  // net.tx_payload_copied and net.tx_payload_in_place (bytes: no page is ever copied to be sent) and some more, and for
  // all of the engine's as roce.NAME. Numbers that belong together may be a packet apart.
  template <typename Visitor>
  void for_each_counter(Visitor&& visit);

  // roce::FrameSink, called by the engine with lock() held.
  Result<> transmit(std::span<const roce::Segment> segments, roce::TransmitToken token) override;
  void quiesce() override;

 private:
  // A frame that the device holds. After quiesce() the engine has its token back (live is false) though the device's
  // word is still to come; the slot is free only then.
  struct Slot final : netdev::TransmitDone {
    void transmitted() override { owner->finished(*this); }
    EthernetPort* owner = nullptr;
    roce::TransmitToken token = 0;
    bool live = false;
    std::uint32_t next_free = 0;
  };
  struct Plan;

  void frame(std::span<const std::byte> frame, netdev::More more) override;
  void transmit_space_available() override;
  void finished(Slot& slot);
  Result<> send_copied(std::span<const netdev::Segment> segments, roce::TransmitToken token);
  Result<> send_borrowed(std::span<const netdev::Segment> segments, roce::TransmitToken token);
  void expect_answer_locked();
  void advance();
  void set_deadline_locked(std::uint64_t deadline_ns);

  netdev::NetDevice& device_;
  const base::Clock& clock_;
  Alarm* alarm_ = nullptr;
  base::SpinLock lock_{base::LockRank::Rpc};  // guards all below, and the engine
  base::Own<roce::Engine> engine_;
  base::Array<Slot> slots_;
  std::uint32_t free_slot_ = 0;  // slots_.size(): none
  bool wants_slot_ = false;
  // Bytes between headers and trailers: copied into the device's buffers, or sent from where the user has them.
  std::uint64_t payload_copied_ = 0;
  std::uint64_t payload_in_place_ = 0;
  // Not later than when the engine wants advance(). Written under lock_, read without: a stale value delays or repeats
  // one look.
  std::atomic<std::uint64_t> deadline_ns_{0};
};

template <typename Visitor>
void EthernetPort::for_each_counter(Visitor&& visit) {
  const netdev::Counters device = device_.counters();
  visit(std::string_view("net.tx_packets"), device.tx_packets);
  visit(std::string_view("net.tx_bytes"), device.tx_bytes);
  visit(std::string_view("net.rx_packets"), device.rx_packets);
  visit(std::string_view("net.rx_bytes"), device.rx_bytes);
  visit(std::string_view("net.tx_full"), device.tx_full);
  visit(std::string_view("net.rx_dropped"), device.rx_dropped);
  visit(std::string_view("net.device_errors"), device.device_errors);
  visit(std::string_view("net.tx_payload_copied"), payload_copied_);
  visit(std::string_view("net.tx_payload_in_place"), payload_in_place_);
  visit(std::string_view("net.retransmits"), engine_->counters().retransmits);
  roce::for_each_reported_counter(engine_->counters(), visit);
}

}  // namespace port
