// SPDX-License-Identifier: Apache-2.0
// Addresses of the socket calls, and files that AF_UNIX sockets are bound to: see socket_arguments.h.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/name_changes.h"
#include "linux-abi/calls/socket_arguments.h"
#include "linux-abi/sockets/unix_socket.h"

namespace linux_abi::calls {

Answer<SocketAddress> read_address(Call& call, std::uint64_t from, std::uint64_t given_bytes) {
  SocketAddress address;
  const int bytes = Call::as_int(given_bytes);
  if (bytes < 0 || static_cast<std::size_t>(bytes) > address.bytes.size()) return error(EINVAL);
  address.size = static_cast<std::size_t>(bytes);
  TRY(call.thread.copy_in(std::span(address.bytes).first(address.size), from));
  return address;
}

Answer<> write_address(Call& call, const SocketAddress& address, std::uint64_t to, std::uint64_t bytes_at) {
  const arch::UserInOut<std::int32_t> length(bytes_at);
  const std::int32_t room = TRY(length.read());
  if (room < 0) return error(EINVAL);
  TRY(call.thread.copy_out(to, address.span().first(std::min(address.size, static_cast<std::size_t>(room)))));
  TRY(length.write(static_cast<std::int32_t>(address.size)));
  return {};
}

namespace {

// The file of a bound socket; the name must not be taken.
Answer<PlaceReference> make_socket_file(Call& call, std::string_view path) {
  const auto parent_or = walk_to_new_name(call, at_current_directory, path, NewKind::Other);
  if (!parent_or) return parent_or.error() == EEXIST ? error(EADDRINUSE) : std::unexpected(parent_or.error());
  const ParentWalk& parent = *parent_or;
  const std::uint64_t changes = names_of(call).changes();
  const std::uint32_t mode = file_mode::socket | (0777U & ~call.thread.file_context().umask());
  auto made = parent.directory->node().create(parent.name(), mode, 0, call.thread);
  if (!made) return made.error() == EEXIST ? error(EADDRINUSE) : std::unexpected(made.error());
  PlaceReference place = TRY(Place::create(*made, parent.directory, parent.name()));
  name_made(call, parent, std::move(*made), changes);
  return place;
}

}  // namespace

Answer<> bind_local(Call& call, UnixSocket& socket, const SocketAddress& address) {
  const UnixName name = TRY(UnixName::parse(address));
  if (name.empty() || name.is_abstract()) return socket.bind_abstract(name);
  // A file is made only for a socket that can have it.
  if (socket.endpoint().is_bound()) return error(EINVAL);
  return socket.bind_to(TRY(make_socket_file(call, name.path())), name);
}

}  // namespace linux_abi::calls
