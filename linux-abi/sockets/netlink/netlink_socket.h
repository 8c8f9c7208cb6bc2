// SPDX-License-Identifier: Apache-2.0
// The open file of an AF_NETLINK socket of NETLINK_ROUTE: what is sent is answered at once, and the answers wait here.
#pragma once

#include <boost/intrusive/list.hpp>

#include "linux-abi/sockets/netlink/netlink_space.h"
#include "linux-abi/sockets/netlink/route_answers.h"
#include "linux-abi/sockets/socket.h"

namespace linux_abi {

class NetlinkSocket final : public Socket {
 public:
  // type: Raw or Datagram, which are the same. flags: O_NONBLOCK.
  static Answer<OpenFileReference> create(const processor::Reference<NetlinkSpace>& space, SocketType type, int flags);
  NetlinkSocket(processor::Reference<NetlinkSpace> space, SocketType type, int flags);
  ~NetlinkSocket() override;

  Answer<> bind(const SocketAddress& address, Caller& caller) override;
  Answer<> listen(int, Caller&) override { return error(EOPNOTSUPP); }
  Answer<OpenFileReference> accept(int, Caller&) override { return error(EOPNOTSUPP); }
  // Only to the system itself (port 0). EPERM.
  Answer<> connect(const SocketAddress& address, Caller& caller) override;
  Answer<> shut_down(bool, bool) override { return error(EOPNOTSUPP); }
  SocketAddress name() override;
  Answer<SocketAddress> peer_name() override;
  Answer<std::size_t> send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) override;
  Answer<Received> receive(std::span<std::byte> to, int flags, Caller& caller) override;
  std::size_t longest_message() const override;
  Answer<OptionValue> option(int level, int name, std::size_t room, Caller& caller) override;
  Answer<> set_option(int level, int name, std::span<const std::byte> value, Caller& caller) override;
  void note(const Received& received, ControlNotes& notes) const override;
  bool is_listening() override { return false; }
  int take_error() override;
  NetlinkSocket* netlink_socket() override { return this; }
  // A datagram of the system's own; lost, and the program told so, where there is no room.
  void tell(std::span<const std::byte> bytes);

  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override;
  PollSource* poll_source() override { return &source_; }

 private:
  struct Datagram : boost::intrusive::list_base_hook<> {
    explicit Datagram(base::Array<std::byte> told) : bytes(std::move(told)) {}
    base::Array<std::byte> bytes;
  };
  using Datagrams = boost::intrusive::list<Datagram>;

  void close() override;
  bool has(int option) const { return (options_on_.load(std::memory_order_relaxed) & (1u << option)) != 0; }
  Answer<> join(std::uint32_t group, bool joins);
  void take_port(Caller& caller);
  void queue(base::Array<std::byte> datagram);
  void lose_locked();
  int take_error_locked();

  const processor::Reference<NetlinkSpace> space_;
  NetlinkPort port_;                          // guarded by the space's lock
  std::atomic<std::uint32_t> options_on_{0};  // by their numbers
  std::atomic<std::uint64_t> groups_{0};      // that it is a member of; nothing is ever told to any
  std::atomic<bool> knows_groups_{false};     // whether any was ever joined
  base::SpinLock lock_{base::LockRank::Process};
  // Guarded by the lock:
  Datagrams datagrams_;
  std::size_t queued_bytes_ = 0;
  bool lost_ = false;  // an answer, for want of room
  base::WaitQueue readers_;
  PollSource source_;
};

}  // namespace linux_abi
