// SPDX-License-Identifier: Apache-2.0
// Numbers and structures of the socket calls that Linux's headers for programs do not have.
#pragma once

#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/unix_socket.h"

namespace linux_abi::calls {

namespace address_family {
inline constexpr int unspecified = 0, local = 1, families = 46;
}
namespace message_flag {
inline constexpr int out_of_band = 1, peek = 2, control_truncated = 8, truncated = 0x20, do_not_wait = 0x40,
                     end_of_record = 0x80, wait_all = 0x100, no_signal = 0x4000, close_on_exec = 0x40000000;
}

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

// What connect and sendto find at an AF_UNIX address: nobody listens anywhere, so always an error, Linux's.
Answer<> find_listener(Call& call, std::uint64_t address, std::uint64_t bytes);

// The descriptors that a message carries (SCM_RIGHTS). Sockets are refused: ETOOMANYREFS.
Answer<base::Array<OpenFileReference>> read_control(Call& call, const UserMessage& message);
// Installs files and tells credentials as far as there is room; updates control_bytes and flags.
Answer<> write_control(Call& call, UnixSocket& socket, Received& received, UserMessage& message, bool close_on_exec);

}  // namespace linux_abi::calls
