// SPDX-License-Identifier: Apache-2.0
// Sockets that nobody can reach any more, because only packets hold them that are in queues of such sockets. A socket
// in flight is a candidate if packets hold all of its references. What candidates' own queues do not explain is held by
// something that lives, and so is all that can be received from there; the queues of the others are emptied. Nothing
// can change meanwhile: a reference from outside comes from outside, or out of a queue under the lock.
#include "linux-abi/sockets/unix_endpoint.h"

namespace linux_abi {

class UnixGarbage {
 public:
  explicit UnixGarbage(UnixSpace& space) : space_(space) {}

  void find_locked() {
    for (UnixInFlight& each : space_.sockets_in_flight_) consider(endpoint(each));
    for (UnixInFlight& each : space_.sockets_in_flight_)
      if (endpoint(each).mark_ == UnixEndpoint::Mark::Candidate)
        for_each_held(endpoint(each), [](UnixEndpoint& held) { --held.unexplained_; });
    UnixSocketsInFlight alive, dead;
    dead.swap(space_.sockets_in_flight_);
    for (auto next = dead.begin(); next != dead.end();) {
      UnixEndpoint& socket = endpoint(*next++);
      if (socket.mark_ != UnixEndpoint::Mark::Candidate || socket.unexplained_ > 0) revive(socket, alive);
    }
    // The list grows at its end while it is walked.
    for (UnixInFlight& each : alive) for_each_held(endpoint(each), [&](UnixEndpoint& held) { revive(held, alive); });
    space_.sockets_in_flight_.swap(alive);
    while (!dead.empty()) empty(dead);
  }
  UnixPackets packets;  // to be discarded

 private:
  static UnixEndpoint& endpoint(UnixInFlight& each) { return static_cast<UnixEndpoint&>(each); }
  static void consider(UnixEndpoint& socket) {
    const bool only_in_flight = socket.owner_ != nullptr && socket.owner_->references() == socket.in_flight_;
    socket.mark_ = only_in_flight ? UnixEndpoint::Mark::Candidate : UnixEndpoint::Mark::None;
    socket.unexplained_ = socket.in_flight_;
  }
  static void revive(UnixEndpoint& socket, UnixSocketsInFlight& alive) {
    socket.mark_ = UnixEndpoint::Mark::Alive;
    socket.UnixInFlight::unlink();
    alive.push_back(socket);
  }
  // The candidates in its queue, and in those of connections that wait to be accepted.
  template <typename Visit>
  static void for_each_held(UnixEndpoint& socket, Visit visit) {
    for (UnixPacket& packet : socket.packets_) {
      const std::size_t count = packet.attachment ? packet.attachment->count() : 0;
      for (std::size_t i = 0; i < count; ++i) {
        UnixEndpoint* const held = packet.attachment->endpoint(i);
        if (held != nullptr && held->mark_ == UnixEndpoint::Mark::Candidate) visit(*held);
      }
    }
    for (const UnixEndpointReference& embryo : socket.backlog_.waiting) for_each_held(*embryo, visit);
  }
  // One that no packet holds any more leaves the list: it is closed, with its queue, when that packet is discarded.
  void empty(UnixSocketsInFlight& dead) {
    UnixEndpoint& socket = endpoint(dead.front());
    dead.pop_front();
    space_.sockets_in_flight_.push_back(socket);  // until the last packet that holds it is taken out
    empty_queue(socket);
    for (const UnixEndpointReference& embryo : socket.backlog_.waiting) empty_queue(*embryo);
  }
  void empty_queue(UnixEndpoint& socket) {
    while (!socket.packets_.empty()) socket.remove_locked(socket.packets_.front(), packets);
  }

  UnixSpace& space_;
};

void UnixSpace::maybe_collect_garbage() {
  constexpr std::size_t few = 16;
  {
    const base::SpinGuard guard(lock);
    if (socket_count_ == 0) return;
    if (++events_since_look_ + few < socket_count_) return;
  }
  collect_garbage();
}

void UnixSpace::collect_garbage() {
  UnixGarbage garbage(*this);
  {
    const base::SpinGuard guard(lock);
    events_since_look_ = 0;
    if (sockets_in_flight_.empty()) return;
    garbage.find_locked();
  }
  discard(garbage.packets);
}

}  // namespace linux_abi
