// SPDX-License-Identifier: Apache-2.0
// What sockets of all families share: see socket.h.
#include "linux-abi/sockets/socket.h"

#include <asm/socket.h>
#include <linux/fcntl.h>

#include "linux-abi/abi/structures.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/node.h"
#include "linux-abi/files/user_values.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

std::uint64_t deadline_of(std::uint64_t timeout_ns, Caller& caller) {
  return timeout_ns == 0 ? base::never_ns : after(caller.now_ns(), timeout_ns);
}

}  // namespace

SocketCredentials credentials_of(Caller& caller) {
  const Credentials& user = caller.credentials();
  return {static_cast<Thread&>(caller).process().pid(), user.uid, user.gid};
}

Socket::Socket(int flags, int family, SocketType type, int protocol, std::int32_t send_buffer,
               std::int32_t receive_buffer)
    : OpenFile(O_RDWR | flags),
      family_(family),
      type_(type),
      protocol_(protocol),
      options_(send_buffer, receive_buffer),
      inode_(next_anonymous_inode()) {}

SendOptions Socket::send_options(int flags, Caller& caller) const {
  return {.non_blocking = non_blocking() || (flags & message_flag::do_not_wait) != 0,
          .no_signal = (flags & message_flag::no_signal) != 0,
          .deadline_ns = deadline_of(options_.send_timeout_ns(), caller)};
}

ReceiveOptions Socket::receive_options(int flags, Caller& caller) const {
  return {.non_blocking = non_blocking() || (flags & message_flag::do_not_wait) != 0,
          .peek = (flags & message_flag::peek) != 0,
          .wait_all = (flags & message_flag::wait_all) != 0,
          .deadline_ns = deadline_of(options_.receive_timeout_ns(), caller),
          .offset = &options_.peek_offset()};
}

// Facts about the socket, and what has a value of its own kind; the rest are options_.
Answer<OptionValue> Socket::option(int level, int name, std::size_t room, Caller&) {
  if (level != SOL_SOCKET) return error(EOPNOTSUPP);
  switch (name) {
    case SO_TYPE:
      return OptionValue::number(static_cast<std::int32_t>(type_));
    case SO_DOMAIN:
      return OptionValue::number(family());
    case SO_PROTOCOL:
      return OptionValue::number(protocol_);
    case SO_ERROR:
      return OptionValue::number(take_error());
    case SO_ACCEPTCONN:
      return OptionValue::number(is_listening() ? 1 : 0);
    case SO_COOKIE:
      return room < sizeof inode_ ? Answer<OptionValue>(error(EINVAL)) : OptionValue::of(inode_);
    case SO_NETNS_COOKIE: {
      constexpr std::uint64_t first_namespace = 1;
      return room != sizeof first_namespace ? Answer<OptionValue>(error(EINVAL)) : OptionValue::of(first_namespace);
    }
    case SO_PEERNAME: {
      const auto peer = peer_name();
      if (!peer) return error(ENOTCONN);
      if (peer->size < room) return error(EINVAL);
      OptionValue value = OptionValue::of(peer->bytes);
      value.size = peer->size;
      return value;
    }
    case SO_GET_FILTER:
      return OptionValue();  // there never is one
    case SO_BINDTODEVICE:
      return bound_interface(options_, room);
    default:
      return options_.get(name, room);
  }
}

Answer<> Socket::set_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  if (level != SOL_SOCKET) return error(EOPNOTSUPP);
  const bool privileged = caller.credentials().is_root();
  if (name == SO_BINDTODEVICE) return bind_to_interface(options_, value, privileged);
  return options_.set(name, value, privileged);
}

void Socket::note(const Received& received, ControlNotes& notes) const {
  if (received.is_message()) options_.timestamps().tell(received.sent_ns, notes);
}

Answer<std::uint64_t> Socket::tell_count(std::size_t count, std::uint64_t to, Caller& caller) const {
  return copy_value_out(caller, to, static_cast<std::int32_t>(count));
}

Answer<std::size_t> Socket::read(std::span<std::byte> to, Caller& caller) { return TRY(receive(to, 0, caller)).bytes; }

Answer<std::size_t> Socket::write(std::span<const std::byte> from, Caller& caller) {
  Outgoing message;
  message.credentials = credentials_of(caller);
  return send(from, message, 0, caller);
}

Answer<FileStatus> Socket::status(Caller& caller) {
  const Credentials& user = caller.credentials();
  return FileStatus{.inode = inode_, .mode = file_mode::socket | 0777, .uid = user.uid, .gid = user.gid};
}

std::size_t Socket::describe(std::span<char> to, Caller&) { return describe_numbered("socket", inode_, to); }

}  // namespace linux_abi
