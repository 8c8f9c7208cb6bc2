// SPDX-License-Identifier: Apache-2.0
// Two kinds of sockets that QEMU's network back ends speak.
#include "tests/rack/harness/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstring>
#include <stdexcept>

#include "net/ether_socket/ether_socket.h"
#include "tools/support/fd.h"

namespace harness {
namespace {

constexpr int patience_ms = 20000;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("path too long: " + path);
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

support::Fd bound_socket(int type, const std::string& path) {
  support::Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(path);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot bind " + path);
  }
  return fd;
}

bool wait_for(int fd, short events) {
  pollfd wanted{fd, events, 0};
  return poll(&wanted, 1, patience_ms) == 1;
}

class StreamWire final : public Wire {
 public:
  explicit StreamWire(const std::filesystem::path& folder)
      : path_(folder / "stream"), listener_(bound_socket(SOCK_STREAM, path_)) {
    listen(listener_.get(), 1);
  }
  std::string netdev() const override { return "stream,id=n0,server=off,addr.type=unix,addr.path=" + path_.string(); }
  void connect() override {
    if (!wait_for(listener_.get(), POLLIN)) throw std::runtime_error("QEMU does not connect");
    const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) throw std::runtime_error("accept");
    socket_.emplace(fd);
  }
  void send(std::span<const std::byte> frame) override {
    const std::span<const std::byte> parts[] = {frame};
    if (!socket_->send(parts)) throw std::runtime_error("the frame cannot be sent");
    while (socket_->wants_write()) {
      if (!wait_for(socket_->fd(), POLLOUT) || !socket_->flush()) throw std::runtime_error("QEMU takes no frames");
    }
  }
  std::optional<Frame> receive() override {
    std::array<std::byte, 16384> buffer;
    while (true) {
      const auto bytes = socket_->receive(buffer);
      if (bytes) return Frame(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*bytes));
      if (bytes.error() != base::Error::Again || !wait_for(socket_->fd(), POLLIN)) return std::nullopt;
    }
  }

 private:
  std::filesystem::path path_;
  support::Fd listener_;
  std::optional<ether_socket::EtherSocket> socket_;
};

class DatagramWire final : public Wire {
 public:
  explicit DatagramWire(const std::filesystem::path& folder)
      : ours_(folder / "ours"), theirs_(folder / "theirs"), socket_(bound_socket(SOCK_DGRAM, ours_)) {}
  std::string netdev() const override {
    return "dgram,id=n0,local.type=unix,local.path=" + theirs_.string() +
           ",remote.type=unix,remote.path=" + ours_.string();
  }
  void connect() override {}
  void send(std::span<const std::byte> frame) override {
    const sockaddr_un address = address_of(theirs_);
    const ssize_t sent = sendto(socket_.get(), frame.data(), frame.size(), 0,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent != static_cast<ssize_t>(frame.size())) throw std::runtime_error("the frame cannot be sent");
  }
  std::optional<Frame> receive() override {
    std::array<std::byte, 16384> buffer;
    if (!wait_for(socket_.get(), POLLIN)) return std::nullopt;
    const ssize_t bytes = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (bytes < 0) return std::nullopt;
    return Frame(buffer.begin(), buffer.begin() + bytes);
  }

 private:
  std::filesystem::path ours_, theirs_;
  support::Fd socket_;
};

}  // namespace

std::unique_ptr<Wire> make_stream_wire(const std::filesystem::path& folder) {
  return std::make_unique<StreamWire>(folder);
}
std::unique_ptr<Wire> make_datagram_wire(const std::filesystem::path& folder) {
  return std::make_unique<DatagramWire>(folder);
}

}  // namespace harness
