// SPDX-License-Identifier: Apache-2.0
// Two AF_UNIX sockets that are connected with one another, or one that is not: packets that wait at each end, with the
// open files and the credentials that came with them. Its own lock (rank Process); packets are freed outside of it.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

enum class SocketType : std::uint8_t { Stream = 1, Datagram = 2, SequencedPacket = 5 };

// struct ucred
struct SocketCredentials {
  std::int32_t pid = 0;
  std::uint32_t uid = 0, gid = 0;
};

inline constexpr std::size_t socket_buffer_bytes = 212992;  // as net.core.wmem_default

struct SocketPacket : boost::intrusive::list_base_hook<> {
  base::Array<std::byte> bytes;
  std::size_t taken = 0;  // of a stream's packet
  base::Array<OpenFileReference> files;
  SocketCredentials sender;
};

struct ReceiveOptions {
  bool non_blocking = false, peek = false, wait_all = false;
  std::uint64_t deadline_ns = base::never_ns;
};
struct Received {
  std::size_t bytes = 0;
  std::size_t message_bytes = 0;  // of the datagram, which may have been longer
  base::Array<OpenFileReference> files;
  SocketCredentials sender;
};

class SocketPair : public processor::Counted {
 public:
  enum class Ends : std::uint8_t { One, Two };
  SocketPair(SocketType type, Ends ends) : type_(type), connected_(ends == Ends::Two) {}

  SocketType type() const { return type_; }
  bool connected() const { return connected_; }

  // `end` is the caller's, 0 or 1. EPIPE, ENOTCONN, ECONNREFUSED, EMSGSIZE, EAGAIN. A stream may take a part.
  Answer<std::size_t> send(unsigned end, std::span<const std::byte> from, base::Array<OpenFileReference> files,
                           const SocketCredentials& sender, bool non_blocking, std::uint64_t deadline_ns,
                           Caller& caller);
  // 0 bytes: the other end is shut. EAGAIN, ECONNRESET, EINVAL or ENOTCONN when it is not connected.
  Answer<Received> receive(unsigned end, std::span<std::byte> to, const ReceiveOptions& options, Caller& caller);
  void shut_down(unsigned end, bool receiving, bool sending);
  void close(unsigned end);
  // SO_ERROR: an errno, told once.
  int take_error(unsigned end);
  std::size_t bytes_to_read(unsigned end);  // FIONREAD

  std::uint32_t events(unsigned end);
  PollSource& source(unsigned end) { return ends_[end].source; }

  void last_reference_gone();

 private:
  using Packets = boost::intrusive::list<SocketPacket>;
  struct End {
    Packets packets;  // to be received here
    std::size_t packet_bytes = 0;
    bool receiving_shut = false, sending_shut = false, gone = false;
    int error = 0;
    base::WaitQueue readers, writers;  // writers: who sends from here
    PollSource source;
  };
  static void drop(Packets& packets);
  static unsigned other(unsigned end) { return 1 - end; }
  Answer<> send_packet(unsigned end, base::Own<SocketPacket>& packet, bool non_blocking, std::uint64_t deadline_ns,
                       Caller& caller);
  int send_error_locked(unsigned end);
  std::size_t take_stream_locked(End& end, std::span<std::byte> to, bool peek, Received& received, Packets& done);
  void take_message_locked(End& end, std::span<std::byte> to, bool peek, Received& received, Packets& done);

  const SocketType type_;
  const bool connected_;
  base::SpinLock lock_{base::LockRank::Process};  // guards the ends but for their sources
  std::array<End, 2> ends_;
};

}  // namespace linux_abi
