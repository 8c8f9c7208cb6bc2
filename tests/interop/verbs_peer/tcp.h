// SPDX-License-Identifier: Apache-2.0
// The sockets over which perftest and the pingpong programs find their peer: on the guest's loopback only. All waits
// have a limit, after which they throw.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace verbs_peer {

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Socket& operator=(Socket&&) = delete;
  ~Socket();
  int fd() const { return fd_; }

  void write(std::span<const char> bytes);
  void read(std::span<char> bytes);  // all of them
  // What the other side has written in one piece; empty: it has closed its end.
  std::string read_message();

 private:
  int fd_;
};

Socket listen_on_loopback(std::uint16_t port);
Socket accept_one(const Socket& listener);
// Nothing: nobody listens there yet.
std::optional<Socket> connect_on_loopback(std::uint16_t port);

}  // namespace verbs_peer
