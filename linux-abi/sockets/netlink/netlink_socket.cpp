// SPDX-License-Identifier: Apache-2.0
// Netlink sockets: see netlink_socket.h.
#include "linux-abi/sockets/netlink/netlink_socket.h"

#include <asm/poll.h>
#include <asm/socket.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "linux-abi/process/thread.h"
#include "linux-abi/sockets/wait.h"

namespace linux_abi {
namespace {

constexpr std::int32_t buffer_bytes = 212992;  // net.core.[rw]mem_default
constexpr std::size_t overhead = 512;          // of a datagram, as that counts
constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM | POLLWRBAND;
constexpr int netlink_level = 270;                        // SOL_NETLINK
constexpr std::uint32_t group_count = __RTNLGRP_MAX - 1;  // a bit of 64 for each
static_assert(group_count <= 64);

SocketAddress address_of(std::uint32_t port, std::uint32_t groups) {
  return SocketAddress::of(
      sockaddr_nl{.nl_family = address_family::netlink, .nl_pad = 0, .nl_pid = port, .nl_groups = groups});
}

Answer<sockaddr_nl> parse(const SocketAddress& address) {
  sockaddr_nl parsed{};
  if (address.size < sizeof parsed || address.family() != address_family::netlink) return error(EINVAL);
  std::memcpy(&parsed, address.bytes.data(), sizeof parsed);
  return parsed;
}

// Options that are on or off. NETLINK_LISTEN_ALL_NSID is one more, which is never told.
constexpr bool is_switch(int name) {
  return name == NETLINK_PKTINFO || name == NETLINK_BROADCAST_ERROR || name == NETLINK_NO_ENOBUFS ||
         name == NETLINK_CAP_ACK || name == NETLINK_EXT_ACK || name == NETLINK_GET_STRICT_CHK;
}

// Other programs are out of reach, as Linux has it for who does not administrate the network.
Answer<> check_target(const SocketAddress& address) {
  const sockaddr_nl target = TRY(parse(address));
  return target.nl_pid == 0 && target.nl_groups == 0 ? Answer<>() : error(EPERM);
}

}  // namespace

NetlinkSocket::NetlinkSocket(processor::Reference<NetlinkSpace> space, SocketType type, int flags)
    : Socket(flags, address_family::netlink, type, NETLINK_ROUTE, buffer_bytes, buffer_bytes),
      space_(std::move(space)) {}

NetlinkSocket::~NetlinkSocket() {
  space_->release(port_);
  datagrams_.clear_and_dispose([](Datagram* datagram) { base::Own<Datagram>(datagram).reset(); });
}

void NetlinkSocket::close() { base::Own<NetlinkSocket>(this).reset(); }

Answer<OpenFileReference> NetlinkSocket::create(const processor::Reference<NetlinkSpace>& space, SocketType type,
                                                int flags) {
  auto socket = base::make<NetlinkSocket>(space, type, flags);
  if (!socket) return error(ENOMEM);
  return OpenFileReference(*socket.release());
}

void NetlinkSocket::take_port(Caller& caller) {
  space_->take_any(port_, static_cast<std::uint32_t>(static_cast<Thread&>(caller).process().pid()));
}

Answer<> NetlinkSocket::bind(const SocketAddress& address, Caller& caller) {
  const sockaddr_nl own = TRY(parse(address));
  const std::uint32_t bound = space_->number_of(port_);
  if (bound != 0 && own.nl_pid != bound) return error(EINVAL);
  if (own.nl_pid != 0)
    TRY(space_->take(port_, own.nl_pid));
  else
    take_port(caller);
  if (own.nl_groups != 0) knows_groups_.store(true, std::memory_order_relaxed);
  groups_.store((groups_.load(std::memory_order_relaxed) & ~std::uint64_t{~0u}) | own.nl_groups,
                std::memory_order_relaxed);
  return {};
}

Answer<> NetlinkSocket::connect(const SocketAddress& address, Caller& caller) {
  if (!address.has_family()) return error(EINVAL);
  if (address.family() == address_family::unspecified) return {};
  TRY(check_target(address));
  take_port(caller);
  return {};
}

SocketAddress NetlinkSocket::name() {
  return address_of(space_->number_of(port_), static_cast<std::uint32_t>(groups_.load(std::memory_order_relaxed)));
}

Answer<SocketAddress> NetlinkSocket::peer_name() { return address_of(0, 0); }

std::size_t NetlinkSocket::longest_message() const {
  constexpr std::int32_t kept_back = 32;
  return static_cast<std::size_t>(std::max(options().send_buffer() - kept_back, 0));
}

Answer<std::size_t> NetlinkSocket::send(std::span<const std::byte> from, Outgoing& message, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  if (from.empty()) return error(ENODATA);
  if (message.to != nullptr) TRY(check_target(*message.to));
  take_port(caller);
  const Credentials& user = caller.credentials();
  const RouteAsker asker{.port = space_->number_of(port_),
                         .uid = user.uid,
                         .privileged = user.may(Capability::AdministrateNetwork),
                         .strict = has(NETLINK_GET_STRICT_CHK),
                         .capped_errors = has(NETLINK_CAP_ACK)};
  auto left = from;
  while (const auto request = next_message(left)) {
    RouteAnswer answer = TRY(answer_route_message(*request, asker));
    queue(std::move(answer.told));
    queue(std::move(answer.acknowledgment));
  }
  return from.size();
}

void NetlinkSocket::lose_locked() {
  lost_ = true;
  readers_.wake_all();
  source_.notify(readable_events);
}

// Without room or memory it is lost, and the program is told that something was.
void NetlinkSocket::queue(base::Array<std::byte> datagram) {
  if (datagram.empty()) return;
  const std::size_t bytes = datagram.size() + overhead;
  auto queued = base::make<Datagram>(std::move(datagram));
  const base::SpinGuard guard(lock_);
  if (!queued || queued_bytes_ + bytes > static_cast<std::size_t>(options().receive_buffer())) return lose_locked();
  queued_bytes_ += bytes;
  datagrams_.push_back(*queued.release());
  readers_.wake_all();
  source_.notify(readable_events);
}

void NetlinkSocket::tell(std::span<const std::byte> bytes) {
  base::Array<std::byte> datagram;
  if (datagram.append(bytes)) return queue(std::move(datagram));
  const base::SpinGuard guard(lock_);
  lose_locked();
}

int NetlinkSocket::take_error_locked() { return std::exchange(lost_, false) && !has(NETLINK_NO_ENOBUFS) ? ENOBUFS : 0; }

int NetlinkSocket::take_error() {
  const base::SpinGuard guard(lock_);
  return take_error_locked();
}

Answer<Received> NetlinkSocket::receive(std::span<std::byte> to, int flags, Caller& caller) {
  if ((flags & message_flag::out_of_band) != 0) return error(EOPNOTSUPP);
  const ReceiveOptions how = receive_options(flags, caller);
  Received received;
  base::Own<Datagram> done;
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    failure = take_error_locked();
    if (failure != 0) return nullptr;
    if (datagrams_.empty()) {
      failure = how.non_blocking ? EAGAIN : 0;
      return how.non_blocking ? nullptr : &readers_;
    }
    Datagram& first = datagrams_.front();
    received.message_bytes = first.bytes.size();
    received.bytes = std::min(to.size(), first.bytes.size());
    std::memcpy(to.data(), first.bytes.data(), received.bytes);
    if (how.peek) return nullptr;
    queued_bytes_ -= first.bytes.size() + overhead;
    datagrams_.pop_front();
    done = base::Own<Datagram>(&first);
    return nullptr;
  };
  const Answer<> waited = wait_by_looks(caller, lock_, how.deadline_ns, look);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), how.deadline_ns));
  if (failure != 0) return error(failure);
  received.from = address_of(0, 0);
  received.sent_ns = caller.wall_time_ns();
  return received;
}

