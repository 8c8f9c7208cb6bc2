// SPDX-License-Identifier: Apache-2.0
// Names of AF_UNIX sockets, and packets that are thrown away: see unix_space.h.
#include "linux-abi/sockets/unix_space.h"

#include "linux-abi/sockets/unix_endpoint.h"

namespace linux_abi {

UnixPacket::UnixPacket() = default;
UnixPacket::~UnixPacket() = default;

Answer<processor::Reference<UnixSpace>> UnixSpace::create() {
  auto space = base::make<UnixSpace>();
  if (!space) return error(ENOMEM);
  return processor::Reference<UnixSpace>(*space.release());
}

Answer<UnixEndpointReference> UnixSpace::find_locked(const UnixBinding& wanted) {
  const auto found = bindings_.find(wanted);
  if (found == bindings_.end()) return error(ECONNREFUSED);
  return UnixEndpointReference(static_cast<UnixEndpoint&>(*found));
}

Answer<UnixEndpointReference> UnixSpace::find_bound(const void* node) {
  UnixBinding wanted;
  wanted.node = node;
  const base::SpinGuard guard(lock);
  return find_locked(wanted);
}

Answer<UnixEndpointReference> UnixSpace::find_abstract(const UnixName& name) {
  UnixBinding wanted;
  wanted.name = name;
  const base::SpinGuard guard(lock);
  return find_locked(wanted);
}

std::size_t UnixSpace::files_in_flight() {
  const base::SpinGuard guard(lock);
  return files_in_flight_;
}

void UnixSpace::flies_locked(UnixPacket& packet, bool in_flight) {
  if (!packet.attachment) return;
  const std::size_t count = packet.attachment->count();
  files_in_flight_ += in_flight ? count : 0 - count;
  for (std::size_t i = 0; i < count; ++i) {
    UnixEndpoint* const socket = packet.attachment->endpoint(i);
    if (socket == nullptr) continue;
    socket->in_flight_ += in_flight ? 1U : 0U - 1U;
    if (in_flight && socket->in_flight_ == 1) {
      sockets_in_flight_.push_back(*socket);
      ++socket_count_;
    }
    if (!in_flight && socket->in_flight_ == 0) {
      socket->UnixInFlight::unlink();
      --socket_count_;
    }
  }
}

void UnixSpace::free(UnixPackets& packets) {
  while (!packets.empty()) {
    base::Own<UnixPacket> packet(&packets.front());
    packets.pop_front();
  }
}

void UnixSpace::discard(UnixPackets& packets) {
  if (packets.empty()) return;
  {
    const base::SpinGuard guard(lock);
    discarded_.splice(discarded_.end(), packets);
    if (discarding_) return;
    discarding_ = true;
  }
  while (true) {
    base::Own<UnixPacket> packet;
    const base::SpinGuard guard(lock);
    if (discarded_.empty()) {
      discarding_ = false;
      return;
    }
    packet = base::Own<UnixPacket>(&discarded_.front());
    discarded_.pop_front();
  }  // the guard ends before the packet
}

}  // namespace linux_abi
