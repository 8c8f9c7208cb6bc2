// SPDX-License-Identifier: Apache-2.0
// Software RoCEv2 as pure protocol code: net/verbs on one side, Ethernet frames on the other. It owns no device, thread
// or clock: whoever drives it feeds frames and time and takes frames out. Standard on the wire (IBTA Volume 1 with
// annex A17; UDP port 4791 over IPv4 and, from the link-local address, IPv6; ARP and neighbour discovery; CM on QP1).
// Not locked: all calls on an Engine and on everything that it made are serialised by the caller (lock rank Verbs).
// Nothing allocates once regions, queues and connections exist.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/clock.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "net/roce/counters.h"
#include "net/roce/frame_sink.h"
#include "net/roce/icrc.h"
#include "net/roce/mac_address.h"
#include "net/verbs/connection_manager.h"
#include "net/verbs/verbs.h"

namespace roce {

struct EngineConfig {
  MacAddress mac;
  std::uint32_t ipv4 = 0;  // host order, as all addresses here
  std::uint8_t prefix_length = 24;
  std::uint32_t gateway = 0;      // 0: none, everything is on the link
  std::uint32_t link_mtu = 1500;  // the largest IP packet; path MTU 4096 needs 4200
  // Start values of PSNs, keys, QP numbers and CM ids come from it: take another one at every start.
  std::uint64_t seed = 1;
  std::uint32_t max_queue_pairs = 256;
  std::uint32_t max_memory_regions = 1024;
  std::uint32_t max_connections = 256;
  std::uint32_t transmit_slots = 256;  // frames that the sink may hold at a time
  CrcMethod crc = CrcMethod::SliceBy8;
};

// Whether more frames follow at once, so that acknowledgements can be put together.
enum class More : bool { No, Yes };

class Engine {
 public:
  // The clock and the sink outlive the engine; the engine outlives everything that was made from it.
  static Result<base::Own<Engine>> create(const EngineConfig& config, const base::Clock& clock, FrameSink& sink);
  virtual ~Engine() = default;

  virtual verbs::Device& device() = 0;
  virtual verbs::ConnectionManager& connections() = 0;

  // A frame from the wire, without FCS. Its payload is copied, once, before this returns. After a frame with More::Yes
  // another receive() or advance() follows soon.
  virtual void receive(std::span<const std::byte> frame, More more = More::No) = 0;
  // The sink no longer needs the pieces of this frame.
  virtual void transmit_done(TransmitToken token) = 0;
  // The sink, which was full, takes frames again.
  virtual void space_available() = 0;

  // When advance() has something to do (never_ns: not before another call). Ask again after every call to the engine.
  virtual std::uint64_t next_deadline_ns() const = 0;
  // Runs what is due by the clock.
  virtual void advance() = 0;

  virtual const Counters& counters() const = 0;
};

}  // namespace roce
