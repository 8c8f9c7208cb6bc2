// SPDX-License-Identifier: Apache-2.0
// What travels with the bytes of a message, and how sending and receiving are asked for; of all families. Pure: what a
// message carries (open files) is only known by what it holds of sockets.
#pragma once

#include "kernel/base/clock.h"
#include "kernel/base/memory.h"
#include "linux-abi/sockets/socket_address.h"

namespace linux_abi {

class UnixEndpoint;

// struct ucred
struct SocketCredentials {
  std::int32_t pid = 0;
  std::uint32_t uid = 0, gid = 0;
};

// The open files in a message (SCM_RIGHTS). Destroyed without locks: it may be the last to hold them.
class Attachment {
 public:
  virtual ~Attachment() = default;
  virtual std::size_t count() const = 0;
  // Of the index-th file if it is an AF_UNIX socket.
  virtual UnixEndpoint* endpoint(std::size_t index) const = 0;
  // For MSG_PEEK; null without memory.
  virtual base::Own<Attachment> copy() const = 0;
};

struct SendOptions {
  bool non_blocking = false, no_signal = false;
  std::uint64_t deadline_ns = base::never_ns;
};
struct ReceiveOptions {
  bool non_blocking = false, peek = false, wait_all = false;
  std::uint64_t deadline_ns = base::never_ns;
};
struct Received {
  std::size_t bytes = 0;
  std::size_t message_bytes = 0;  // of the datagram, which may have been longer
  base::Own<Attachment> attachment;
  SocketCredentials credentials;
  SocketAddress from;  // size 0: without a name
};

}  // namespace linux_abi
