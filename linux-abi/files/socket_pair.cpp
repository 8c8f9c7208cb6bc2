// SPDX-License-Identifier: Apache-2.0
// Packets between two sockets: see socket_pair.h.
#include "linux-abi/files/socket_pair.h"

#include <asm/poll.h>

#include <algorithm>
#include <cstring>

namespace linux_abi {
namespace {

constexpr std::size_t stream_packet_bytes = 32768;
constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM, writable_events = POLLOUT | POLLWRNORM | POLLWRBAND;

Answer<base::Own<SocketPacket>> make_packet(std::span<const std::byte> from, const SocketCredentials& sender) {
  auto packet = base::make<SocketPacket>();
  if (!packet) return error(ENOBUFS);
  if (!packet->bytes.append(from)) return error(ENOBUFS);
  packet->sender = sender;
  return packet;
}

// With a time-out of its own a call is not made again after a signal.
Errno wait_failure(const Errno& failure, std::uint64_t deadline_ns) {
  if (failure == ETIMEDOUT) return Errno(EAGAIN);
  return failure == restart_always && deadline_ns != base::never_ns ? Errno(EINTR) : failure;
}

}  // namespace

void SocketPair::drop(Packets& packets) {
  while (!packets.empty()) {
    base::Own<SocketPacket> packet(&packets.front());
    packets.pop_front();
  }
}

void SocketPair::last_reference_gone() {
  for (End& end : ends_) drop(end.packets);
  base::Own<SocketPair>(this).reset();
}

int SocketPair::send_error_locked(unsigned end) {
  const End& own = ends_[end];
  const End& peer = ends_[other(end)];
  if (type_ == SocketType::Datagram && peer.gone) return ECONNREFUSED;
  return own.sending_shut || peer.receiving_shut ? EPIPE : 0;
}

Answer<> SocketPair::send_packet(unsigned end, base::Own<SocketPacket>& packet, bool non_blocking,
                                 std::uint64_t deadline_ns, Caller& caller) {
  End& own = ends_[end];
  End& peer = ends_[other(end)];
  int failure = 0;
  const auto ready = [&] {
    failure = send_error_locked(end);
    if (failure != 0) return true;
    if (peer.packet_bytes < socket_buffer_bytes) {
      peer.packet_bytes += packet->bytes.size();
      peer.packets.push_back(*packet.release());
      peer.readers.wake_all();
      return true;
    }
    if (non_blocking) failure = EAGAIN;
    return non_blocking;
  };
  const Answer<> waited = wait_until(caller, lock_, own.writers, deadline_ns, ready);
  if (!waited) return std::unexpected(wait_failure(waited.error(), deadline_ns));
  if (failure != 0) return error(failure);
  peer.source.notify(readable_events);
  return {};
}

Answer<std::size_t> SocketPair::send(unsigned end, std::span<const std::byte> from,
                                     base::Array<OpenFileReference> files, const SocketCredentials& sender,
                                     bool non_blocking, std::uint64_t deadline_ns, Caller& caller) {
  if (!connected_) return error(ENOTCONN);
  const bool stream = type_ == SocketType::Stream;
  if (!stream && from.size() > socket_buffer_bytes - 32) return error(EMSGSIZE);
  if (stream && from.empty()) return std::size_t{0};
  std::size_t done = 0;
  do {
    const auto piece = from.subspan(done, stream ? std::min(from.size() - done, stream_packet_bytes) : from.size());
    auto packet = TRY(make_packet(piece, sender));
    packet->files = std::move(files);  // with the first one
    const Answer<> sent = send_packet(end, packet, non_blocking, deadline_ns, caller);
    if (!sent) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(sent.error());
    done += piece.size();
  } while (done < from.size());
  return done;
}

std::size_t SocketPair::take_stream_locked(End& end, std::span<std::byte> to, bool peek, Received& received,
                                           Packets& done) {
  std::size_t taken = 0;
  for (auto next = end.packets.begin(); next != end.packets.end() && taken < to.size();) {
    SocketPacket& packet = *next++;
    const bool has_files = !packet.files.empty();
    // Files belong to the bytes that they came with.
    if (has_files && received.bytes + taken > 0) break;
    const std::size_t count = std::min(to.size() - taken, packet.bytes.size() - packet.taken);
    std::memcpy(to.data() + taken, packet.bytes.data() + packet.taken, count);
    taken += count;
    received.sender = packet.sender;
    if (!peek) {
      packet.taken += count;
      end.packet_bytes -= count;
      if (has_files) received.files = std::move(packet.files);
      if (packet.taken == packet.bytes.size()) {
        end.packets.erase(end.packets.iterator_to(packet));
        done.push_back(packet);
      }
    }
    if (has_files) break;
  }
  return taken;
}

void SocketPair::take_message_locked(End& end, std::span<std::byte> to, bool peek, Received& received, Packets& done) {
  SocketPacket& packet = end.packets.front();
  received.bytes = std::min(to.size(), packet.bytes.size());
  received.message_bytes = packet.bytes.size();
  received.sender = packet.sender;
  if (received.bytes > 0) std::memcpy(to.data(), packet.bytes.data(), received.bytes);
  if (peek) return;
  received.files = std::move(packet.files);
  end.packet_bytes -= packet.bytes.size();
  end.packets.pop_front();
  done.push_back(packet);
}

Answer<Received> SocketPair::receive(unsigned end, std::span<std::byte> to, const ReceiveOptions& options,
                                     Caller& caller) {
  const bool stream = type_ == SocketType::Stream;
  if (!connected_ && type_ != SocketType::Datagram) return error(stream ? EINVAL : ENOTCONN);
  End& own = ends_[end];
  Received received;
  Packets done;
  int failure = 0;
  bool took = false;
  const auto ready = [&] {
    if (!own.packets.empty()) {
      took = true;
      if (!stream) {
        take_message_locked(own, to, options.peek, received, done);
      } else {
        received.bytes += take_stream_locked(own, to.subspan(received.bytes), options.peek, received, done);
        received.message_bytes = received.bytes;
      }
      ends_[other(end)].writers.wake_all();
      const bool enough = !stream || !options.wait_all || options.peek || received.bytes == to.size() ||
                          !received.files.empty() || !own.packets.empty();
      if (enough) return true;
    }
    if (stream && to.empty()) return true;
    if (own.error != 0 && !took) failure = std::exchange(own.error, 0);
    if (failure != 0 || own.receiving_shut) return true;
    if (options.non_blocking && !took) failure = EAGAIN;
    return options.non_blocking;
  };
  const Answer<> waited = wait_until(caller, lock_, own.readers, options.deadline_ns, ready);
  drop(done);
  if (took && connected_) ends_[other(end)].source.notify(writable_events);
  if (took) return received;
  if (!waited) return std::unexpected(wait_failure(waited.error(), options.deadline_ns));
  if (failure != 0) return error(failure);
  return received;
}

void SocketPair::shut_down(unsigned end, bool receiving, bool sending) {
  {
    const base::SpinGuard guard(lock_);
    End& own = ends_[end];
    End& peer = ends_[other(end)];
    own.receiving_shut |= receiving;
    own.sending_shut |= sending;
    if (type_ != SocketType::Datagram) {
      peer.sending_shut |= receiving;
      peer.receiving_shut |= sending;
    }
    for (End& each : ends_) {
      each.readers.wake_all();
      each.writers.wake_all();
    }
  }
  for (End& each : ends_) each.source.notify(0);
}

void SocketPair::close(unsigned end) {
  Packets unread;
  {
    const base::SpinGuard guard(lock_);
    End& own = ends_[end];
    End& peer = ends_[other(end)];
    own.gone = true;
    unread.swap(own.packets);
    own.packet_bytes = 0;
    if (type_ != SocketType::Datagram) {
      peer.receiving_shut = peer.sending_shut = true;
      if (!unread.empty()) peer.error = ECONNRESET;
    }
    peer.readers.wake_all();
    peer.writers.wake_all();
  }
  drop(unread);
  ends_[other(end)].source.notify(0);
}

int SocketPair::take_error(unsigned end) {
  const base::SpinGuard guard(lock_);
  return std::exchange(ends_[end].error, 0);
}

std::size_t SocketPair::bytes_to_read(unsigned end) {
  const base::SpinGuard guard(lock_);
  const End& own = ends_[end];
  if (type_ == SocketType::Stream || own.packets.empty()) return own.packet_bytes;
  return own.packets.front().bytes.size();
}

std::uint32_t SocketPair::events(unsigned end) {
  const base::SpinGuard guard(lock_);
  const End& own = ends_[end];
  std::uint32_t events = 0;
  if (own.error != 0) events |= POLLERR;
  if (own.receiving_shut && own.sending_shut) events |= POLLHUP;
  if (own.receiving_shut) events |= POLLRDHUP | readable_events;
  if (!own.packets.empty()) events |= readable_events;
  if (!connected_ && type_ != SocketType::Datagram) events |= POLLHUP;
  if (ends_[other(end)].packet_bytes * 4 <= socket_buffer_bytes) events |= writable_events;
  return events;
}

}  // namespace linux_abi
