// SPDX-License-Identifier: Apache-2.0
// Options and ioctls of internet sockets that have an effect or are facts: see inet_socket.h; the others are numbers
// in inet_options.h.
#include <asm/socket.h>

#include <algorithm>
#include <string_view>

#include "linux-abi/abi/structures.h"
#include "linux-abi/files/user_values.h"
#include "linux-abi/sockets/inet_socket.h"

namespace linux_abi {
namespace {

constexpr std::int32_t loopback_mtu = 65536, longest_v4_packet = 65535;
constexpr std::int32_t loopback_index = 1;

// What Linux makes of IP_TOS for SO_PRIORITY: by its four bits of kind of service.
std::int32_t priority_of(std::int32_t tos) {
  constexpr std::array<std::int32_t, 8> priorities{0, 0, 2, 2, 6, 6, 4, 4};
  constexpr std::uint32_t kind_mask = 0x1e;
  return priorities[(static_cast<std::uint32_t>(tos) & kind_mask) >> 2];
}

std::string_view text_of(std::span<const std::byte> value) {
  const std::string_view given(reinterpret_cast<const char*>(value.data()), value.size());
  return given.substr(0, given.find('\0'));
}

}  // namespace

bool InetSocket::has_level(int level) const {
  return level == option_level::ip || (level == option_level::ipv6 && family() == address_family::internet6) ||
         level == (is_stream() ? option_level::tcp : option_level::udp);
}

Answer<OptionValue> InetSocket::tcp_option(int name, std::size_t room) const {
  switch (name) {
    case inet_option::tcp_max_segment:
      return OptionValue::number(static_cast<std::int32_t>(endpoint_->segment_bytes()));
    case inet_option::tcp_congestion: {
      const std::string_view algorithm =
          congestion_names[static_cast<std::size_t>(congestion_.load(std::memory_order_relaxed))];
      std::array<char, 16> text{};
      std::copy(algorithm.begin(), algorithm.end(), text.begin());
      return OptionValue::of(text);
    }
    case inet_option::tcp_info: {
      // struct tcp_info: the state, and the sizes of segments; nothing is lost or timed here.
      std::array<std::uint32_t, 58> information{};
      information[0] = static_cast<std::uint32_t>(endpoint_->tcp_state());
      information[4] = information[5] = endpoint_->segment_bytes();
      return OptionValue::of(information);
    }
    default:
      return inet_options_.get(option_level::tcp, name, room);
  }
}

Answer<OptionValue> InetSocket::option(int level, int name, std::size_t room, Caller& caller) {
  if (level == SOL_SOCKET) return Socket::option(level, name, room, caller);
  if (!has_level(level)) return error(family() == address_family::internet6 ? ENOPROTOOPT : EOPNOTSUPP);
  if (level == option_level::tcp) return tcp_option(name, room);
  if (level == option_level::ipv6 && name == inet_option::ipv6_address_form) {
    TRY(endpoint_->peer_name());
    return OptionValue::number(family());
  }
  if (level == option_level::ip && name == inet_option::ip_mtu) {
    TRY(endpoint_->peer_name());
    return ip_number(longest_v4_packet, room);
  }
  if (level == option_level::ipv6 && name == inet_option::ipv6_mtu) {
    TRY(endpoint_->peer_name());
    return OptionValue::number(loopback_mtu);
  }
  return inet_options_.get(level, name, room);
}

void InetSocket::tell_reuse(Caller& caller) {
  endpoint_->set_reuse(options().is_on(SO_REUSEADDR), options().is_on(SO_REUSEPORT),
                       caller.credentials().effective_uid);
}

Answer<> InetSocket::set_socket_option(int name, std::span<const std::byte> value, Caller& caller) {
  // Who asked for sending without copies would wait for notices that it is done; it can only be turned off.
  if (name == SO_ZEROCOPY && TRY(option_as<std::int32_t>(value)) == 0) return {};
  TRY(Socket::set_option(SOL_SOCKET, name, value, caller));
  tell_reuse(caller);
  return {};
}

Answer<> InetSocket::set_tcp_option(int name, std::span<const std::byte> value, Caller& caller) {
  constexpr int closed = 7, listening = 10;
  switch (name) {
    case inet_option::tcp_congestion: {
      if (value.empty()) return error(EINVAL);
      const auto named = std::find(congestion_names.begin(), congestion_names.end(), text_of(value));
      if (named == congestion_names.end()) return error(ENOENT);
      congestion_.store(static_cast<Congestion>(named - congestion_names.begin()), std::memory_order_relaxed);
      return {};
    }
    case inet_option::tcp_max_segment: {
      constexpr std::int32_t shortest = 88, longest = 32767;
      const auto bytes = TRY(option_as<std::int32_t>(value));
      if (bytes != 0 && (bytes < shortest || bytes > longest)) return error(EINVAL);
      endpoint_->limit_segments(static_cast<std::uint32_t>(bytes));
      return {};
    }
    case inet_option::tcp_upper_protocol:
      if (value.empty()) return error(EINVAL);
      break;
    case inet_option::tcp_window_clamp:
      if (TRY(option_as<std::int32_t>(value)) == 0 && endpoint_->tcp_state() != closed) return error(EINVAL);
      break;
    case inet_option::tcp_fast_open:
    case inet_option::tcp_fast_open_connect:
    case inet_option::tcp_fast_open_no_cookie: {
      const int state = endpoint_->tcp_state();
      const bool may_listen = name != inet_option::tcp_fast_open_connect;
      if (state != closed && !(may_listen && state == listening)) return error(EINVAL);
      break;
    }
    default:
      break;
  }
  return inet_options_.set(option_level::tcp, name, value, caller.credentials().is_root());
}

Answer<> InetSocket::set_ip_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  const bool ip = level == option_level::ip, ipv6 = level == option_level::ipv6;
  if (ipv6 && name == inet_option::ipv6_address_form) {
    if (TRY(option_as<std::int32_t>(value)) != address_family::internet) return error(EINVAL);
    TRY(endpoint_->become_v4());
    set_family(address_family::internet);
    return {};
  }
  if (ipv6 && name == inet_option::ipv6_only) {
    const std::int32_t only = TRY(option_as<std::int32_t>(value));
    TRY(endpoint_->set_only_v6(only != 0));
  }
  // Connections have one other end.
  if (is_stream() && ip && name == inet_option::ip_multicast_ttl) return error(EINVAL);
  if (is_stream() && ipv6 && name == inet_option::ipv6_multicast_hops) return error(ENOPROTOOPT);
  const bool is_tos = ip && name == inet_option::ip_tos;
  if (!is_tos) return inet_options_.set(level, name, value, caller.credentials().is_root());
  // The bits about congestion are the connection's. A change is one of the priority, too.
  constexpr std::int32_t congestion_bits = 3;
  const std::int32_t before = inet_options_.number(level, name);
  TRY(inet_options_.set(level, name, value, true));
  std::int32_t tos = inet_options_.number(level, name);
  if (is_stream()) tos = (tos & ~congestion_bits) | (before & congestion_bits);
  TRY(inet_options_.set(level, name, std::as_bytes(std::span(&tos, 1)), true));
  if (tos != before) options().put(SO_PRIORITY, priority_of(tos));
  return {};
}

