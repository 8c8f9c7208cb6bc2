// SPDX-License-Identifier: Apache-2.0
// A test program's end of an image's Ethernet: a Unix socket to QEMU, as a stream or as datagrams.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace harness {

using Frame = std::vector<std::byte>;

class Wire {
 public:
  virtual ~Wire() = default;
  // The value of QEMU's -netdev that leads here.
  virtual std::string netdev() const = 0;
  // Once QEMU runs.
  virtual void connect() = 0;
  virtual void send(std::span<const std::byte> frame) = 0;
  // The next frame; none if none comes within some seconds.
  virtual std::optional<Frame> receive() = 0;
};

std::unique_ptr<Wire> make_stream_wire(const std::filesystem::path& folder);
std::unique_ptr<Wire> make_datagram_wire(const std::filesystem::path& folder);

}  // namespace harness
