// SPDX-License-Identifier: Apache-2.0
// Ethernet frames on a byte stream, as QEMU's `-netdev stream` writes them: a length of four bytes, most significant
// first, then the frame without its FCS. Reader and Writer keep the bytes; who calls does the system calls, so that the
// same code runs in the switch, in EtherSocket and in tests. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernel/base/error.h"

namespace ether_socket {

inline constexpr std::size_t length_bytes = 4;
inline constexpr std::size_t min_frame_bytes = 14;    // the Ethernet header
inline constexpr std::size_t max_frame_bytes = 9018;  // a jumbo frame without FCS, and a VLAN tag
// No sender of frames has a larger one, not even with segmentation offload: beyond it the stream is out of step.
inline constexpr std::size_t max_length = 128 * 1024;

class FrameReader {
 public:
  FrameReader();

  // Where the next bytes of the stream go; never empty. commit() says how many came.
  std::span<std::byte> space();
  void commit(std::size_t bytes);

  // The next whole frame, good until the next call of anything here; nothing if more bytes are needed. Frames that are
  // too short or too long are left out and counted. Error::Malformed: the stream is out of step, give it up.
  base::Result<std::optional<std::span<const std::byte>>> next();

  std::uint64_t bad_frames() const { return bad_frames_; }

 private:
  std::size_t available() const { return end_ - begin_; }
  std::uint32_t peek_length() const;

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // [begin_, end_) of buffer_ has come and is not yet used
  std::size_t end_ = 0;
  std::size_t skip_ = 0;  // bytes of an over-long frame that are still to come
  std::uint64_t bad_frames_ = 0;
};

class FrameWriter {
 public:
  // At most about `limit` bytes wait; what comes on top of that is refused.
  explicit FrameWriter(std::size_t limit) : limit_(limit) {}

  // Queues one frame, gathered from its parts. Error::Exhausted: the queue is full (counted); InvalidArgument: too
  // short or too long for a frame.
  base::Result<> push(std::span<const std::span<const std::byte>> parts);

  bool empty() const { return begin_ == bytes_.size(); }
  std::size_t waiting_bytes() const { return bytes_.size() - begin_; }
  std::span<const std::byte> front() const { return std::span(bytes_).subspan(begin_); }
  void consume(std::size_t bytes);

  std::uint64_t dropped() const { return dropped_; }

 private:
  std::size_t limit_;
  std::vector<std::byte> bytes_;
  std::size_t begin_ = 0;  // what lies before it is written
  std::uint64_t dropped_ = 0;
};

}  // namespace ether_socket
