// SPDX-License-Identifier: Apache-2.0
// What travels with the bytes of a message, and how sending and receiving are asked for; of all families. Pure: what a
// message carries (open files) is only known by what it holds of sockets.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <span>

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

// Where MSG_PEEK begins (SO_PEEK_OFF); negative: at the first byte, always. Changed under the lock of what is queued.
class PeekOffset {
 public:
  std::int32_t value() const { return value_.load(std::memory_order_relaxed); }
  void set(std::int32_t value) { value_.store(value, std::memory_order_relaxed); }
  std::size_t skip() const { return value() > 0 ? static_cast<std::size_t>(value()) : 0; }
  void peeked(std::size_t bytes) {
    if (value() >= 0) set(value() + static_cast<std::int32_t>(bytes));
  }
  void taken(std::size_t bytes) {
    if (value() > 0) set(skip() > bytes ? value() - static_cast<std::int32_t>(bytes) : 0);
  }

 private:
  std::atomic<std::int32_t> value_{-1};
};

// What of the sender's options travels with a datagram.
struct PacketMarks {
  std::uint32_t mark = 0;          // SO_MARK
  std::uint8_t ttl = 64, tos = 0;  // or hop limit and traffic class
};

struct SendOptions {
  bool non_blocking = false, no_signal = false;
  std::uint64_t deadline_ns = base::never_ns;
  PacketMarks marks;
};
struct ReceiveOptions {
  bool non_blocking = false, peek = false, wait_all = false;
  std::uint64_t deadline_ns = base::never_ns;
  PeekOffset* offset = nullptr;

  // Where peeking begins; and how many bytes were peeked at, or taken.
  std::size_t skip() const { return offset == nullptr ? 0 : offset->skip(); }
  void moved(std::size_t bytes) const {
    if (offset == nullptr) return;
    peek ? offset->peeked(bytes) : offset->taken(bytes);
  }
};
struct Received {
  std::size_t bytes = 0;
  std::size_t message_bytes = 0;  // of the datagram, which may have been longer
  base::Own<Attachment> attachment;
  SocketCredentials credentials;
  SocketAddress from;  // size 0: without a name
  // Of a datagram: where it went, when it was sent (wall time), what its sender gave it, how many had been lost then.
  SocketAddress to;
  std::uint64_t sent_ns = 0;
  PacketMarks marks;
  std::uint32_t lost = 0;
  std::size_t left = 0;  // of a stream: what can be read at once after these bytes
  // Else it is bytes of a stream, or the end.
  bool is_message() const { return sent_ns != 0; }
};

// Control messages that recvmsg tells beside credentials and files, as the options of the socket ask for them.
class ControlNotes {
 public:
  struct Note {
    int level = 0, type = 0;
    std::size_t size = 0;
    std::array<std::byte, 48> bytes{};
  };
  template <typename T>
  void add(int level, int type, const T& value) {
    static_assert(sizeof(T) <= sizeof Note::bytes);
    if (count_ == notes_.size()) return;
    Note& note = notes_[count_++];
    note = {.level = level, .type = type, .size = sizeof value};
    std::memcpy(note.bytes.data(), &value, sizeof value);
  }
  std::span<const Note> all() const { return std::span(notes_).first(count_); }

 private:
  std::array<Note, 8> notes_;
  std::size_t count_ = 0;
};

}  // namespace linux_abi
