// SPDX-License-Identifier: Apache-2.0
// Sending and receiving on sockets: see calls_sockets.h.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_sockets.h"
#include "linux-abi/calls/socket_arguments.h"
#include "linux-abi/calls/user_io.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr std::uint64_t stream_piece = 65536;

// An address is only for sockets without a peer.
Answer<> check_destination(Call& call, UnixSocket& socket, std::uint64_t address, std::uint64_t bytes) {
  if (address == 0 || bytes == 0) return {};
  if (socket.type() != SocketType::Datagram) return error(socket.connected() ? EISCONN : EOPNOTSUPP);
  return find_listener(call, address, bytes);
}

Answer<std::uint64_t> send_vectors(Call& call, UnixSocket& socket, std::span<const UserVector> vectors,
                                   base::Array<OpenFileReference> files, int flags) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  const SendOptions options{.non_blocking = (flags & message_flag::do_not_wait) != 0,
                            .no_signal = (flags & message_flag::no_signal) != 0};
  const SocketCredentials sender = credentials_of(call.thread);
  UserVectors user(vectors);
  const std::uint64_t total = user.left();
  const bool stream = socket.type() == SocketType::Stream;
  if (!stream && total > socket_buffer_bytes) return error(EMSGSIZE);
  base::Array<std::byte> buffer;
  TRY(buffer.resize(stream ? std::min(total, stream_piece) : total));
  std::uint64_t done = 0;
  do {
    const auto piece = buffer.span().first(std::min<std::uint64_t>(total - done, buffer.size()));
    const std::size_t copied = user.copy_in(piece);
    if (copied < piece.size() && (!stream || copied == 0))
      return done > 0 ? Answer<std::uint64_t>(done) : error(EFAULT);
    const auto sent = socket.send(piece.first(copied), std::move(files), sender, options, call.thread);
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

Answer<Delivered> receive_vectors(Call& call, UnixSocket& socket, std::span<const UserVector> vectors, int flags) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  ReceiveOptions options{.non_blocking = (flags & message_flag::do_not_wait) != 0,
                         .peek = (flags & message_flag::peek) != 0,
                         .wait_all = (flags & message_flag::wait_all) != 0};
  UserVectors user(vectors);
  const bool stream = socket.type() == SocketType::Stream;
  const std::uint64_t most = stream && !options.peek ? stream_piece : socket_buffer_bytes;
  base::Array<std::byte> buffer;
  TRY(buffer.resize(std::min(user.left(), most)));
  Delivered delivered;
  while (true) {
    const auto piece = buffer.span().first(std::min<std::uint64_t>(user.left(), buffer.size()));
    auto received = socket.receive(piece, options, call.thread);
    if (!received && delivered.answer > 0) return delivered;
    if (!received) return std::unexpected(received.error());
    if (user.copy_out(piece.first(received->bytes)) < received->bytes) return error(EFAULT);
    const std::size_t got = received->bytes;
    delivered.answer += got;
    delivered.truncated = received->message_bytes > got;
    if (!stream && (flags & message_flag::truncated) != 0) delivered.answer = received->message_bytes;
    delivered.received = std::move(*received);
    // A stream goes on for as long as there is more at once, or, with MSG_WAITALL, until all is there.
    const bool more = stream && !options.peek && got == piece.size() && got > 0 && user.left() > 0 &&
                      delivered.received.files.empty();
    if (!more) return delivered;
    if (!options.wait_all) options.non_blocking = true;
  }
}

}  // namespace

Answer<std::uint64_t> sendto(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  UnixSocket& socket = *file->socket();
  TRY(check_destination(call, socket, call.e(), static_cast<std::uint32_t>(call.f())));
  const UserVector vector{call.b(), call.c()};
  return send_vectors(call, socket, std::span(&vector, 1), {}, Call::as_int(call.d()));
}

Answer<std::uint64_t> recvfrom(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  const auto delivered = TRY(receive_vectors(call, *file->socket(), std::span(&vector, 1), Call::as_int(call.d())));
  // The peer has no name.
  if (call.e() != 0 && call.f() != 0) TRY(UserOut<std::uint32_t>(call.f()).write(0));
  return delivered.answer;
}

Answer<std::uint64_t> sendmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  UnixSocket& socket = *file->socket();
  const UserMessage message = TRY(UserIn<UserMessage>(call.b()).read());
  if (message.vector_count > max_vectors) return error(EMSGSIZE);
  const auto vectors = TRY(read_vectors(message.vectors, message.vector_count));
  auto files = TRY(read_control(call, message));
  TRY(check_destination(call, socket, message.name, message.name_bytes));
  return send_vectors(call, socket, vectors.span(), std::move(files), Call::as_int(call.c()));
}

Answer<std::uint64_t> recvmsg(Call& call) {
  const OpenFileReference file = TRY(socket_file(call, call.a()));
  UserMessage message = TRY(UserIn<UserMessage>(call.b()).read());
  if (message.vector_count > max_vectors) return error(EMSGSIZE);
  const auto vectors = TRY(read_vectors(message.vectors, message.vector_count));
  const int flags = Call::as_int(call.c());
  auto delivered = TRY(receive_vectors(call, *file->socket(), vectors.span(), flags));
  const bool close_on_exec = (flags & message_flag::close_on_exec) != 0;
  message.flags = flags & message_flag::close_on_exec;
  if (delivered.truncated) message.flags |= message_flag::truncated;
  if (file->socket()->type() == SocketType::SequencedPacket) message.flags |= message_flag::end_of_record;
  TRY(write_control(call, *file->socket(), delivered.received, message, close_on_exec));
  // Only what it says is told: the program's own pointers stay as they are.
  if (message.name != 0) TRY(UserOut<std::uint32_t>(call.b() + offsetof(UserMessage, name_bytes)).write(0));
  TRY(UserOut<std::uint64_t>(call.b() + offsetof(UserMessage, control_bytes)).write(message.control_bytes));
  TRY(UserOut<std::int32_t>(call.b() + offsetof(UserMessage, flags)).write(message.flags));
  return delivered.answer;
}

}  // namespace linux_abi::calls