void NetlinkSocket::note(const Received& received, ControlNotes& notes) const {
  // Messages of the system have no times, as on Linux.
  if (received.is_message() && has(NETLINK_PKTINFO)) notes.add(netlink_level, NETLINK_PKTINFO, nl_pktinfo{.group = 0});
}

Answer<> NetlinkSocket::join(std::uint32_t group, bool joins) {
  knows_groups_.store(true, std::memory_order_relaxed);
  if (group == 0 || group > group_count) return error(EINVAL);
  const std::uint64_t bit = std::uint64_t{1} << (group - 1);
  joins ? groups_.fetch_or(bit, std::memory_order_relaxed) : groups_.fetch_and(~bit, std::memory_order_relaxed);
  return {};
}

Answer<> NetlinkSocket::set_option(int level, int name, std::span<const std::byte> value, Caller& caller) {
  if (level == SOL_SOCKET && name == SO_PEEK_OFF) return error(EOPNOTSUPP);
  if (level == SOL_SOCKET) return Socket::set_option(level, name, value, caller);
  if (level != netlink_level) return error(ENOPROTOOPT);
  const std::uint32_t number = option_as<std::uint32_t>(value).value_or(0);
  if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP)
    return join(number, name == NETLINK_ADD_MEMBERSHIP);
  if (name == NETLINK_LISTEN_ALL_NSID && !caller.credentials().may(Capability::BroadcastNetwork)) return error(EPERM);
  if (name != NETLINK_LISTEN_ALL_NSID && !is_switch(name)) return error(ENOPROTOOPT);
  number != 0 ? options_on_.fetch_or(1u << name, std::memory_order_relaxed)
              : options_on_.fetch_and(~(1u << name), std::memory_order_relaxed);
  return {};
}

Answer<OptionValue> NetlinkSocket::option(int level, int name, std::size_t room, Caller& caller) {
  if (level == SOL_SOCKET) return Socket::option(level, name, room, caller);
  if (level != netlink_level) return error(ENOPROTOOPT);
  if (name == NETLINK_LIST_MEMBERSHIPS) {
    if (!knows_groups_.load(std::memory_order_relaxed)) return OptionValue();
    return OptionValue::of(groups_.load(std::memory_order_relaxed));
  }
  if (!is_switch(name)) return error(ENOPROTOOPT);
  if (room < sizeof(std::int32_t)) return error(EINVAL);
  return OptionValue::number(has(name) ? 1 : 0);
}

Answer<std::uint64_t> NetlinkSocket::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  return ask_interfaces(request, argument, caller);
}

std::uint32_t NetlinkSocket::poll_events() {
  const base::SpinGuard guard(lock_);
  std::uint32_t events = writable_events;
  if (!datagrams_.empty()) events |= readable_events;
  if (lost_ && !has(NETLINK_NO_ENOBUFS)) events |= POLLERR;
  return events;
}

}  // namespace linux_abi