Answer<> InetSocket::set_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  has_options_.store(true, std::memory_order_relaxed);
  if (level == SOL_SOCKET) return set_socket_option(name, value, caller);
  if (!has_level(level)) return error(ENOPROTOOPT);
  if (level == option_level::tcp) return set_tcp_option(name, value, caller);
  return set_ip_option(level, name, value, caller);
}

PacketMarks InetSocket::marks(bool v4) const {
  if (!has_options_.load(std::memory_order_relaxed)) return {};
  const auto number = [&](int of_v4, int of_v6) {
    const int level = v4 ? option_level::ip : option_level::ipv6;
    return static_cast<std::uint8_t>(inet_options_.number(level, v4 ? of_v4 : of_v6));
  };
  return {.mark = static_cast<std::uint32_t>(options().number(SO_MARK)),
          .ttl = number(inet_option::ip_ttl, inet_option::ipv6_unicast_hops),
          .tos = number(inet_option::ip_tos, inet_option::ipv6_traffic_class)};
}

// In the order in which Linux tells them.
void InetSocket::note(const Received& received, ControlNotes& notes) const {
  if (!has_options_.load(std::memory_order_relaxed)) return;
  if (is_stream()) {
    if (inet_options_.is_on(option_level::tcp, inet_option::tcp_in_queue))
      notes.add(option_level::tcp, inet_option::tcp_in_queue, static_cast<std::int32_t>(received.left));
    return;
  }
  if (!received.is_message()) return;
  Socket::note(received, notes);
  if (options().is_on(SO_RXQ_OVFL) && received.lost != 0) notes.add(SOL_SOCKET, SO_RXQ_OVFL, received.lost);
  if (options().is_on(SO_RCVMARK)) notes.add(SOL_SOCKET, SO_MARK, received.marks.mark);
  if (family() == address_family::internet6)
    note_v6(received, notes);
  else
    note_v4(received, notes);
}

