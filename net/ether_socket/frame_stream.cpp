// SPDX-License-Identifier: Apache-2.0
// The buffers are compacted only when what is gone outweighs what is kept, so each byte moves at most once or twice.
#include "net/ether_socket/frame_stream.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/endian.h"

namespace ether_socket {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;  // one read() may bring this much

}  // namespace

FrameReader::FrameReader() : buffer_(read_bytes + length_bytes + max_frame_bytes) {}

std::span<std::byte> FrameReader::space() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < read_bytes) {
    // next() has taken every whole frame, so that less than one is left to move.
    std::memmove(buffer_.data(), buffer_.data() + begin_, available());
    end_ -= begin_;
    begin_ = 0;
  }
  return std::span(buffer_).subspan(end_);
}

void FrameReader::commit(std::size_t bytes) { end_ += std::min(bytes, buffer_.size() - end_); }

std::uint32_t FrameReader::peek_length() const {
  base::be32 length;
  std::memcpy(&length, buffer_.data() + begin_, sizeof(length));
  return length;
}

base::Result<std::optional<std::span<const std::byte>>> FrameReader::next() {
  for (;;) {
    const std::size_t skipped = std::min(skip_, available());
    begin_ += skipped;
    skip_ -= skipped;
    if (skip_ > 0 || available() < length_bytes) return std::nullopt;
    const std::size_t length = peek_length();
    if (length > max_length) return base::fail(base::Error::Malformed);
    if (length < min_frame_bytes || length > max_frame_bytes) {
      ++bad_frames_;
      begin_ += length_bytes;
      skip_ = length;
      continue;
    }
    if (available() < length_bytes + length) return std::nullopt;
    const auto frame = std::span<const std::byte>(buffer_).subspan(begin_ + length_bytes, length);
    begin_ += length_bytes + length;
    return frame;
  }
}

base::Result<> FrameWriter::push(std::span<const std::span<const std::byte>> parts) {
  std::size_t length = 0;
  for (const auto& part : parts) length += part.size();
  if (length < min_frame_bytes || length > max_frame_bytes) return base::fail(base::Error::InvalidArgument);
  if (waiting_bytes() + length_bytes + length > limit_) {
    ++dropped_;
    return base::fail(base::Error::Exhausted);
  }
  const base::be32 prefix(static_cast<std::uint32_t>(length));
  const auto prefix_bytes = std::as_bytes(std::span(&prefix, 1));
  bytes_.insert(bytes_.end(), prefix_bytes.begin(), prefix_bytes.end());
  for (const auto& part : parts) bytes_.insert(bytes_.end(), part.begin(), part.end());
  return {};
}

void FrameWriter::consume(std::size_t bytes) {
  begin_ += std::min(bytes, waiting_bytes());
  if (empty()) {
    bytes_.clear();
    begin_ = 0;
  } else if (begin_ > waiting_bytes() + max_frame_bytes) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
}

}  // namespace ether_socket
