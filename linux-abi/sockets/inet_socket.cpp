// SPDX-License-Identifier: Apache-2.0
// Open internet sockets: see inet_socket.h.
#include "linux-abi/sockets/inet_socket.h"

#include <asm/socket.h>

#include <algorithm>
#include <string_view>

#include "linux-abi/signals/signal_numbers.h"
#include "linux-abi/sockets/udp_endpoint.h"

namespace linux_abi {
namespace {

constexpr std::int32_t tcp_send_buffer = 16384, tcp_receive_buffer = 131072;  // the middle of net.ipv4.tcp_[wr]mem
constexpr std::int32_t udp_buffer = 212992;
constexpr std::int32_t loopback_mtu = 65536;

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
  const SendOptions options = send_options(flags, caller);
  const bool has_target = message.to != nullptr && !is_stream();
  const auto sent = endpoint_->send(from, has_target ? &to : nullptr, options, caller);
  if (!sent && sent.error() == EPIPE && is_stream() && !options.no_signal) caller.raise(sig::pipe);
  return sent;
}

Answer<Received> InetSocket::receive(std::span<std::byte> to, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(is_stream() ? EINVAL : EOPNOTSUPP);
  if ((flags & message_flag::error_queue) != 0) return error(EAGAIN);  // nothing is ever put there
  return endpoint_->receive(to, receive_options(flags, caller), caller);
}

std::size_t InetSocket::longest_message() const { return UdpEndpoint::longest; }

bool InetSocket::has_level(int level) const {
  return level == option_level::ip || (level == option_level::ipv6 && family() == address_family::internet6) ||
         level == (is_stream() ? option_level::tcp : option_level::udp);
}

Answer<OptionValue> InetSocket::option(int level, int name, Caller& caller) {
  if (level == SOL_SOCKET) return Socket::option(level, name, caller);
  if (!has_level(level)) return error(EOPNOTSUPP);
  if (level == option_level::tcp && name == inet_option::tcp_max_segment)
    return OptionValue::number(static_cast<std::int32_t>(endpoint_->segment_bytes()));
  if (level == option_level::tcp && name == inet_option::tcp_congestion) {
    constexpr std::array<char, 16> algorithm{"reno"};  // what lwIP does
    return OptionValue::of(algorithm);
  }
  if (level == option_level::tcp && name == inet_option::tcp_info) {
    // struct tcp_info: the state, and the sizes of segments; nothing is lost or timed here.
    std::array<std::uint32_t, 58> information{};
    information[0] = static_cast<std::uint32_t>(endpoint_->tcp_state());
    information[4] = information[5] = endpoint_->segment_bytes();
    return OptionValue::of(information);
  }
  if (level == option_level::ipv6 && name == inet_option::ipv6_address_form) {
    TRY(endpoint_->peer_name());
    return OptionValue::number(family());
  }
  const bool mtu = (level == option_level::ip && name == inet_option::ip_mtu) ||
                   (level == option_level::ipv6 && name == inet_option::ipv6_mtu);
  if (mtu) {
    TRY(endpoint_->peer_name());
    return OptionValue::number(loopback_mtu);
  }
  return inet_options_.get(level, name);
}

void InetSocket::tell_reuse(Caller& caller) {
  endpoint_->set_reuse(options().is_on(SO_REUSEADDR), options().is_on(SO_REUSEPORT),
                       caller.credentials().effective_uid);
}

Answer<> InetSocket::set_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  if (level == SOL_SOCKET) {
    TRY(Socket::set_option(level, name, value, caller));
    tell_reuse(caller);
    return {};
  }
  if (!has_level(level)) return error(ENOPROTOOPT);
  if (level == option_level::tcp && name == inet_option::tcp_congestion) {
    const std::string_view given(reinterpret_cast<const char*>(value.data()), value.size());
    return given.substr(0, given.find('\0')) == "reno" ? Answer<>() : error(ENOENT);
  }
  if (level == option_level::ipv6 && name == inet_option::ipv6_address_form) {
    if (TRY(option_as<std::int32_t>(value)) != address_family::internet) return error(EINVAL);
    TRY(endpoint_->become_v4());
    set_family(address_family::internet);
    return {};
  }
  if (level == option_level::ipv6 && name == inet_option::ipv6_only) {
    const std::int32_t only = TRY(option_as<std::int32_t>(value));
    TRY(endpoint_->set_only_v6(only != 0));
  }
  return inet_options_.set(level, name, value);
}

Answer<std::uint64_t> InetSocket::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  constexpr std::uint32_t bytes_to_read = 0x541b, bytes_under_way = 0x5411;  // SIOCINQ, SIOCOUTQ
  if (request != bytes_to_read && request != bytes_under_way) return ask_interfaces(request, argument, caller);
  if (endpoint_->is_listening()) return error(EINVAL);
  const std::size_t count = request == bytes_to_read ? endpoint_->bytes_to_read() : endpoint_->bytes_under_way();
  const auto bytes = static_cast<std::int32_t>(count);
  TRY(caller.copy_out(argument, std::as_bytes(std::span(&bytes, 1))));
  return std::uint64_t{0};
}

}  // namespace linux_abi
