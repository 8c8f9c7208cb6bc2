// SPDX-License-Identifier: Apache-2.0
#include "net/ether_socket/ether_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ether_socket {
namespace {

// As many frames as a transmit ring of a NIC would hold: 256 pages.
constexpr std::size_t backlog_bytes = 256 * 4300;

base::Error error_of_connect(int error) {
  if (error == ENOENT) return base::Error::NotFound;
  if (error == ECONNREFUSED) return base::Error::Disconnected;
  if (error == EACCES || error == EPERM) return base::Error::AccessDenied;
  return base::Error::IoError;
}

}  // namespace

base::Result<EtherSocket> EtherSocket::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return base::fail(base::Error::NameTooLong);
  std::memcpy(address.sun_path, path.c_str(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return base::fail(base::Error::Exhausted);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const base::Error error = error_of_connect(errno);
    close(fd);
    return base::fail(error);
  }
  return EtherSocket(fd);
}

EtherSocket::EtherSocket(int fd) : fd_(fd), writer_(backlog_bytes) {
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

EtherSocket::EtherSocket(EtherSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      reader_(std::move(other.reader_)),
      writer_(std::move(other.writer_)),
      counters_(other.counters_) {}

EtherSocket& EtherSocket::operator=(EtherSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(reader_, other.reader_);
  std::swap(writer_, other.writer_);
  std::swap(counters_, other.counters_);
  return *this;
}

EtherSocket::~EtherSocket() {
  if (fd_ >= 0) close(fd_);
}

base::Result<> EtherSocket::send(std::span<const std::span<const std::byte>> parts) {
  const std::size_t before = writer_.waiting_bytes();
  TRY(writer_.push(parts));
  ++counters_.tx_frames;
  counters_.tx_bytes += writer_.waiting_bytes() - before - length_bytes;
  // What waits already is written when the socket takes bytes again; a system call now would tell nothing new.
  return before == 0 ? flush() : base::Result<>{};
}

base::Result<> EtherSocket::flush() {
  while (!writer_.empty()) {
    const auto bytes = writer_.front();
    const ssize_t written = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return {};
      return base::fail(base::Error::Disconnected);
    }
    writer_.consume(static_cast<std::size_t>(written));
  }
  return {};
}

base::Result<> EtherSocket::fill() {
  for (;;) {
    const auto space = reader_.space();
    const ssize_t got = recv(fd_, space.data(), space.size(), 0);
    if (got > 0) {
      reader_.commit(static_cast<std::size_t>(got));
      return {};
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return base::fail(base::Error::Again);
    return base::fail(base::Error::Disconnected);
  }
}

base::Result<std::size_t> EtherSocket::receive(std::span<std::byte> buffer) {
  for (;;) {
    const auto next = reader_.next();
    // Out of step: there is no telling where a frame begins, so this is as good as a lost connection.
    if (!next) return base::fail(base::Error::Disconnected);
    if (const auto frame = *next) {
      if (frame->size() > buffer.size()) {
        ++counters_.rx_bad;
        return base::fail(base::Error::Overflow);
      }
      std::memcpy(buffer.data(), frame->data(), frame->size());
      ++counters_.rx_frames;
      counters_.rx_bytes += frame->size();
      return frame->size();
    }
    TRY(fill());
  }
}

EtherSocket::Counters EtherSocket::counters() const {
  Counters counters = counters_;
  counters.tx_dropped = writer_.dropped();
  counters.rx_bad += reader_.bad_frames();
  return counters;
}

}  // namespace ether_socket
