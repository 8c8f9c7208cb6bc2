// SPDX-License-Identifier: Apache-2.0
// Sending and receiving on sockets: see calls_sockets.h.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_sockets.h"
#include "linux-abi/calls/socket_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/sockets/unix_socket.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserInOut;
using arch::UserOut;

namespace {

constexpr std::uint64_t stream_piece = 65536;

Answer<std::uint64_t> send_vectors(Call& call, Socket& socket, std::span<const UserVector> vectors, Outgoing& message,
                                   int flags) {
  UserVectors user(vectors);
  const std::uint64_t total = user.left();
  const bool stream = socket.is_stream();
  if (!stream && total > socket.longest_message()) return error(EMSGSIZE);
  base::Array<std::byte> buffer;
  TRY(buffer.resize(stream ? std::min(total, stream_piece) : total));
  std::uint64_t done = 0;
  do {
    const auto piece = buffer.span().first(std::min<std::uint64_t>(total - done, buffer.size()));
    const std::size_t copied = user.copy_in(piece);
    if (copied < piece.size() && (!stream || copied == 0))
      return done > 0 ? Answer<std::uint64_t>(done) : error(EFAULT);
    const auto sent = socket.send(piece.first(copied), message, flags, call.thread);
    if (!sent) return done > 0 ? Answer<std::uint64_t>(done) : std::unexpected(sent.error());
    done += *sent;
    if (*sent < piece.size()) break;
  } while (done < total);
  return done;
}

struct Delivered {
  std::uint64_t answer = 0;
  bool truncated = false;
  Received received;
};

Answer<Delivered> receive_vectors(Call& call, Socket& socket, std::span<const UserVector> vectors, int flags) {
  UserVectors user(vectors);
  const bool stream = socket.is_stream();
  const bool peek = (flags & message_flag::peek) != 0;
  constexpr std::uint64_t longest_peek = 1 << 18;
  base::Array<std::byte> buffer;
  TRY(buffer.resize(std::min(user.left(), stream && !peek ? stream_piece : longest_peek)));
  Delivered delivered;
  while (true) {
    const auto piece = buffer.span().first(std::min<std::uint64_t>(user.left(), buffer.size()));
    auto received = socket.receive(piece, flags, call.thread);
    if (!received && delivered.answer > 0) return delivered;
    if (!received) return std::unexpected(received.error());
    if (user.copy_out(piece.first(received->bytes)) < received->bytes) return error(EFAULT);
    const std::size_t got = received->bytes;
    delivered.answer += got;
    delivered.truncated = received->message_bytes > got;
    if (!stream && (flags & message_flag::truncated) != 0) delivered.answer = received->message_bytes;
    delivered.received = std::move(*received);
    // A stream goes on for as long as there is more at once, or, with MSG_WAITALL, until all is there.
    const bool more =
        stream && !peek && got == piece.size() && got > 0 && user.left() > 0 && !delivered.received.attachment;
    if (!more) return delivered;
    if ((flags & message_flag::wait_all) == 0) flags |= message_flag::do_not_wait;
  }
}

Answer<std::uint64_t> send_message(Call& call, Socket& socket, std::uint64_t at, int flags) {
  const UserMessage message = TRY(UserIn<UserMessage>(at).read());
  if (message.vector_count > max_vectors) return error(EMSGSIZE);
  if (Call::as_int(message.name_bytes) < 0) return error(EINVAL);
  constexpr std::uint32_t longest_address = sizeof SocketAddress::bytes;
  SocketAddress to;
  Outgoing outgoing;
  if (message.name != 0 && message.name_bytes != 0) {
    to = TRY(read_address(call, message.name, std::min(message.name_bytes, longest_address)));
    outgoing.to = &to;
  }
  const auto vectors = TRY(read_vectors(message.vectors, message.vector_count));
  auto control = TRY(read_control(call, socket, message));
  outgoing.credentials = control.credentials.value_or(credentials_of(call.thread));
  if (!control.files.empty()) {
    outgoing.attachment = base::make<AttachedFiles>(std::move(control.files));
    if (!outgoing.attachment) return error(ENOMEM);
  }
  return send_vectors(call, socket, vectors.span(), outgoing, flags);
}

Answer<std::uint64_t> receive_message(Call& call, Socket& socket, std::uint64_t at, int flags) {
  UserMessage message = TRY(UserIn<UserMessage>(at).read());
  if (message.vector_count > max_vectors) return error(EMSGSIZE);
  if (message.name != 0 && Call::as_int(message.name_bytes) < 0) return error(EINVAL);
  const auto vectors = TRY(read_vectors(message.vectors, message.vector_count));
  auto delivered = TRY(receive_vectors(call, socket, vectors.span(), flags));
  message.flags = flags & message_flag::close_on_exec;
  if (delivered.truncated) message.flags |= message_flag::truncated;
  TRY(write_control(call, socket, delivered.received, message, message.flags != 0));
  // Only what it says is told: the program's own pointers stay as they are.
  if (message.name != 0)
    TRY(write_address(call, delivered.received.from, message.name, at + offsetof(UserMessage, name_bytes)));
  TRY(UserOut<std::uint64_t>(at + offsetof(UserMessage, control_bytes)).write(message.control_bytes));
  TRY(UserOut<std::int32_t>(at + offsetof(UserMessage, flags)).write(message.flags));
  return delivered.answer;
}

// struct mmsghdr[]: `each` does one of them; how many were done, or what went wrong with the first.
constexpr std::uint64_t vector_step = 64, length_offset = sizeof(UserMessage);
constexpr std::uint64_t most_messages = 1024;
template <typename Each>
Answer<std::uint64_t> for_messages(std::uint64_t at, std::uint64_t count, Each each) {
  std::uint64_t done = 0;
  for (bool goes_on = true; goes_on && done < count; ++done) {
    const std::uint64_t message = at + done * vector_step;
    const auto moved = each(message, done, goes_on);
    const bool told =
        moved && UserOut<std::uint32_t>(message + length_offset).write(static_cast<std::uint32_t>(*moved));
    if (told) continue;
    if (done > 0) return done;
    return moved ? error(EFAULT) : std::unexpected(moved.error());
  }
  return done;
}

}  // namespace

