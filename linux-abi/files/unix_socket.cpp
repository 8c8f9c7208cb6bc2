// SPDX-License-Identifier: Apache-2.0
// Open sockets: see unix_socket.h.
#include "linux-abi/files/unix_socket.h"

#include <linux/fcntl.h>

#include "kernel/base/memory.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/node.h"
#include "linux-abi/process/thread.h"
#include "linux-abi/signals/signal_numbers.h"

namespace linux_abi {
namespace {

constexpr SocketCredentials nobody{0, ~0U, ~0U};

std::uint64_t deadline_of(const std::atomic<std::uint64_t>& timeout, Caller& caller) {
  const std::uint64_t ns = timeout.load(std::memory_order_relaxed);
  return ns == 0 ? base::never_ns : after(caller.now_ns(), ns);
}

Answer<processor::Reference<SocketPair>> make_pair(SocketType type, SocketPair::Ends ends) {
  auto pair = base::make<SocketPair>(type, ends);
  if (!pair) return error(ENOMEM);
  return processor::Reference<SocketPair>(*pair.release());
}

Answer<OpenFileReference> make_end(const processor::Reference<SocketPair>& pair, unsigned end, int flags,
                                   const SocketCredentials& peer) {
  auto socket = base::make<UnixSocket>(pair, end, O_RDWR | flags, peer);
  if (!socket) return error(ENOMEM);
  return OpenFileReference(*socket.release());
}

}  // namespace

SocketCredentials credentials_of(Caller& caller) {
  const Credentials& user = caller.credentials();
  return {static_cast<Thread&>(caller).process().pid(), user.uid, user.gid};
}

UnixSocket::UnixSocket(processor::Reference<SocketPair> pair, unsigned end, int flags, const SocketCredentials& peer)
    : OpenFile(flags), pair_(std::move(pair)), end_(end), peer_(peer), inode_(next_anonymous_inode()) {}

UnixSocket::~UnixSocket() { pair_->close(end_); }

void UnixSocket::close() { base::Own<UnixSocket>(this).reset(); }

Answer<OpenFileReference> UnixSocket::create(SocketType type, int flags) {
  return make_end(TRY(make_pair(type, SocketPair::Ends::One)), 0, flags, nobody);
}

Answer<UnixSocket::Pair> UnixSocket::create_pair(SocketType type, int flags, const SocketCredentials& creator) {
  const auto pair = TRY(make_pair(type, SocketPair::Ends::Two));
  Pair ends;
  ends.first = TRY(make_end(pair, 0, flags, creator));
  ends.second = TRY(make_end(pair, 1, flags, creator));
  return ends;
}

Answer<std::size_t> UnixSocket::send(std::span<const std::byte> from, base::Array<OpenFileReference> files,
                                     const SocketCredentials& sender, SendOptions options, Caller& caller) {
  const auto sent = pair_->send(end_, from, std::move(files), sender, options.non_blocking || non_blocking(),
                                deadline_of(send_timeout_ns, caller), caller);
  if (!sent && sent.error() == EPIPE && type() == SocketType::Stream && !options.no_signal) caller.raise(sig::pipe);
  return sent;
}

Answer<Received> UnixSocket::receive(std::span<std::byte> to, ReceiveOptions options, Caller& caller) {
  options.non_blocking |= non_blocking();
  options.deadline_ns = deadline_of(receive_timeout_ns, caller);
  return pair_->receive(end_, to, options, caller);
}

Answer<std::size_t> UnixSocket::read(std::span<std::byte> to, Caller& caller) {
  return TRY(receive(to, {}, caller)).bytes;
}

Answer<std::size_t> UnixSocket::write(std::span<const std::byte> from, Caller& caller) {
  return send(from, {}, credentials_of(caller), {}, caller);
}

Answer<FileStatus> UnixSocket::status(Caller& caller) {
  const Credentials& user = caller.credentials();
  return FileStatus{.inode = inode_, .mode = file_mode::socket | 0777, .uid = user.uid, .gid = user.gid};
}

Answer<std::uint64_t> UnixSocket::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  constexpr std::uint32_t bytes_to_read = 0x541b;  // FIONREAD
  if (request != bytes_to_read) return error(ENOTTY);
  const auto bytes = static_cast<std::int32_t>(pair_->bytes_to_read(end_));
  TRY(caller.copy_out(argument, std::as_bytes(std::span(&bytes, 1))));
  return std::uint64_t{0};
}

std::size_t UnixSocket::describe(std::span<char> to, Caller&) { return describe_numbered("socket", inode_, to); }

}  // namespace linux_abi
