// SPDX-License-Identifier: Apache-2.0
// UDP sockets: see udp_endpoint.h.
#include "linux-abi/sockets/udp_endpoint.h"

#include <asm/poll.h>

#include <algorithm>

namespace linux_abi {
namespace {

constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM | POLLWRBAND;
constexpr std::size_t receive_room = 212992, overhead = 512;  // as net.core.rmem_default counts

}  // namespace

void UdpEndpoint::free(Datagrams& datagrams) {
  while (!datagrams.empty()) {
    base::Own<Datagram> datagram(&datagrams.front());
    datagrams.pop_front();
  }
}

Answer<> UdpEndpoint::open_locked() {
  if (pcb_ != nullptr) return {};
  pcb_ = udp_new();
  if (pcb_ == nullptr) return error(ENOBUFS);
  if (udp_bind(pcb_, &space_->inner_address(), 0) != ERR_OK) {
    udp_remove(std::exchange(pcb_, nullptr));
    return error(ENOBUFS);
  }
  inner_port_ = pcb_->local_port;
  udp_recv(pcb_, arrived, this);
  return {};
}

void UdpEndpoint::arrived(void* endpoint, udp_pcb*, pbuf* packet, const ip_addr_t*, std::uint16_t) {
  static_cast<UdpEndpoint*>(endpoint)->take_locked(*packet);
  pbuf_free(packet);
}

// What finds no room is lost, as it may be.
void UdpEndpoint::take_locked(const pbuf& packet) {
  const std::size_t bytes = packet.tot_len;
  if (space_->passing == nullptr) return;
  auto datagram = queued_bytes_ + overhead > receive_room ? nullptr : base::make<Datagram>();
  if (!datagram || !datagram->bytes.resize(bytes)) {
    ++lost_;
    return;
  }
  pbuf_copy_partial(&packet, datagram->bytes.data(), packet.tot_len, 0);
  datagram->tags = *space_->passing;
  datagram->lost = lost_;
  queued_bytes_ += bytes + overhead;
  datagrams_.push_back(*datagram.release());
  readers_.wake_all();
  source_.notify(readable_events);
}

Answer<> UdpEndpoint::connect(const InetAddress& to, const SendOptions&, Caller&) {
  const base::SpinGuard guard(inet_lock);
  const InetAddress target = TRY(prepare_locked(to));
  if (binding_.own.is_any()) binding_.own.bytes = InetAddress::loopback(target.is_v4()).bytes;
  peer_ = target;
  return open_locked();
}

Answer<> UdpEndpoint::disconnect() {
  const base::SpinGuard guard(inet_lock);
  peer_ = {};
  forget_name_locked();
  return {};
}

Answer<> UdpEndpoint::shut_down(bool receiving, bool sending) {
  const base::SpinGuard guard(inet_lock);
  receiving_shut_ |= receiving;
  sending_shut_ |= sending;
  wake_all_locked();
  return peer_.port == 0 ? Answer<>(error(ENOTCONN)) : Answer<>();
}

Answer<std::size_t> UdpEndpoint::send(std::span<const std::byte> from, const InetAddress* to,
                                      const SendOptions& options, Caller& caller) {
  if (from.size() > longest) return error(EMSGSIZE);
  const base::SpinGuard guard(inet_lock);
  if (error_ != 0) return error(std::exchange(error_, 0));
  if (sending_shut_) return error(EPIPE);
  if (to == nullptr && peer_.port == 0) return error(EDESTADDRREQ);
  const InetAddress asked = to != nullptr ? *to : peer_;
  if (asked.port == 0) return error(EINVAL);
  const InetAddress target = TRY(prepare_locked(asked));
  TRY(open_locked());
  InetAddress own = binding_.own;
  if (own.is_any()) own.bytes = InetAddress::loopback(target.is_v4()).bytes;
  auto* const receiver = static_cast<UdpEndpoint*>(space_->find_locked(InetProtocol::Udp, target, &own));
  const bool open = receiver != nullptr && receiver->open_locked().has_value();
  // Nobody is there: who is connected learns of it, later.
  if (!open && peer_.port != 0 && to == nullptr) error_ = ECONNREFUSED, source_.notify(0);
  if (!open) return from.size();
  pbuf* const packet = pbuf_alloc(PBUF_TRANSPORT, static_cast<std::uint16_t>(from.size()), PBUF_RAM);
  if (packet == nullptr) return error(ENOBUFS);
  pbuf_take(packet, from.data(), static_cast<std::uint16_t>(from.size()));
  const DatagramTags tags{own, target, options.marks, caller.wall_time_ns()};
  space_->passing = &tags;
  const err_t sent = udp_sendto(pcb_, packet, &space_->inner_address(), receiver->inner_port_);
  pbuf_free(packet);
  space_->run_locked(caller.now_ns());
  space_->passing = nullptr;
  if (sent != ERR_OK) return error(ENOBUFS);
  return from.size();
}

Datagram* UdpEndpoint::first_locked(std::size_t& skip) {
  for (Datagram& datagram : datagrams_) {
    if (skip == 0 || skip < datagram.bytes.size()) return &datagram;
    skip -= datagram.bytes.size();
  }
  return nullptr;
}

Answer<Received> UdpEndpoint::receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) {
  Received received;
  int failure = 0;
  Datagrams done;
  const auto look = [&]() -> base::WaitQueue* {
    if (error_ != 0) failure = std::exchange(error_, 0);
    if (failure != 0) return nullptr;
    std::size_t skip = options.peek ? options.skip() : 0;
    Datagram* const first = first_locked(skip);
    if (first == nullptr) {
      if (receiving_shut_ && !options.non_blocking) return nullptr;
      if (options.non_blocking) failure = EAGAIN;
      return options.non_blocking ? nullptr : &readers_;
    }
    received.message_bytes = first->bytes.size() - skip;
    received.bytes = std::min(to.size(), received.message_bytes);
    if (received.bytes > 0) std::memcpy(to.data(), first->bytes.data() + skip, received.bytes);
    received.from = first->tags.from.address(family());
    received.to = first->tags.to.address(family());
    received.marks = first->tags.marks;
    received.sent_ns = first->tags.sent_ns;
    received.lost = first->lost;
    options.moved(options.peek ? received.bytes : first->bytes.size());
    if (options.peek) return nullptr;
    queued_bytes_ -= first->bytes.size() + overhead;
    datagrams_.pop_front();
    done.push_back(*first);
    return nullptr;
  };
  const Answer<> waited = wait_by_looks(caller, inet_lock, options.deadline_ns, look);
  free(done);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return received;
}

void UdpEndpoint::close(bool) {
  Datagrams unread;
  {
    const base::SpinGuard guard(inet_lock);
    closed_ = true;
    space_->release_port_locked(*this);
    if (pcb_ != nullptr) udp_remove(std::exchange(pcb_, nullptr));
    unread.swap(datagrams_);
    queued_bytes_ = 0;
  }
  free(unread);
}

std::uint32_t UdpEndpoint::events() {
  const base::SpinGuard guard(inet_lock);
  std::uint32_t events = writable_events;
  if (error_ != 0) events |= POLLERR;
  if (receiving_shut_) events |= POLLRDHUP | readable_events;
  if (receiving_shut_ && sending_shut_) events |= POLLHUP;
  if (!datagrams_.empty()) events |= readable_events;
  return events;
}

std::size_t UdpEndpoint::bytes_to_read() {
  const base::SpinGuard guard(inet_lock);
  return datagrams_.empty() ? 0 : datagrams_.front().bytes.size();
}

}  // namespace linux_abi
