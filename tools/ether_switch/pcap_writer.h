// SPDX-License-Identifier: Apache-2.0
// A capture file in the classic pcap format (Ethernet, microseconds), as tcpdump and Wireshark read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "kernel/base/error.h"

namespace ether_switch {

class PcapWriter {
 public:
  // Error::AccessDenied: the file cannot be written.
  static base::Result<PcapWriter> create(const std::string& path);

  // time_ns: since 1970. Error::IoError: the disk is full.
  base::Result<> write(std::span<const std::byte> frame, std::uint64_t time_ns);
  // Puts what was written into the file.
  base::Result<> flush();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit PcapWriter(std::FILE* file) : file_(file) {}
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace ether_switch
