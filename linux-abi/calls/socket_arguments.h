// SPDX-License-Identifier: Apache-2.0
// What the socket calls share: sockets behind descriptors, addresses to and from user memory, control messages.
#pragma once

#include <optional>

#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/sockets/socket.h"

namespace linux_abi::calls {

// struct msghdr
struct UserMessage {
  std::uint64_t name = 0;
  std::uint32_t name_bytes = 0, padding = 0;
  std::uint64_t vectors = 0, vector_count = 0;
  std::uint64_t control = 0, control_bytes = 0;
  std::int32_t flags = 0, padding_after = 0;
};
static_assert(sizeof(UserMessage) == 56);

// EBADF, ENOTSOCK. The reference keeps socket() alive.
inline Answer<OpenFileReference> socket_file(Call& call, std::uint64_t descriptor) {
  OpenFileReference file = TRY(real_file(call, descriptor));
  if (file->socket() == nullptr) return error(ENOTSOCK);
  return file;
}

// EINVAL, EFAULT. An address of no bytes is one without a family.
Answer<SocketAddress> read_address(Call& call, std::uint64_t from, std::uint64_t bytes);
// As much of it as the program has room for, and its whole size; `bytes_at`: where the room is told (socklen_t).
Answer<> write_address(Call& call, const SocketAddress& address, std::uint64_t to, std::uint64_t bytes_at);

// What a message carries beside its bytes.
struct Control {
  base::Array<OpenFileReference> files;          // SCM_RIGHTS
  std::optional<SocketCredentials> credentials;  // SCM_CREDENTIALS
};
Answer<Control> read_control(Call& call, const Socket& socket, const UserMessage& message);
// Installs files and tells credentials as far as there is room; updates control_bytes and flags.
Answer<> write_control(Call& call, const Socket& socket, Received& received, UserMessage& message, bool close_on_exec);

// bind() of an AF_UNIX socket: makes the file that the address names.
Answer<> bind_local(Call& call, UnixSocket& socket, const SocketAddress& address);

}  // namespace linux_abi::calls
