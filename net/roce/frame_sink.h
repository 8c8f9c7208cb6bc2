// SPDX-License-Identifier: Apache-2.0
// Where an Engine puts its Ethernet frames: a NIC's transmit ring, a socket, a simulated wire. A frame is handed over
// as a list of pieces that stay where they are (headers in the engine's slots, payload in the caller's registered
// memory), so that sending copies nothing; the sink gives them back with Engine::transmit_done().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"

namespace roce {

using base::Error;
using base::Result;

// A piece of a frame, never empty. The last 1 to 7 bytes (padding and ICRC) and the headers are pieces of their own.
using Segment = std::span<const std::byte>;
inline constexpr std::size_t max_segments = 12;

// Names a frame that the sink holds.
using TransmitToken = std::uint32_t;

class FrameSink {
 public:
  // Takes a whole Ethernet frame (destination address to ICRC, no FCS) of at most max_segments pieces. They stay valid
  // and unchanged until Engine::transmit_done(token), which may be called from within transmit(), but exactly once.
  // Error::Again: full, nothing was taken and token is void; the sink calls Engine::space_available() later.
  // Any other error: the frame is lost and token is void; the protocol recovers.
  [[nodiscard]] virtual Result<> transmit(std::span<const Segment> segments, TransmitToken token) = 0;

  // Returns when no frame is held any more, having called transmit_done() for each. Called (rarely) when memory that
  // frames may still refer to is about to be taken away: a queue pair or memory region is destroyed.
  virtual void quiesce() = 0;

 protected:
  ~FrameSink() = default;
};

}  // namespace roce
