// SPDX-License-Identifier: Apache-2.0
// Open internet sockets: see inet_socket.h.
#include "linux-abi/sockets/inet_socket.h"

#include <asm/socket.h>

#include <algorithm>

#include "linux-abi/signals/signal_numbers.h"
#include "linux-abi/sockets/udp_endpoint.h"

namespace linux_abi {
namespace {

constexpr std::int32_t tcp_send_buffer = 16384, tcp_receive_buffer = 131072;  // the middle of net.ipv4.tcp_[wr]mem
constexpr std::int32_t udp_buffer = 212992;

}  // namespace

InetSocket::InetSocket(InetEndpointReference endpoint, int flags)
    : Socket(flags, endpoint->family(),
             endpoint->protocol() == InetProtocol::Tcp ? SocketType::Stream : SocketType::Datagram,
             static_cast<int>(endpoint->protocol()),
             endpoint->protocol() == InetProtocol::Tcp ? tcp_send_buffer : udp_buffer,
             endpoint->protocol() == InetProtocol::Tcp ? tcp_receive_buffer : udp_buffer),
      endpoint_(std::move(endpoint)) {}

InetSocket::~InetSocket() {
  const Linger linger = options().linger();
  endpoint_->close(linger.on != 0 && linger.seconds == 0);
}

void InetSocket::close() { base::Own<InetSocket>(this).reset(); }

Answer<OpenFileReference> InetSocket::create(const processor::Reference<InetSpace>& space, int family,
                                             InetProtocol protocol, int flags) {
  const InetEndpointReference endpoint = TRY(InetEndpoint::create(space, family, protocol));
  auto socket = base::make<InetSocket>(endpoint, flags);
  if (!socket) return error(ENOMEM);
  return OpenFileReference(*socket.release());
}

Answer<> InetSocket::bind(const SocketAddress& address, Caller& caller) {
  const InetAddress to = TRY(InetAddress::parse(address, family()));
  tell_reuse(caller);
  return endpoint_->bind(to, caller.credentials().may(Capability::BindService));
}

Answer<> InetSocket::listen(int backlog, Caller& caller) {
  tell_reuse(caller);
  return endpoint_->listen(backlog);
}

Answer<OpenFileReference> InetSocket::accept(int flags, Caller& caller) {
  const InetEndpointReference accepted = TRY(endpoint_->accept(receive_options(0, caller), caller));
  auto socket = base::make<InetSocket>(accepted, flags);
  if (!socket) {
    accepted->close(true);
    return error(ENOMEM);
  }
  socket->options().inherit(options());
  socket->inet_options_.inherit(inet_options_);
  socket->congestion_.store(congestion_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  socket->has_options_.store(has_options_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  return OpenFileReference(*socket.release());
}

Answer<> InetSocket::connect(const SocketAddress& address, Caller& caller) {
  if (!address.has_family()) return error(EINVAL);
  if (address.family() == address_family::unspecified) return endpoint_->disconnect();
  const InetAddress to = TRY(InetAddress::parse(address, family()));
  return endpoint_->connect(to, send_options(0, caller), caller);
}

Answer<std::size_t> InetSocket::send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  InetAddress to;
  if (message.to != nullptr && !is_stream()) to = TRY(InetAddress::parse(*message.to, family()));
  SendOptions options = send_options(flags, caller);
  const bool has_target = message.to != nullptr && !is_stream();
  if (!is_stream()) options.marks = marks(has_target ? to.is_v4() : family() == address_family::internet);
  const auto sent = endpoint_->send(from, has_target ? &to : nullptr, options, caller);
  if (!sent && sent.error() == EPIPE && is_stream() && !options.no_signal) caller.raise(sig::pipe);
  return sent;
}

Answer<Received> InetSocket::receive(std::span<std::byte> to, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(is_stream() ? EINVAL : EOPNOTSUPP);
  if ((flags & message_flag::error_queue) != 0) return error(EAGAIN);  // nothing is ever put there
  auto received = endpoint_->receive(to, receive_options(flags, caller), caller);
  if (received && received->is_message()) options().timestamps().received(received->sent_ns);
  return received;
}

std::size_t InetSocket::longest_message() const { return UdpEndpoint::longest; }

}  // namespace linux_abi
