// SPDX-License-Identifier: Apache-2.0
#include "net/roce/datagram_pool.h"

namespace roce {

std::span<std::byte> DatagramPool::take() {
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].held) continue;
    taken_ = i;
    return buffers_[i].bytes;
  }
  return {};
}

bool DatagramPool::send_packet(const Path& path, TransportHeaders& headers, std::size_t bytes) {
  Buffer& buffer = buffers_[taken_];
  buffer.held = true;
  const Segment piece = std::span(buffer.bytes).first(bytes);
  if (transmitter_.send_packet(path, headers, std::span(&piece, 1), *this, taken_) == Sent::Yes) return true;
  buffer.held = false;
  return false;
}

bool DatagramPool::send_frame(std::span<const std::byte> head, std::size_t bytes) {
  Buffer& buffer = buffers_[taken_];
  buffer.held = true;
  if (transmitter_.send_frame(head, std::span(buffer.bytes).first(bytes), this, taken_) == Sent::Yes) return true;
  buffer.held = false;
  return false;
}

}  // namespace roce
