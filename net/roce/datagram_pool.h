// SPDX-License-Identifier: Apache-2.0
// Buffers for the datagrams that the engine itself sends (CM messages, echo replies): a bounded pool; one is taken for
// each frame and comes back when the sink has given the frame back. When there is none the datagram is lost, and
// whoever sent it has a timer.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "net/roce/limits.h"
#include "net/roce/transmitter.h"

namespace roce {

class DatagramPool final : public FrameOwner {
 public:
  explicit DatagramPool(Transmitter& transmitter) : transmitter_(transmitter) {}
  Result<> initialize() { return buffers_.resize(limits::datagrams); }

  // Room for a datagram, valid until the next take(); empty: there is none.
  std::span<std::byte> take();
  // Sends the first `bytes` of what take() gave, as a RoCEv2 packet or behind other headers. False: lost.
  bool send_packet(const Path& path, TransportHeaders& headers, std::size_t bytes);
  bool send_frame(std::span<const std::byte> head, std::size_t bytes);

  void frame_released(std::uint64_t cookie) override { buffers_[cookie].held = false; }

 private:
  struct Buffer {
    std::array<std::byte, limits::datagram_bytes> bytes;
    bool held = false;
  };
  Transmitter& transmitter_;
  base::Array<Buffer> buffers_;
  std::size_t taken_ = 0;
};

}  // namespace roce
