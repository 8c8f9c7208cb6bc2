// SPDX-License-Identifier: Apache-2.0
// Making sockets, their names and options: see calls_sockets.h.
#include "linux-abi/calls/calls_sockets.h"

#include <asm/socket.h>
#include <linux/fcntl.h>

#include <algorithm>
#include <cstring>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/socket_arguments.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserInOut;
using arch::UserOut;

namespace {

struct SocketKind {
  SocketType type = SocketType::Stream;
  int flags = 0;
  bool close_on_exec = false;
};

Answer<SocketKind> kind_of(int family, int type, int protocol) {
  constexpr int type_mask = 0xf, types = 11, raw = 3;
  if (((type & ~type_mask) & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return error(EINVAL);
  if (family < 0 || family >= address_family::families) return error(EAFNOSUPPORT);
  const int bare = type & type_mask;
  if (bare >= types) return error(EINVAL);
  if (family != address_family::local) return error(EAFNOSUPPORT);
  if (protocol != 0 && protocol != address_family::local) return error(EPROTONOSUPPORT);
  SocketKind kind{.flags = type & O_NONBLOCK, .close_on_exec = (type & O_CLOEXEC) != 0};
  switch (bare) {
    case static_cast<int>(SocketType::Stream):
      return kind;
    case raw:  // Linux takes it for a datagram socket
    case static_cast<int>(SocketType::Datagram):
      kind.type = SocketType::Datagram;
      return kind;
    case static_cast<int>(SocketType::SequencedPacket):
      kind.type = SocketType::SequencedPacket;
      return kind;
    default:
      return error(ESOCKTNOSUPPORT);
  }
}

}  // namespace

Answer<std::uint64_t> socket(Call& call) {
  const SocketKind kind = TRY(kind_of(Call::as_int(call.a()), Call::as_int(call.b()), Call::as_int(call.c())));
  return install(call, TRY(UnixSocket::create(kind.type, kind.flags)), kind.close_on_exec);
}

Answer<std::uint64_t> socketpair(Call& call) {
  const SocketKind kind = TRY(kind_of(Call::as_int(call.a()), Call::as_int(call.b()), Call::as_int(call.c())));
  UnixSocket::Pair pair = TRY(UnixSocket::create_pair(kind.type, kind.flags, credentials_of(call.thread)));
  std::array<std::int32_t, 2> numbers{};
  numbers[0] = static_cast<std::int32_t>(TRY(install(call, std::move(pair.first), kind.close_on_exec)));
  const auto second = install(call, std::move(pair.second), kind.close_on_exec);
  if (second) numbers[1] = static_cast<std::int32_t>(*second);
  const bool written = second && UserOut<std::int32_t>(call.d()).write_array(numbers);
  if (written) return std::uint64_t{0};
  DescriptorTable& table = call.thread.descriptors();
  (void)table.close(numbers[0], call.thread.process_id());  // both were made just now
  if (!second) return std::unexpected(second.error());
  (void)table.close(numbers[1], call.thread.process_id());
  return error(EFAULT);
}

namespace {

// struct sockaddr_un
struct LocalAddress {
  std::uint16_t family = 0;
  std::array<char, 108> path{};
};

Answer<LocalAddress> read_address(std::uint64_t from, std::uint64_t given_bytes, Call& call) {
  const int bytes = Call::as_int(given_bytes);
  if (bytes < static_cast<int>(sizeof(std::uint16_t)) || bytes > static_cast<int>(sizeof(LocalAddress)))
    return error(EINVAL);
  LocalAddress address;
  TRY(call.thread.copy_in(std::as_writable_bytes(std::span(&address, 1)).first(static_cast<std::size_t>(bytes)), from));
  return address;
}

}  // namespace

Answer<> find_listener(Call& call, std::uint64_t from, std::uint64_t bytes) {
  const LocalAddress address = TRY(read_address(from, bytes, call));
  if (address.family != address_family::local || bytes <= sizeof address.family) return error(EINVAL);
  if (address.path[0] == '\0') return error(ECONNREFUSED);
  const auto end = std::find(address.path.begin(), address.path.end(), '\0');
  const std::string_view path(address.path.data(), static_cast<std::size_t>(end - address.path.begin()));
  const PlaceReference place = TRY(walk(call.thread, at_current_directory, path, LastLink::Follow));
  TRY(check_access(call.thread, place->node(), 2));
  return error(ECONNREFUSED);
}

Answer<std::uint64_t> connect(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const LocalAddress address = TRY(read_address(call.b(), call.c(), call));
  const bool datagram = file->socket()->type() == SocketType::Datagram;
  if (datagram && address.family == address_family::unspecified) return std::uint64_t{0};
  if (!datagram && file->socket()->connected()) return error(EISCONN);
  TRY(find_listener(call, call.b(), call.c()));
  return std::uint64_t{0};
}

// Names of sockets are not served: there is nothing to listen on or to be found by.
Answer<std::uint64_t> bind(Call& call) {
  TRY(socket_file(call, call.a()));
  const LocalAddress address = TRY(read_address(call.b(), call.c(), call));
  return error(address.family == address_family::local ? EOPNOTSUPP : EINVAL);
}

Answer<std::uint64_t> listen(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  return error(file->socket()->type() == SocketType::Datagram ? EOPNOTSUPP : EINVAL);
}

Answer<std::uint64_t> accept(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  return error(file->socket()->type() == SocketType::Datagram ? EOPNOTSUPP : EINVAL);
}

Answer<std::uint64_t> accept4(Call& call) {
  if ((Call::as_int(call.d()) & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return error(EINVAL);
  return accept(call);
}

namespace {

// The address of a socket without a name: its family alone.
Answer<std::uint64_t> write_unnamed(std::uint64_t to, std::uint64_t bytes_at) {
  constexpr std::uint16_t family = address_family::local;
  const UserInOut<std::int32_t> length(bytes_at);
  const std::int32_t room = TRY(length.read());
  if (room < 0) return error(EINVAL);
  const auto bytes = std::as_bytes(std::span(&family, 1));
  TRY(arch::copy_to_user(base::UserVa(to), bytes.first(std::min(bytes.size(), static_cast<std::size_t>(room)))));
  TRY(length.write(static_cast<std::int32_t>(sizeof family)));
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> getsockname(Call& call) {
  TRY(socket_file(call, call.a()));
  return write_unnamed(call.b(), call.c());
}

Answer<std::uint64_t> getpeername(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  if (!file->socket()->connected()) return error(ENOTCONN);
  return write_unnamed(call.b(), call.c());
}

Answer<std::uint64_t> shutdown(Call& call) {
  constexpr int receiving = 0, sending = 1, both = 2;
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const int how = Call::as_int(call.b());
  if (how < receiving || how > both) return error(EINVAL);
  file->socket()->shut_down(how != sending, how != receiving);
  return std::uint64_t{0};
}

namespace {

// An option's value as it is copied out.
struct OptionValue {
  std::array<std::byte, 16> bytes{};
  std::size_t size = 0;
  template <typename T>
  static OptionValue of(const T& value) {
    static_assert(sizeof(T) <= 16);
    OptionValue option;
    option.size = sizeof value;
    std::memcpy(option.bytes.data(), &value, sizeof value);
    return option;
  }
};

Answer<OptionValue> option_of(UnixSocket& socket, int name) {
  const auto number = [](std::int32_t value) { return OptionValue::of(value); };
  const auto time = [](const std::atomic<std::uint64_t>& ns) {
    return OptionValue::of(to_timeval(ns.load(std::memory_order_relaxed)));
  };
  switch (name) {
    case SO_TYPE:
      return number(static_cast<std::int32_t>(socket.type()));
    case SO_DOMAIN:
      return number(address_family::local);
    case SO_ERROR:
      return number(socket.take_error());
    case SO_SNDBUF:
      return number(socket.send_buffer.load(std::memory_order_relaxed));
    case SO_RCVBUF:
      return number(socket.receive_buffer.load(std::memory_order_relaxed));
    case SO_PASSCRED:
      return number(socket.passes_credentials.load(std::memory_order_relaxed) ? 1 : 0);
    case SO_PEERCRED:
      return OptionValue::of(socket.peer());
    case SO_RCVTIMEO:
      return time(socket.receive_timeout_ns);
    case SO_SNDTIMEO:
      return time(socket.send_timeout_ns);
    case SO_PROTOCOL:
    case SO_ACCEPTCONN:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_PRIORITY:
    case SO_DEBUG:
    case SO_DONTROUTE:
    case SO_OOBINLINE:
      return number(0);
    default:
      return error(ENOPROTOOPT);
  }
}

}  // namespace

Answer<std::uint64_t> getsockopt(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const UserInOut<std::int32_t> length(call.e());
  if (Call::as_int(call.b()) != SOL_SOCKET) return error(EOPNOTSUPP);
  const std::int32_t room = TRY(length.read());
  if (room < 0) return error(EINVAL);
  const OptionValue value = TRY(option_of(*file->socket(), Call::as_int(call.c())));
  const std::size_t bytes = std::min(value.size, static_cast<std::size_t>(room));
  TRY(call.thread.copy_out(call.d(), std::span(value.bytes).first(bytes)));
  TRY(length.write(static_cast<std::int32_t>(bytes)));
  return std::uint64_t{0};
}

namespace {

// SO_SNDBUF and SO_RCVBUF: kept and told as Linux does (doubled, within its bounds). What a pair takes stays the same.
void set_buffer(std::atomic<std::int32_t>& buffer, std::int32_t bytes) {
  constexpr std::int32_t most = socket_buffer_bytes, least = 2304;
  buffer.store(std::max(std::clamp(bytes, 0, most) * 2, 2 * least), std::memory_order_relaxed);
}

Answer<> set_timeout(std::atomic<std::uint64_t>& timeout, Call& call) {
  if (Call::as_int(call.e()) < static_cast<int>(sizeof(UserTimeval))) return error(EINVAL);
  const UserTimeval given = TRY(UserIn<UserTimeval>(call.d()).read());
  if (given.microseconds < 0 || given.microseconds >= 1'000'000) return error(EDOM);
  timeout.store(given.seconds < 0 ? 1 : to_ns(given), std::memory_order_relaxed);
  return {};
}

}  // namespace

Answer<std::uint64_t> setsockopt(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  UnixSocket& socket = *file->socket();
  if (Call::as_int(call.e()) < 0) return error(EINVAL);
  if (Call::as_int(call.b()) != SOL_SOCKET) return error(EOPNOTSUPP);
  const int name = Call::as_int(call.c());
  if (name == SO_RCVTIMEO || name == SO_SNDTIMEO) {
    TRY(set_timeout(name == SO_RCVTIMEO ? socket.receive_timeout_ns : socket.send_timeout_ns, call));
    return std::uint64_t{0};
  }
  if (Call::as_int(call.e()) < static_cast<int>(sizeof(std::int32_t))) return error(EINVAL);
  const std::int32_t value = TRY(UserIn<std::int32_t>(call.d()).read());
  switch (name) {
    case SO_SNDBUF:
      set_buffer(socket.send_buffer, value);
      return std::uint64_t{0};
    case SO_RCVBUF:
      set_buffer(socket.receive_buffer, value);
      return std::uint64_t{0};
    case SO_PASSCRED:
      socket.passes_credentials.store(value != 0, std::memory_order_relaxed);
      return std::uint64_t{0};
    case SO_REUSEADDR:  // mean nothing between two ends of a pair, and are accepted
    case SO_KEEPALIVE:
    case SO_BROADCAST:
    case SO_LINGER:
    case SO_OOBINLINE:
    case SO_DONTROUTE:
      return std::uint64_t{0};
    default:
      return error(ENOPROTOOPT);
  }
}

}  // namespace linux_abi::calls
