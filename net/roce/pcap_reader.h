// SPDX-License-Identifier: Apache-2.0
// Reads captured Ethernet frames from a pcap file (both byte orders, microseconds or nanoseconds) or a pcapng file.
// Hosted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace roce {

struct CapturedFrame {
  std::size_t number = 0;  // from 1, as Wireshark counts
  std::vector<std::byte> bytes;
  std::size_t original_bytes = 0;  // more than bytes.size(): the capture cut it off
};

class PcapReader {
 public:
  // The whole file is read; error() tells what is wrong with it.
  explicit PcapReader(const std::string& path);
  explicit PcapReader(std::vector<std::byte> file) : file_(std::move(file)) { open(); }

  // The next frame; none at the end, or where the file is damaged (then error() is not empty).
  std::optional<CapturedFrame> next();
  const std::string& error() const { return error_; }

 private:
  void open();
  std::optional<CapturedFrame> next_record();
  std::optional<CapturedFrame> next_block();
  std::optional<CapturedFrame> frame(std::size_t offset, std::size_t captured, std::size_t original);
  std::uint32_t word(std::size_t offset) const;
  std::uint16_t half(std::size_t offset) const;
  std::size_t left() const { return file_.size() - at_; }

  std::vector<std::byte> file_;
  std::size_t at_ = 0;
  std::size_t count_ = 0;
  bool swapped_ = false;
  bool next_generation_ = false;
  std::vector<std::uint16_t> link_types_;  // of a pcapng section's interfaces
  std::string error_;
};

}  // namespace roce
