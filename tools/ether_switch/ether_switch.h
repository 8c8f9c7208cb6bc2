// SPDX-License-Identifier: Apache-2.0
// The virtual Ethernet switch without its sockets: learns which addresses are behind which port, forwards, and applies
// the fault plan. Time is passed in, so that tests and the seeded simulation own it. A frame never leaves by the port
// it came in by. Everything is bounded: addresses (what is not learned is flooded) and bytes of frames that wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/ether_switch/faults.h"

namespace ether_switch {

using PortIndex = std::size_t;

// Where forwarded frames go. The bytes are good during the call only.
class FrameSink {
 public:
  virtual void deliver(PortIndex to, std::span<const std::byte> frame) = 0;

 protected:
  ~FrameSink() = default;
};

class EtherSwitch {
 public:
  struct Counters {
    std::uint64_t forwarded = 0;  // deliveries to a port
    std::uint64_t flooded = 0;    // frames whose port was not known, or for all
    std::uint64_t dropped = 0;    // by the fault plan, as are the next four
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t delayed = 0;
    std::uint64_t partitioned = 0;
    std::uint64_t overflowed = 0;  // too many bytes waited
  };

  EtherSwitch(FaultPlan plan, const std::vector<std::string>& port_names, FrameSink& sink);

  // A frame came in; now_ns is the time since the switch started. Frames without a whole Ethernet header are ignored.
  void receive(PortIndex from, std::span<const std::byte> frame, std::uint64_t now_ns);
  // Delivers what has waited long enough.
  void release(std::uint64_t now_ns);
  // When release() is next needed; base::never_ns if nothing waits.
  std::uint64_t next_release_ns() const;
  // What was behind this port is no longer.
  void disconnect(PortIndex port);

  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {
    PortIndex from;
    std::vector<std::byte> frame;
  };
  struct Held {
    std::vector<std::byte> frame;
    std::uint32_t overtaken_by;  // so many more
    std::uint64_t deadline_ns;
  };
  struct Port {
    std::uint64_t hash;           // of its name, for fates
    std::uint64_t frames = 0;     // received so far
    std::uint64_t last_ns = 0;    // when the last frame from here is to be delivered
    std::vector<Held> held = {};  // frames that others go before
  };

  void learn(PortIndex from, std::span<const std::byte> frame);
  void schedule(PortIndex from, std::span<const std::byte> frame, const FrameFate& fate, std::uint64_t now_ns);
  void hold(PortIndex from, std::span<const std::byte> frame, const FrameFate& fate, std::uint64_t now_ns);
  void let_go(PortIndex from, std::uint64_t now_ns, std::uint32_t passed);
  void deliver_at(PortIndex from, std::span<const std::byte> frame, std::uint64_t at_ns, std::uint64_t now_ns);
  void forward(PortIndex from, std::span<const std::byte> frame, std::uint64_t now_ns);
  void deliver(PortIndex from, PortIndex to, std::span<const std::byte> frame, std::uint64_t now_ns);
  bool cut(PortIndex a, PortIndex b, std::uint64_t now_ns) const;

  struct Cut {
    std::vector<PortIndex> ports;
    std::uint64_t start_ns;
    std::uint64_t end_ns;
  };

  const FaultPlan plan_;
  FrameSink& sink_;
  std::vector<Port> ports_;
  std::vector<Cut> cuts_;
  std::unordered_map<std::uint64_t, PortIndex> addresses_;
  std::multimap<std::uint64_t, Waiting> waiting_;  // by time of delivery; equal times in the order they were put in
  std::size_t waiting_bytes_ = 0;                  // in waiting_ and in every held
  Counters counters_;
};

}  // namespace ether_switch
