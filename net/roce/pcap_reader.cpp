// SPDX-License-Identifier: Apache-2.0
#include "net/roce/pcap_reader.h"

#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>

namespace roce {
namespace {

constexpr std::uint32_t magic_microseconds = 0xa1b2c3d4;
constexpr std::uint32_t magic_nanoseconds = 0xa1b23c4d;
constexpr std::size_t pcap_header_bytes = 24;
constexpr std::size_t record_header_bytes = 16;

constexpr std::uint32_t block_section = 0x0a0d0d0a;
constexpr std::uint32_t block_interface = 1;
constexpr std::uint32_t block_simple_packet = 3;
constexpr std::uint32_t block_enhanced_packet = 6;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;

constexpr std::uint16_t link_type_ethernet = 1;

}  // namespace

PcapReader::PcapReader(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    error_ = "cannot be opened";
    return;
  }
  const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
  file_.resize(text.size());
  if (!text.empty()) std::memcpy(file_.data(), text.data(), text.size());
  open();
}

std::uint32_t PcapReader::word(std::size_t offset) const {
  std::uint32_t value;
  std::memcpy(&value, file_.data() + offset, sizeof(value));
  return swapped_ ? __builtin_bswap32(value) : value;
}

std::uint16_t PcapReader::half(std::size_t offset) const {
  std::uint16_t value;
  std::memcpy(&value, file_.data() + offset, sizeof(value));
  return swapped_ ? __builtin_bswap16(value) : value;
}

void PcapReader::open() {
  if (file_.size() < pcap_header_bytes) {
    error_ = "is too short for a capture";
    return;
  }
  if (word(0) == block_section) {
    next_generation_ = true;
    return;
  }
  swapped_ = word(0) != magic_microseconds && word(0) != magic_nanoseconds;
  if (word(0) != magic_microseconds && word(0) != magic_nanoseconds) {
    error_ = "is neither pcap nor pcapng";
  } else if ((word(20) & 0xffff) != link_type_ethernet) {
    error_ = "does not hold Ethernet frames";
  }
  at_ = pcap_header_bytes;
}

std::optional<CapturedFrame> PcapReader::next() {
  if (!error_.empty() || at_ == file_.size()) return std::nullopt;
  return next_generation_ ? next_block() : next_record();
}

std::optional<CapturedFrame> PcapReader::frame(std::size_t offset, std::size_t captured, std::size_t original) {
  CapturedFrame frame;
  frame.number = ++count_;
  frame.bytes.assign(file_.begin() + static_cast<std::ptrdiff_t>(offset),
                     file_.begin() + static_cast<std::ptrdiff_t>(offset + captured));
  frame.original_bytes = original;
  return frame;
}

std::optional<CapturedFrame> PcapReader::next_record() {
  if (left() < record_header_bytes || word(at_ + 8) > left() - record_header_bytes) {
    error_ = "ends within a frame";
    return std::nullopt;
  }
  const std::size_t captured = word(at_ + 8);
  const std::size_t original = word(at_ + 12);
  const std::size_t offset = at_ + record_header_bytes;
  at_ = offset + captured;
  return frame(offset, captured, original);
}

// Reads blocks until one holds a frame.
std::optional<CapturedFrame> PcapReader::next_block() {
  while (left() > 0) {
    if (left() < 12) break;
    if (word(at_) == block_section) {  // reads the same in both byte orders, and says which one the section has
      swapped_ = false;
      swapped_ = word(at_ + 8) != byte_order_magic;
      link_types_.clear();
    }
    const std::uint32_t type = word(at_);
    const std::size_t bytes = word(at_ + 4);
    if (bytes < 12 || bytes % 4 != 0 || bytes > left()) break;
    const std::size_t body = at_ + 8;
    const std::size_t body_bytes = bytes - 12;
    at_ += bytes;
    if (type == block_interface && body_bytes >= 8) {
      link_types_.push_back(half(body));
    } else if (type == block_enhanced_packet && body_bytes >= 20) {
      const std::size_t captured = word(body + 12);
      const std::uint32_t interface = word(body);
      if (captured > body_bytes - 20 || interface >= link_types_.size()) break;
      if (link_types_[interface] != link_type_ethernet) {
        error_ = "holds frames that are not Ethernet";
        return std::nullopt;
      }
      return frame(body + 20, captured, word(body + 16));
    } else if (type == block_simple_packet && body_bytes >= 4) {
      const std::size_t original = word(body);
      if (link_types_.empty() || link_types_[0] != link_type_ethernet) break;
      return frame(body + 4, std::min(original, body_bytes - 4), original);
    }
  }
  if (left() > 0 || at_ != file_.size()) error_ = "has a damaged block";
  return std::nullopt;
}

}  // namespace roce