Answer<std::uint64_t> sendto(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  SocketAddress to;
  Outgoing outgoing;
  if (call.e() != 0 && Call::as_int(call.f()) != 0) {
    to = TRY(read_address(call, call.e(), call.f()));
    outgoing.to = &to;
  }
  outgoing.credentials = credentials_of(call.thread);
  const UserVector vector{call.b(), call.c()};
  return send_vectors(call, *file->socket(), std::span(&vector, 1), outgoing, Call::as_int(call.d()));
}

Answer<std::uint64_t> recvfrom(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  const auto delivered = TRY(receive_vectors(call, *file->socket(), std::span(&vector, 1), Call::as_int(call.d())));
  if (call.e() != 0) TRY(write_address(call, delivered.received.from, call.e(), call.f()));
  return delivered.answer;
}

Answer<std::uint64_t> sendmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  return send_message(call, *file->socket(), call.b(), Call::as_int(call.c()));
}

Answer<std::uint64_t> recvmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  return receive_message(call, *file->socket(), call.b(), Call::as_int(call.c()));
}

Answer<std::uint64_t> sendmmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const int flags = Call::as_int(call.d());
  return for_messages(
      call.b(), std::min<std::uint64_t>(static_cast<std::uint32_t>(call.c()), most_messages),
      [&](std::uint64_t message, std::uint64_t, bool&) { return send_message(call, *file->socket(), message, flags); });
}

Answer<std::uint64_t> recvmmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const UserInOut<UserTimespec> timeout(call.e());
  std::uint64_t deadline_ns = base::never_ns;
  if (call.e() != 0) {
    const UserTimespec given = TRY(timeout.read());
    if (!is_valid(given)) return error(EINVAL);
    deadline_ns = after(call.thread.now_ns(), to_ns(given));
  }
  int flags = Call::as_int(call.d());
  const bool for_one = (flags & message_flag::wait_for_one) != 0;
  // The time is looked at after each message, as Linux does: it ends no wait.
  const auto received = for_messages(
      call.b(), std::min<std::uint64_t>(static_cast<std::uint32_t>(call.c()), most_messages),
      [&](std::uint64_t message, std::uint64_t, bool& goes_on) {
        const auto got = receive_message(call, *file->socket(), message, flags & ~message_flag::wait_for_one);
        if (for_one) flags |= message_flag::do_not_wait;
        goes_on = call.thread.now_ns() < deadline_ns;
        return got;
      });
  if (!received) return received;
  if (call.e() != 0) {
    const std::uint64_t now_ns = call.thread.now_ns();
    TRY(timeout.write(to_timespec(deadline_ns > now_ns ? deadline_ns - now_ns : 0)));
  }
  return received;
}

}  // namespace linux_abi::calls
