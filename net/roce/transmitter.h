// SPDX-License-Identifier: Apache-2.0
// Hands frames to the sink. Each frame takes a slot with room for its headers and its trailer (padding, ICRC); payload
// stays where it is. A slot remembers whose memory the frame refers to and tells that owner when the sink gives it
// back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "net/roce/counters.h"
#include "net/roce/frame.h"
#include "net/roce/frame_sink.h"
#include "net/roce/icrc.h"
#include "net/roce/packet.h"

namespace roce {

// Who is told that a frame is no longer referred to.
class FrameOwner {
 public:
  virtual void frame_released(std::uint64_t cookie) = 0;

 protected:
  ~FrameOwner() = default;
};

// From here to a peer: all that Ethernet, IP and UDP headers need.
struct Path {
  MacAddress mac;
  verbs::Gid source;
  verbs::Gid destination;
  std::uint16_t source_port = 0;
};

enum class Sent : bool { No, Yes };

class Transmitter {
 public:
  Transmitter(FrameSink& sink, Counters& counters, const CrcMethodInfo& crc)
      : sink_(sink), counters_(counters), crc_(crc) {}
  Result<> initialize(std::uint32_t slots, const MacAddress& mac);

  // Neither call copies payload; it must stay until owner.frame_released(cookie). Sent::No: full, try again when
  // blocked() is over. What the sink loses counts as sent.
  // A RoCEv2 packet: adds padding and ICRC.
  Sent send_packet(const Path& path, TransportHeaders& headers, std::span<const Segment> payload, FrameOwner& owner,
                   std::uint64_t cookie);
  // Any other frame: `head` is copied (at most head_bytes), `payload` is not. With payload there is an owner.
  Sent send_frame(std::span<const std::byte> head, Segment payload, FrameOwner* owner, std::uint64_t cookie);

  void done(TransmitToken token);
  void space_available() { sink_full_ = false; }
  bool blocked() const { return sink_full_ || free_ == slots_.size(); }
  std::uint32_t held() const { return held_; }
  void quiesce() {
    if (held_ > 0) sink_.quiesce();
  }
  std::uint16_t next_identification() { return identification_++; }

  static constexpr std::size_t head_bytes = 128;

 private:
  struct Slot {
    std::array<std::byte, head_bytes> head;
    std::array<std::byte, 8> trailer;
    FrameOwner* owner = nullptr;
    std::uint64_t cookie = 0;
    std::uint32_t next_free = 0;
    bool held = false;
  };
  Sent submit(std::uint32_t index, std::span<const Segment> segments, FrameOwner* owner, std::uint64_t cookie);

  FrameSink& sink_;
  Counters& counters_;
  const CrcMethodInfo& crc_;
  MacAddress mac_;
  base::Array<Slot> slots_;
  std::uint32_t free_ = 0;  // == slots_.size(): none
  std::uint32_t held_ = 0;
  std::uint16_t identification_ = 0;
  bool sink_full_ = false;
};

}  // namespace roce
