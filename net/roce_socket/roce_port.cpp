// SPDX-License-Identifier: Apache-2.0
// The engine's deadline may change with any call that rpc makes, so it is looked at each time before the loop waits.
#include "net/roce_socket/roce_port.h"

#include <array>

namespace roce_socket {
namespace {

constexpr unsigned frames_a_turn = 256;  // then timers and other descriptors have theirs

}  // namespace

RocePort::RocePort(poll_loop::PollLoop& loop, base::SpinLock& lock, ether_socket::EtherSocket socket,
                   std::function<void()> lost)
    : loop_(loop), lock_(lock), socket_(std::move(socket)), lost_(std::move(lost)), alarm_(*this), farewell_(*this) {}

RocePort::~RocePort() = default;

base::Result<std::unique_ptr<RocePort>> RocePort::create(poll_loop::PollLoop& loop, base::SpinLock& lock,
                                                         ether_socket::EtherSocket socket,
                                                         const roce::EngineConfig& config, std::function<void()> lost) {
  std::unique_ptr<RocePort> port(new RocePort(loop, lock, std::move(socket), std::move(lost)));
  port->engine_ = TRY(roce::Engine::create(config, loop.loop().clock(), *port));
  port->watch_ = loop.watch(port->socket_.fd(), POLLIN, [&port = *port](short events) { port.handle(events); });
  port->hook_ = loop.before_wait([&port = *port] { port.before_wait(); });
  return port;
}

base::Result<> RocePort::transmit(std::span<const roce::Segment> segments, roce::TransmitToken token) {
  const auto sent = socket_.send(segments);
  if (!sent && sent.error() == base::Error::Exhausted) {
    full_ = true;
    return base::fail(base::Error::Again);
  }
  if (!sent) {
    gone_ = gone_ || sent.error() == base::Error::Disconnected;
    return sent;
  }
  engine_->transmit_done(token);
  return {};
}

void RocePort::handle(short events) {
  if ((events & POLLOUT) != 0) flush();
  if ((events & ~POLLOUT) != 0) receive();
}

void RocePort::receive() {
  std::array<std::byte, ether_socket::max_frame_bytes> frame;
  const base::SpinGuard guard(lock_);
  for (unsigned count = 0; count < frames_a_turn; ++count) {
    const auto bytes = socket_.receive(frame);
    if (bytes) {
      engine_->receive(std::span(frame).first(*bytes), roce::More::Yes);
    } else if (bytes.error() == base::Error::Again) {
      break;
    } else if (bytes.error() == base::Error::Disconnected) {
      gone_ = true;
      break;
    }
  }
  engine_->advance();
}

void RocePort::flush() {
  if (!socket_.flush()) gone_ = true;
  if (!full_ || socket_.wants_write()) return;
  full_ = false;
  const base::SpinGuard guard(lock_);
  engine_->space_available();
}

void RocePort::advance() {
  const base::SpinGuard guard(lock_);
  engine_->advance();
}

void RocePort::before_wait() {
  if (gone_) return lose();
  watch_.wants(socket_.wants_write() ? POLLIN | POLLOUT : POLLIN);
  std::uint64_t next_ns;
  {
    const base::SpinGuard guard(lock_);
    next_ns = engine_->next_deadline_ns();
  }
  if (next_ns == base::never_ns) {
    alarm_.cancel();
  } else if (!alarm_.armed() || alarm_.deadline_ns() != next_ns) {
    loop_.loop().arm(alarm_, next_ns);
  }
}

void RocePort::lose() {
  if (told_) return;
  told_ = true;
  watch_ = {};
  alarm_.cancel();
  loop_.loop().post(farewell_);
}

}  // namespace roce_socket
