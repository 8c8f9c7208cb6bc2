// SPDX-License-Identifier: Apache-2.0
// The open file of an AF_INET or AF_INET6 socket.
#pragma once

#include <atomic>

#include "linux-abi/sockets/inet_endpoint.h"
#include "linux-abi/sockets/inet_options.h"
#include "linux-abi/sockets/socket.h"

namespace linux_abi {

// What TCP_CONGESTION names; lwIP does the same for both, which differs only where packets are lost. The first is what
// a socket begins with.
enum class Congestion : std::uint8_t { Cubic, Reno };
inline constexpr std::array<std::string_view, 2> congestion_names{"cubic", "reno"};

class InetSocket final : public Socket {
 public:
  // flags: O_NONBLOCK.
  static Answer<OpenFileReference> create(const processor::Reference<InetSpace>& space, int family,
                                          InetProtocol protocol, int flags);
  InetSocket(InetEndpointReference endpoint, int flags);
  ~InetSocket() override;

  InetEndpoint& endpoint() { return *endpoint_; }
  Answer<> bind(const SocketAddress& address, Caller& caller) override;
  Answer<> listen(int backlog, Caller& caller) override;
  Answer<OpenFileReference> accept(int flags, Caller& caller) override;
  Answer<> connect(const SocketAddress& address, Caller& caller) override;
  Answer<> shut_down(bool receiving, bool sending) override { return endpoint_->shut_down(receiving, sending); }
  SocketAddress name() override { return endpoint_->name().address(family()); }
  Answer<SocketAddress> peer_name() override { return TRY(endpoint_->peer_name()).address(family()); }
  Answer<std::size_t> send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) override;
  Answer<Received> receive(std::span<std::byte> to, int flags, Caller& caller) override;
  std::size_t longest_message() const override;
  Answer<OptionValue> option(int level, int name, std::size_t room, Caller& caller) override;
  Answer<> set_option(int level, int name, std::span<const std::byte> value, Caller& caller) override;
  void note(const Received& received, ControlNotes& notes) const override;
  bool is_listening() override { return endpoint_->is_listening(); }
  int take_error() override { return endpoint_->take_error(); }
  InetSocket* inet_socket() override { return this; }

  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override { return endpoint_->events(); }
  PollSource* poll_source() override { return &endpoint_->source(); }

 private:
  void close() override;
  bool has_level(int level) const;
  void tell_reuse(Caller& caller);
  Answer<> set_socket_option(int name, std::span<const std::byte> value, Caller& caller);
  Answer<> set_tcp_option(int name, std::span<const std::byte> value, Caller& caller);
  Answer<> set_ip_option(int level, int name, std::span<const std::byte> value, Caller& caller);
  Answer<OptionValue> tcp_option(int name, std::size_t room) const;
  void note_v4(const Received& received, ControlNotes& notes) const;
  void note_v6(const Received& received, ControlNotes& notes) const;
  PacketMarks marks(bool v4) const;
  Answer<std::uint64_t> tell_last_time(std::uint32_t request, std::uint64_t to, Caller& caller);

  const InetEndpointReference endpoint_;
  InetOptions inet_options_;
  std::atomic<Congestion> congestion_{Congestion::Cubic};
  // Whether any option was ever set: datagrams of other sockets carry, and are told, nothing special.
  std::atomic<bool> has_options_{false};
};

}  // namespace linux_abi
