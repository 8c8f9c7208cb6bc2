// SPDX-License-Identifier: Apache-2.0
// How a Linux program (gmmd, lego) is attached to the rack's Ethernet: a Unix socket to one port of the virtual switch.
// Nothing here blocks: poll fd() for reading, and for writing while wants_write(), then call flush(). Not thread-safe.
// Frames begin with the destination address and have no FCS; padding of short frames is not needed.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "net/ether_socket/frame_stream.h"

namespace ether_socket {

class EtherSocket {
 public:
  struct Counters {
    std::uint64_t tx_frames = 0;
    std::uint64_t tx_bytes = 0;
    std::uint64_t rx_frames = 0;
    std::uint64_t rx_bytes = 0;
    std::uint64_t tx_dropped = 0;  // the switch does not keep up
    std::uint64_t rx_bad = 0;      // too short or too long for a frame
  };

  // The port's socket is there once the switch has said that it is ready. Error::NotFound: no such socket;
  // Disconnected: nobody listens.
  static base::Result<EtherSocket> connect(const std::string& path);
  // Takes over a connected stream socket.
  explicit EtherSocket(int fd);
  EtherSocket(EtherSocket&& other) noexcept;
  EtherSocket& operator=(EtherSocket&& other) noexcept;
  EtherSocket(const EtherSocket&) = delete;
  EtherSocket& operator=(const EtherSocket&) = delete;
  ~EtherSocket();

  // Sends one frame, gathered from its parts; the bytes are taken before this returns. Exhausted: the frame was
  // dropped, as a full transmit ring would; Disconnected: the switch is gone.
  base::Result<> send(std::span<const std::span<const std::byte>> parts);
  // Copies the next frame into `buffer` and returns its length. Again: there is none now; Overflow: it is larger than
  // `buffer` and was dropped; Disconnected: the switch is gone.
  base::Result<std::size_t> receive(std::span<std::byte> buffer);

  int fd() const { return fd_; }
  bool wants_write() const { return !writer_.empty(); }
  base::Result<> flush();

  Counters counters() const;

 private:
  base::Result<> fill();

  int fd_ = -1;
  FrameReader reader_;
  FrameWriter writer_;
  Counters counters_;
};

}  // namespace ether_socket
