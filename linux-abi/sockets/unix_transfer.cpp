// SPDX-License-Identifier: Apache-2.0
// Sending and receiving on AF_UNIX sockets: see unix_endpoint.h.
#include <asm/poll.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "linux-abi/sockets/unix_endpoint.h"
#include "linux-abi/sockets/wait.h"

namespace linux_abi {
namespace {

constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM | POLLWRBAND;
constexpr std::size_t longest_queue = 10;  // of datagrams from others than the peer: net.unix.max_dgram_qlen
// What Linux keeps in one buffer, which has this much around it; the rest is in pages.
constexpr std::size_t buffer_overhead = 256, buffer_end = 320, page = 4096;
constexpr std::size_t stream_buffer = 3776, datagram_buffer = 16064;
constexpr std::size_t stream_packet_bytes = stream_buffer + 32768;

Answer<base::Own<UnixPacket>> make_packet(std::span<const std::byte> from, SocketType type,
                                          const SocketCredentials& credentials, UnixEndpoint& sender) {
  auto packet = base::make<UnixPacket>();
  if (!packet || !packet->bytes.append(from)) return error(ENOBUFS);
  packet->charge = unix_packet_charge(from.size(), type);
  packet->credentials = credentials;
  packet->sender = UnixEndpointReference(sender);
  return packet;
}

}  // namespace

std::size_t unix_packet_charge(std::size_t bytes, SocketType type) {
  const std::size_t in_buffer = std::min(bytes, type == SocketType::Stream ? stream_buffer : datagram_buffer);
  const std::size_t in_pages = (bytes - in_buffer + page - 1) / page * page;
  return buffer_overhead + std::bit_ceil(std::max<std::size_t>(in_buffer + buffer_end, 512)) + in_pages;
}

bool UnixEndpoint::queue_is_full_locked() const { return packets_.size() > longest_queue; }

int UnixEndpoint::send_error_locked(const UnixEndpoint* target) {
  if (target == nullptr) return ENOTCONN;
  if (error_ != 0 && !is_stream()) return std::exchange(error_, 0);
  if (sending_shut_) return EPIPE;
  if (is_datagram()) {
    if (target->type_ != type_) return EPROTOTYPE;
    if (target->closed_) return ECONNREFUSED;
    if (target->peer_ && target->peer_.get() != this) return EPERM;
  }
  return target->closed_ || target->receiving_shut_ ? EPIPE : 0;
}

void UnixEndpoint::put_locked(UnixEndpoint& target, UnixPacket& packet) {
  charged_ += packet.charge;
  target.packet_bytes_ += packet.bytes.size();
  target.packets_.push_back(packet);
  space_->flies_locked(packet, true);
  target.readers_.wake_all();
  target.source_.notify(readable_events);
}

Answer<> UnixEndpoint::send_packet(const UnixEndpointReference& to, base::Own<UnixPacket>& packet,
                                   const SendOptions& options, Caller& caller) {
  int failure = 0;
  UnixEndpointReference target = to, left;
  const auto look = [&]() -> base::WaitQueue* {
    if (!to) target = peer_;
    failure = send_error_locked(target.get());
    // Who has lost its peer has none.
    if (failure == ECONNREFUSED && !to) leave_peer_locked(left);
    if (failure != 0) return nullptr;
    base::WaitQueue* full = has_room_locked() ? nullptr : &writers_;
    const bool is_peer = target.get() == this || target->peer_.get() == this;
    if (full == nullptr && is_datagram() && !is_peer && target->queue_is_full_locked()) full = &target->comers_;
    if (full != nullptr && options.non_blocking) failure = EAGAIN;
    if (full != nullptr) return options.non_blocking ? nullptr : full;
    put_locked(*target, *packet.release());
    return nullptr;
  };
  const Answer<> waited = wait_by_looks(caller, space_->lock, options.deadline_ns, look);
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  return failure != 0 ? Answer<>(error(failure)) : Answer<>();
}

Answer<std::size_t> UnixEndpoint::send(std::span<const std::byte> from, UnixEndpointReference to,
                                       base::Own<Attachment>& attachment, const SocketCredentials& credentials,
                                       const SendOptions& options, Caller& caller) {
  if (!is_datagram() && !is_connected()) return error(ENOTCONN);
  if (!is_stream() && from.size() > send_buffer() - 32) return error(EMSGSIZE);
  if (is_stream() && from.empty()) return std::size_t{0};
  const bool carries = static_cast<bool>(attachment);
  std::size_t done = 0;
  do {
    const std::size_t most = is_stream() ? std::min(stream_packet_bytes, send_buffer() / 2 - 64) : from.size();
    const auto piece = from.subspan(done, std::min(from.size() - done, most));
    auto packet = TRY(make_packet(piece, type_, credentials, *this));
    packet->attachment = std::move(attachment);  // with the first one
    if (!is_stream()) packet->sent_ns = caller.wall_time_ns();
    const Answer<> sent = send_packet(to, packet, options, caller);
    if (!sent) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(sent.error());
    done += piece.size();
  } while (done < from.size());
  if (carries) space_->maybe_collect_garbage();  // who only sends may make garbage too
  return done;
}

void UnixEndpoint::remove_locked(UnixPacket& packet, UnixPackets& done) {
  UnixEndpoint& sender = *packet.sender;
  const bool was_full = is_datagram() && queue_is_full_locked();
  packet_bytes_ -= packet.bytes.size() - packet.taken;
  packets_.erase(packets_.iterator_to(packet));
  space_->flies_locked(packet, false);
  sender.charged_ -= packet.charge;
  sender.writers_.wake_all();
  sender.source_.notify(writable_events);
  comers_.wake_all();
  if (was_full)
    for (UnixEndpoint& talker : talkers_) talker.source_.notify(writable_events);
  done.push_back(packet);
}

void UnixEndpoint::take_locked(UnixPacket& packet, bool peek, Received& received) {
  received.credentials = packet.credentials;
  if (!packet.sender->name.empty()) received.from = packet.sender->name.address();
  if (!packet.attachment) return;
  if (peek) {
    received.attachment = packet.attachment->copy();
    return;
  }
  space_->flies_locked(packet, false);
  received.attachment = std::move(packet.attachment);
}

UnixPacket* UnixEndpoint::first_locked(std::size_t& skip) {
  for (UnixPacket& packet : packets_) {
    const std::size_t bytes = packet.bytes.size() - packet.taken;
    if (skip == 0 || skip < bytes) return &packet;
    skip -= bytes;
  }
  return nullptr;
}

std::size_t UnixEndpoint::take_stream_locked(UnixPacket& first, std::size_t skip, std::span<std::byte> to,
                                             const ReceiveOptions& options, Received& received, UnixPackets& done) {
  std::size_t taken = 0;
  for (auto next = packets_.iterator_to(first); next != packets_.end() && taken < to.size();) {
    UnixPacket& packet = *next++;
    const bool has_files = static_cast<bool>(packet.attachment);
    const std::size_t from = packet.taken + std::exchange(skip, 0);
    const std::size_t count = std::min(to.size() - taken, packet.bytes.size() - from);
    std::memcpy(to.data() + taken, packet.bytes.data() + from, count);
    taken += count;
    take_locked(packet, options.peek, received);
    if (!options.peek) {
      packet.taken += count;
      packet_bytes_ -= count;
      if (packet.taken == packet.bytes.size()) remove_locked(packet, done);
    }
    if (has_files) break;  // what follows them is for the next call
  }
  options.moved(taken);
  return taken;
}

void UnixEndpoint::take_message_locked(UnixPacket& packet, std::size_t skip, std::span<std::byte> to,
                                       const ReceiveOptions& options, Received& received, UnixPackets& done) {
  received.message_bytes = packet.bytes.size() - skip;
  received.bytes = std::min(to.size(), received.message_bytes);
  if (received.bytes > 0) std::memcpy(to.data(), packet.bytes.data() + skip, received.bytes);
  received.sent_ns = packet.sent_ns;
  take_locked(packet, options.peek, received);
  options.moved(options.peek ? received.bytes : packet.bytes.size());
  if (!options.peek) remove_locked(packet, done);
}

Answer<Received> UnixEndpoint::receive(std::span<std::byte> to, const ReceiveOptions& options, Caller& caller) {
  Received received;
  UnixPackets done;
  int failure = 0;
  bool took = false;
  const auto look = [&]() -> base::WaitQueue* {
    if (state_ != State::Connected && !is_datagram()) failure = is_stream() ? EINVAL : ENOTCONN;
    if (failure != 0) return nullptr;
    std::size_t skip = options.peek ? options.skip() : 0;
    if (UnixPacket* const first = first_locked(skip)) {
      took = true;
      if (!is_stream()) {
        take_message_locked(*first, skip, to, options, received, done);
      } else {
        received.bytes += take_stream_locked(*first, skip, to.subspan(received.bytes), options, received, done);
        received.message_bytes = received.bytes;
      }
      const bool enough = !is_stream() || !options.wait_all || options.peek || received.bytes == to.size() ||
                          received.attachment || !packets_.empty();
      if (enough) return nullptr;
    }
    if (is_stream() && to.empty()) return nullptr;
    if (error_ != 0 && !took) failure = std::exchange(error_, 0);
    // Of datagrams the end is told only to who would wait.
    const bool at_end = receiving_shut_ && !(is_datagram() && options.non_blocking);
    if (failure != 0 || at_end) return nullptr;
    if (options.non_blocking && !took) failure = EAGAIN;
    return options.non_blocking ? nullptr : &readers_;
  };
  const Answer<> waited = wait_by_looks(caller, space_->lock, options.deadline_ns, look);
  UnixSpace::free(done);
  if (took) return received;
  if (!waited) return std::unexpected(socket_wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return received;
}

}  // namespace linux_abi
