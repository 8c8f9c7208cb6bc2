// SPDX-License-Identifier: Apache-2.0
// Making and connecting sockets, their names and options: see calls_sockets.h.
#include "linux-abi/calls/calls_sockets.h"

#include <linux/fcntl.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/socket_arguments.h"
#include "linux-abi/sockets/inet_socket.h"
#include "linux-abi/sockets/netlink/netlink_socket.h"
#include "linux-abi/sockets/unix_socket.h"

namespace linux_abi::calls {

using arch::UserInOut;
using arch::UserOut;

namespace {

struct SocketKind {
  int family = 0;
  SocketType type = SocketType::Stream;
  int protocol = 0;
  int flags = 0;
  bool close_on_exec = false;
};

Answer<SocketType> local_type(int bare, int protocol) {
  if (protocol != 0 && protocol != address_family::local) return error(EPROTONOSUPPORT);
  switch (bare) {
    case static_cast<int>(SocketType::Stream):
      return SocketType::Stream;
    case static_cast<int>(SocketType::Raw):  // Linux takes it for a datagram socket
    case static_cast<int>(SocketType::Datagram):
      return SocketType::Datagram;
    case static_cast<int>(SocketType::SequencedPacket):
      return SocketType::SequencedPacket;
    default:
      return error(ESOCKTNOSUPPORT);
  }
}

Answer<SocketType> internet_type(int bare, int protocol, bool privileged) {
  constexpr int protocols = 256;
  if (protocol < 0 || protocol >= protocols) return error(EINVAL);
  const auto wanted = [protocol](InetProtocol only) { return protocol == 0 || protocol == static_cast<int>(only); };
  switch (bare) {
    case static_cast<int>(SocketType::Stream):
      return wanted(InetProtocol::Tcp) ? Answer<SocketType>(SocketType::Stream) : error(EPROTONOSUPPORT);
    case static_cast<int>(SocketType::Datagram):
      return wanted(InetProtocol::Udp) ? Answer<SocketType>(SocketType::Datagram) : error(EPROTONOSUPPORT);
    case static_cast<int>(SocketType::Raw):
      return error(protocol != 0 && !privileged ? EPERM : EPROTONOSUPPORT);
    default:
      return error(ESOCKTNOSUPPORT);
  }
}

Answer<SocketType> netlink_type(int bare, int protocol) {
  const auto type = static_cast<SocketType>(bare);
  if (type != SocketType::Raw && type != SocketType::Datagram) return error(ESOCKTNOSUPPORT);
  return protocol == NETLINK_ROUTE ? Answer<SocketType>(type) : error(EPROTONOSUPPORT);
}

Answer<SocketKind> kind_of(Call& call) {
  const int family = Call::as_int(call.a()), type = Call::as_int(call.b()), protocol = Call::as_int(call.c());
  constexpr int type_mask = 0xf, types = 11;
  if (((type & ~type_mask) & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return error(EINVAL);
  if (family < 0 || family >= address_family::families) return error(EAFNOSUPPORT);
  const int bare = type & type_mask;
  if (bare >= types) return error(EINVAL);
  SocketKind kind{.family = family, .flags = type & O_NONBLOCK, .close_on_exec = (type & O_CLOEXEC) != 0};
  if (family == address_family::local)
    kind.type = TRY(local_type(bare, protocol));
  else if (family == address_family::internet || family == address_family::internet6)
    kind.type = TRY(internet_type(bare, protocol, call.thread.user.may(Capability::RawNetwork)));
  else if (family == address_family::netlink)
    kind.type = TRY(netlink_type(bare, protocol));
  else
    return error(EAFNOSUPPORT);
  return kind;
}

Answer<OpenFileReference> make_socket(Call& call, const SocketKind& kind) {
  const VNode& vnode = call.process().vnode();
  if (kind.family == address_family::local) return UnixSocket::create(vnode.unix_sockets, kind.type, kind.flags);
  if (kind.family == address_family::netlink)
    return NetlinkSocket::create(vnode.netlink_sockets, kind.type, kind.flags);
  const InetProtocol protocol = kind.type == SocketType::Stream ? InetProtocol::Tcp : InetProtocol::Udp;
  return InetSocket::create(vnode.inet_sockets, kind.family, protocol, kind.flags);
}

}  // namespace

Answer<std::uint64_t> socket(Call& call) {
  const SocketKind kind = TRY(kind_of(call));
  return install(call, TRY(make_socket(call, kind)), kind.close_on_exec);
}

Answer<std::uint64_t> socketpair(Call& call) {
  const SocketKind kind = TRY(kind_of(call));
  if (kind.family != address_family::local) return error(EOPNOTSUPP);
  UnixSocket::Pair pair = TRY(
      UnixSocket::create_pair(call.process().vnode().unix_sockets, kind.type, kind.flags, credentials_of(call.thread)));
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

Answer<std::uint64_t> bind(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const SocketAddress address = TRY(read_address(call, call.b(), call.c()));
  if (UnixSocket* const local = file->socket()->unix_socket())
    TRY(bind_local(call, *local, address));
  else
    TRY(file->socket()->bind(address, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> connect(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const SocketAddress address = TRY(read_address(call, call.b(), call.c()));
  TRY(file->socket()->connect(address, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> listen(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  TRY(file->socket()->listen(Call::as_int(call.b()), call.thread));
  return std::uint64_t{0};
}

namespace {

Answer<std::uint64_t> accept_with(Call& call, int flags) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  OpenFileReference accepted = TRY(file->socket()->accept(flags & O_NONBLOCK, call.thread));
  if (call.b() != 0) {
    // Of a peer that is gone already there is no name.
    const auto peer = accepted->socket()->peer_name();
    if (!peer) return error(ECONNABORTED);
    TRY(write_address(call, *peer, call.b(), call.c()));
  }
  return install(call, std::move(accepted), (flags & O_CLOEXEC) != 0);
}

}  // namespace

Answer<std::uint64_t> accept(Call& call) { return accept_with(call, 0); }

Answer<std::uint64_t> accept4(Call& call) {
  const int flags = Call::as_int(call.d());
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0) return error(EINVAL);
  return accept_with(call, flags);
}

Answer<std::uint64_t> getsockname(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  TRY(write_address(call, file->socket()->name(), call.b(), call.c()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> getpeername(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const SocketAddress peer = TRY(file->socket()->peer_name());
  TRY(write_address(call, peer, call.b(), call.c()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> shutdown(Call& call) {
  constexpr int receiving = 0, sending = 1, both = 2;
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const int how = Call::as_int(call.b());
  if (how < receiving || how > both) return error(EINVAL);
  TRY(file->socket()->shut_down(how != sending, how != receiving));
  return std::uint64_t{0};
}

Answer<std::uint64_t> getsockopt(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const UserInOut<std::int32_t> length(call.e());
  const std::int32_t room = TRY(length.read());
  if (room < 0) return error(EINVAL);
  const OptionValue value = TRY(file->socket()->option(Call::as_int(call.b()), Call::as_int(call.c()),
                                                       static_cast<std::size_t>(room), call.thread));
  const std::size_t bytes = std::min(value.size, static_cast<std::size_t>(room));
  TRY(call.thread.copy_out(call.d(), std::span(value.bytes).first(bytes)));
  TRY(length.write(static_cast<std::int32_t>(bytes)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> setsockopt(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const int given = Call::as_int(call.e());
  if (given < 0) return error(EINVAL);
  std::array<std::byte, 128> bytes{};
  const auto value = std::span(bytes).first(std::min(bytes.size(), static_cast<std::size_t>(given)));
  TRY(call.thread.copy_in(value, call.d()));
  TRY(file->socket()->set_option(Call::as_int(call.b()), Call::as_int(call.c()), value, call.thread));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
