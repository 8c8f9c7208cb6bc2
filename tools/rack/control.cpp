// SPDX-License-Identifier: Apache-2.0
#include "tools/rack/control.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace rack {

bool send_packet(int fd, const std::string& packet) {
  for (;;) {
    if (send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

std::optional<std::string> receive_packet(int fd) {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got > 0) return std::string(buffer.data(), static_cast<std::size_t>(got));
    if (got == 0 || errno != EINTR) return std::nullopt;
  }
}

}  // namespace rack
