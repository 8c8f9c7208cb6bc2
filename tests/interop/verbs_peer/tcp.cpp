// SPDX-License-Identifier: Apache-2.0
// Sockets on the guest's loopback: see tcp.h.
#include "tests/interop/verbs_peer/tcp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/interop/verbs_peer/rdma.h"

namespace verbs_peer {
namespace {

constexpr int patience_ms = 60'000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void wait_readable(int fd, const char* what) {
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  if (poll(&waiting, 1, patience_ms) <= 0) fail(what);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

void Socket::write(std::span<const char> bytes) {
  if (send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
    fail_errno("writing to the program");
  }
}

void Socket::read(std::span<char> bytes) {
  while (!bytes.empty()) {
    wait_readable(fd_, "the program is silent");
    const ssize_t got = recv(fd_, bytes.data(), bytes.size(), 0);
    if (got <= 0) fail("the program has closed its socket");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

std::string Socket::read_message() {
  wait_readable(fd_, "the program is silent");
  std::string message(256, '\0');
  const ssize_t got = recv(fd_, message.data(), message.size(), 0);
  message.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return message;
}

Socket listen_on_loopback(std::uint16_t port) {
  Socket listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(listener.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(listener.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.fd(), 1) != 0) {
    fail_errno("listening on the loopback");
  }
  return listener;
}

Socket accept_one(const Socket& listener) {
  wait_readable(listener.fd(), "the program does not connect");
  return Socket(accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
}

std::optional<Socket> connect_on_loopback(std::uint16_t port) {
  Socket client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (connect(client.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return std::nullopt;
  const int on = 1;
  setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return client;
}

}  // namespace verbs_peer
