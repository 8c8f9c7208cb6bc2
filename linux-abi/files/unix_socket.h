// SPDX-License-Identifier: Apache-2.0
// The open file of one end of a SocketPair, with its options.
#pragma once

#include "linux-abi/files/socket_pair.h"

namespace linux_abi {

// Of the thread, as its peers see it.
SocketCredentials credentials_of(Caller& caller);

struct SendOptions {
  bool non_blocking = false, no_signal = false;
};

class UnixSocket final : public OpenFile {
 public:
  struct Pair {
    OpenFileReference first, second;
  };
  // flags: O_NONBLOCK.
  static Answer<OpenFileReference> create(SocketType type, int flags);
  static Answer<Pair> create_pair(SocketType type, int flags, const SocketCredentials& creator);

  UnixSocket(processor::Reference<SocketPair> pair, unsigned end, int flags, const SocketCredentials& peer);
  ~UnixSocket() override;

  SocketType type() const { return pair_->type(); }
  bool connected() const { return pair_->connected(); }
  // Of who made the peer; pid 0 and ids -1 if there is none.
  const SocketCredentials& peer() const { return peer_; }
  int take_error() { return pair_->take_error(end_); }
  void shut_down(bool receiving, bool sending) { pair_->shut_down(end_, receiving, sending); }

  // Raises SIGPIPE as Linux does.
  Answer<std::size_t> send(std::span<const std::byte> from, base::Array<OpenFileReference> files,
                           const SocketCredentials& sender, SendOptions options, Caller& caller);
  Answer<Received> receive(std::span<std::byte> to, ReceiveOptions options, Caller& caller);

  // Options, by their numbers at SOL_SOCKET. Relaxed: single numbers.
  std::atomic<std::uint64_t> receive_timeout_ns{0}, send_timeout_ns{0};  // 0: none
  std::atomic<std::int32_t> send_buffer{socket_buffer_bytes}, receive_buffer{socket_buffer_bytes};
  std::atomic<bool> passes_credentials{false};

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override;
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override;
  bool keeps_messages() const override { return type() != SocketType::Stream; }
  Answer<FileStatus> status(Caller& caller) override;
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override { return pair_->events(end_); }
  PollSource* poll_source() override { return &pair_->source(end_); }
  std::size_t describe(std::span<char> to, Caller& caller) override;
  UnixSocket* socket() override { return this; }

 private:
  void close() override;

  processor::Reference<SocketPair> pair_;
  const unsigned end_;
  const SocketCredentials peer_;
  const std::uint64_t inode_;
};

}  // namespace linux_abi
