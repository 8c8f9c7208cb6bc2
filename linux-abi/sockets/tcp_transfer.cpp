// SPDX-License-Identifier: Apache-2.0
// Bytes on TCP connections: see tcp_endpoint.h.
#include <asm/poll.h>

#include <algorithm>
#include <cstring>

#include "linux-abi/sockets/tcp_endpoint.h"
#include "lwip/priv/tcp_priv.h"

namespace linux_abi {

err_t TcpEndpoint::arrived(void* which, tcp_pcb* pcb, pbuf* packet, err_t) {
  auto& endpoint = *static_cast<TcpEndpoint*>(which);
  if (packet == nullptr) {
    endpoint.end_received_ = true;
    // With both directions at their end lwIP may free it at any time.
    if (endpoint.sending_shut_ && endpoint.pcb_ != nullptr) endpoint.forget_pcb_locked();
    endpoint.wake_all_locked();
    return ERR_OK;
  }
  // Without memory it is not taken: lwIP keeps it until its timers run, or take_refused_locked().
  if (!endpoint.unread_.make_room(packet->tot_len)) {
    if (lego_lwip_starved != nullptr) lego_lwip_starved();
    return ERR_MEM;
  }
  for (const pbuf* part = packet; part != nullptr; part = part->next) {
    const auto* const bytes = static_cast<const std::byte*>(part->payload);
    (void)endpoint.unread_.put({bytes, part->len});  // there is room
  }
  pbuf_free(packet);
  tcp_ack_now(pcb);
  endpoint.readers_.wake_all();
  endpoint.source_.notify(POLLIN | POLLRDNORM);
  return ERR_OK;
}

err_t TcpEndpoint::acknowledged(void* which, tcp_pcb*, std::uint16_t) {
  auto& endpoint = *static_cast<TcpEndpoint*>(which);
  endpoint.writers_.wake_all();
  endpoint.source_.notify(POLLOUT | POLLWRNORM);
  return ERR_OK;
}

// Of every second tick of lwIP's timers.
err_t TcpEndpoint::polled(void* which, tcp_pcb*) {
  auto& endpoint = *static_cast<TcpEndpoint*>(which);
  if (!std::exchange(endpoint.starved_, false)) return ERR_OK;
  endpoint.writers_.wake_all();
  endpoint.source_.notify(POLLOUT | POLLWRNORM);
  return ERR_OK;
}

int TcpEndpoint::send_error_locked() {
  if (state_ == State::Connecting) return 0;
  if (error_ != 0) return std::exchange(error_, 0);
  // What Linux says of a socket that was never connected, too.
  return state_ != State::Connected || sending_shut_ ? EPIPE : 0;
}

std::size_t TcpEndpoint::write_locked(std::span<const std::byte> from, std::uint64_t now_ns) {
  constexpr std::size_t most = 0xffff;
  std::size_t done = 0;
  while (done < from.size() && pcb_ != nullptr) {
    const std::size_t count = std::min({from.size() - done, std::size_t{tcp_sndbuf(pcb_)}, most});
    if (count == 0) break;
    starved_ = tcp_write(pcb_, from.data() + done, static_cast<std::uint16_t>(count), TCP_WRITE_FLAG_COPY) != ERR_OK;
    if (starved_) break;
    done += count;
    (void)tcp_output(pcb_);  // what it could not send stays queued
    space_->run_locked(now_ns);
  }
  return done;
}

Answer<std::size_t> TcpEndpoint::send(std::span<const std::byte> from, const InetAddress*, const SendOptions& options,
                                      Caller& caller) {
  std::size_t done = 0;
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    failure = send_error_locked();
    if (failure != 0) return nullptr;
    if (state_ == State::Connected) done += write_locked(from.subspan(done), caller.now_ns());
    if (done == from.size() && state_ == State::Connected) return nullptr;
    if (options.non_blocking) failure = EAGAIN;
    return options.non_blocking ? nullptr : &writers_;
  };
  const Answer<> waited = wait_by_looks(caller, inet_lock, options.deadline_ns, look);
  if (done > 0) return done;
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return done;
}

// What there was no memory for when it arrived, maybe with the end behind it.
void TcpEndpoint::take_refused_locked() {
  if (pcb_ != nullptr && pcb_->refused_data != nullptr) (void)tcp_process_refused_data(pcb_);
}

// What the sender waits with comes at once.
void TcpEndpoint::open_window_locked(std::size_t bytes, std::uint64_t now_ns) {
  constexpr std::size_t most = 0xffff;
  while (bytes > 0 && pcb_ != nullptr) {
    const std::size_t step = std::min(bytes, most);
    tcp_recved(pcb_, static_cast<std::uint16_t>(step));
    bytes -= step;
  }
  space_->run_locked(now_ns);
}

Answer<Received> TcpEndpoint::receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) {
  Received received;
  int failure = 0;
  const auto look = [&]() -> base::WaitQueue* {
    if (state_ == State::Listening || (state_ == State::Fresh && error_ == 0)) failure = ENOTCONN;
    if (failure != 0) return nullptr;
    take_refused_locked();
    const auto room = to.subspan(received.bytes);
    const std::size_t skip = options.peek ? options.skip() : 0;
    const std::size_t got = options.peek ? unread_.peek(room, skip) : unread_.take(room);
    received.bytes += got;
    options.moved(got);
    received.left = unread_.empty() && end_received_ ? 1 : unread_.size();  // the end is something to read, too
    if (got > 0 && !options.peek && pcb_ != nullptr) open_window_locked(got, caller.now_ns());
    take_refused_locked();
    const bool enough = received.bytes == to.size() || (received.bytes > 0 && (!options.wait_all || options.peek));
    if (enough || (end_received_ && unread_.size() <= skip)) return nullptr;
    if (error_ != 0 && received.bytes == 0) failure = std::exchange(error_, 0);
    if (failure != 0 || receiving_shut_) return nullptr;
    if (options.non_blocking && received.bytes == 0) failure = EAGAIN;
    return options.non_blocking ? nullptr : &readers_;
  };
  const Answer<> waited = wait_by_looks(caller, inet_lock, options.deadline_ns, look);
  received.message_bytes = received.bytes;
  if (received.bytes > 0) return received;
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return received;
}

std::size_t TcpEndpoint::bytes_to_read() {
  const base::SpinGuard guard(inet_lock);
  return unread_.size();
}

std::size_t TcpEndpoint::bytes_unsent() {
  const base::SpinGuard guard(inet_lock);
  std::size_t bytes = 0;
  if (pcb_ == nullptr || state_ != State::Connected) return bytes;
  for (const tcp_seg* segment = pcb_->unsent; segment != nullptr; segment = segment->next) bytes += segment->len;
  return bytes;
}

std::size_t TcpEndpoint::bytes_under_way() {
  const base::SpinGuard guard(inet_lock);
  return pcb_ == nullptr || state_ != State::Connected ? 0 : TCP_SND_BUF - pcb_->snd_buf;
}

}  // namespace linux_abi