void InetSocket::note_v4(const Received& received, ControlNotes& notes) const {
  using namespace inet_option;
  const auto wants = [&](int name) { return inet_options_.is_on(option_level::ip, name); };
  constexpr std::size_t port_and_host = 2;  // where the port is in struct sockaddr_in, and behind it the host
  std::array<std::byte, 16> to{};           // struct sockaddr_in
  std::memcpy(to.data(), received.to.bytes.data(), to.size());
  if (wants(ip_packet_information)) {
    // struct in_pktinfo
    struct {
      std::int32_t interface = loopback_index;
      std::array<std::byte, 4> own{}, to{};
    } information;
    std::memcpy(information.own.data(), to.data() + port_and_host + sizeof(std::uint16_t), information.own.size());
    information.to = information.own;
    notes.add(option_level::ip, ip_packet_information, information);
  }
  if (wants(ip_receive_ttl)) notes.add(option_level::ip, ip_ttl, std::int32_t{received.marks.ttl});
  if (wants(ip_receive_tos)) notes.add(option_level::ip, ip_tos, received.marks.tos);
  if (wants(ip_receive_original_destination)) notes.add(option_level::ip, ip_receive_original_destination, to);
}

void InetSocket::note_v6(const Received& received, ControlNotes& notes) const {
  using namespace inet_option;
  const auto wants = [&](int name) { return inet_options_.is_on(option_level::ipv6, name); };
  constexpr std::size_t host = 8;  // where it is in struct sockaddr_in6
  if (wants(ipv6_receive_packet_information)) {
    // struct in6_pktinfo
    struct {
      std::array<std::byte, 16> to{};
      std::int32_t interface = loopback_index;
    } information;
    std::memcpy(information.to.data(), received.to.bytes.data() + host, information.to.size());
    notes.add(option_level::ipv6, ipv6_packet_information, information);
  }
  if (wants(ipv6_receive_hop_limit)) notes.add(option_level::ipv6, ipv6_hop_limit, std::int32_t{received.marks.ttl});
  if (wants(ipv6_receive_traffic_class))
    notes.add(option_level::ipv6, ipv6_traffic_class, std::int32_t{received.marks.tos});
}

Answer<std::uint64_t> InetSocket::tell_last_time(std::uint32_t request, std::uint64_t to, Caller& caller) {
  const std::uint64_t at_ns = TRY(options().timestamps().last(caller.wall_time_ns()));
  const bool in_ns = request == socket_request::last_time_ns || request == socket_request::last_time_ns_new;
  UserTimespec time = to_timespec(at_ns);
  if (!in_ns) time.nanoseconds = to_timeval(at_ns).microseconds;  // struct timeval has the same layout
  return copy_value_out(caller, to, time);
}

Answer<std::uint64_t> InetSocket::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  switch (request) {
    case socket_request::bytes_to_read:
      if (endpoint_->is_listening()) return error(EINVAL);
      return tell_count(endpoint_->bytes_to_read(), argument, caller);
    case socket_request::bytes_under_way:
      if (endpoint_->is_listening()) return error(EINVAL);
      return tell_count(endpoint_->bytes_under_way(), argument, caller);
    case socket_request::bytes_unsent:
      if (!is_stream()) return error(ENOTTY);
      if (endpoint_->is_listening()) return error(EINVAL);
      return tell_count(endpoint_->bytes_unsent(), argument, caller);
    case socket_request::at_mark:
      // There are no urgent bytes.
      return is_stream() ? tell_count(0, argument, caller) : error(ENOTTY);
    case socket_request::last_time:
    case socket_request::last_time_ns:
    case socket_request::last_time_new:
    case socket_request::last_time_ns_new:
      return tell_last_time(request, argument, caller);
    default:
      return ask_interfaces(request, argument, caller);
  }
}

}  // namespace linux_abi
