// SPDX-License-Identifier: Apache-2.0
#include "net/roce/neighbor_table.h"

#include <algorithm>

namespace roce {
namespace {

constexpr std::uint16_t request = 1;
constexpr std::uint16_t reply = 2;

}  // namespace

Result<> NeighborTable::initialize() { return entries_.resize(limits::neighbors); }

std::uint32_t NeighborTable::next_hop(std::uint32_t ipv4) const {
  const std::uint32_t mask = config_.prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - config_.prefix_length);
  const bool on_link = ((ipv4 ^ config_.ipv4) & mask) == 0;
  return on_link || config_.gateway == 0 ? ipv4 : config_.gateway;
}

Result<NeighborTable::Index> NeighborTable::acquire(std::uint32_t ipv4) {
  const std::uint32_t wanted = next_hop(ipv4);
  Entry* spare = nullptr;
  for (Entry& entry : entries_) {
    if (entry.state != State::Free && entry.ipv4 == wanted) {
      ++entry.users;
      if (entry.state == State::Failed) probe(static_cast<Index>(&entry - entries_.data()));
      return static_cast<Index>(&entry - entries_.data());
    }
    // A free place is better than one that nobody uses now.
    if (entry.users == 0 && (spare == nullptr || (spare->state != State::Free && entry.state == State::Free))) {
      spare = &entry;
    }
  }
  if (spare == nullptr) {
    ++counters_.neighbor_table_full;
    return base::fail(Error::Exhausted);
  }
  *spare = Entry{};
  spare->state = State::Resolving;
  spare->ipv4 = wanted;
  spare->users = 1;
  const auto index = static_cast<Index>(spare - entries_.data());
  probe(index);
  return index;
}

void NeighborTable::release(Index index) {
  LEGO_ASSERT(entries_[index].users > 0);
  --entries_[index].users;
}

void NeighborTable::hint(Index index, const MacAddress& mac) {
  if (entries_[index].state != State::Resolved && !mac.is_multicast()) learn(entries_[index], mac);
}

void NeighborTable::probe(Index index) {
  Entry& entry = entries_[index];
  if (entry.tries_left > 0) return;  // on its way
  if (entry.state == State::Failed) entry.state = State::Resolving;
  entry.tries_left = limits::arp_tries + 1;
  entry.ask_at_ns = clock_.now_ns();
  ask();
}

// Sends every request that is due, and gives up on those that were asked for often enough.
void NeighborTable::ask() {
  const std::uint64_t now = clock_.now_ns();
  bool gave_up = false;
  for (Entry& entry : entries_) {
    if (entry.tries_left == 0 || entry.ask_at_ns > now) continue;
    if (--entry.tries_left == 0) {
      ++counters_.arp_unanswered;
      if (entry.state == State::Resolving) {
        entry.state = State::Failed;
        gave_up = true;
      }
      continue;
    }
    if (send(request, broadcast_mac, MacAddress{}, entry.ipv4)) ++counters_.arp_requests_sent;
    entry.ask_at_ns = now + limits::arp_retry_ns;
  }
  arm();
  if (gave_up) listener_.neighbor_changed();
}

void NeighborTable::arm() {
  std::uint64_t next = base::never_ns;
  for (const Entry& entry : entries_) {
    if (entry.tries_left > 0) next = std::min(next, entry.ask_at_ns);
  }
  if (next == base::never_ns) {
    deadline_.cancel();
  } else {
    deadlines_.arm(deadline_, next);
  }
}

void NeighborTable::learn(Entry& entry, const MacAddress& mac) {
  entry.mac = mac;
  entry.tries_left = 0;
  const bool was_resolved = entry.state == State::Resolved;
  entry.state = State::Resolved;
  arm();
  if (!was_resolved) listener_.neighbor_changed();
}

void NeighborTable::receive(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  wire::Arp arp;
  if (!reader.take(arp) || arp.hardware_type != 1 || arp.protocol_type != wire::ethertype_ipv4 ||
      arp.hardware_bytes != 6 || arp.protocol_bytes != 4 || arp.sender_mac.is_multicast() ||
      (arp.operation != request && arp.operation != reply)) {
    ++counters_.rx_arp_malformed;
    return;
  }
  const bool announces = arp.sender_ip != 0 && arp.sender_ip != config_.ipv4;
  if (announces) {
    for (Entry& entry : entries_) {
      if (entry.state != State::Free && entry.ipv4 == arp.sender_ip) learn(entry, arp.sender_mac);
    }
  }
  if (arp.operation == request && arp.target_ip == config_.ipv4) {
    if (send(reply, arp.sender_mac, arp.sender_mac, arp.sender_ip)) ++counters_.arp_requests_answered;
  }
}

// False: the sink is full. Who asked will ask again.
bool NeighborTable::send(std::uint16_t operation, const MacAddress& destination, const MacAddress& target_mac,
                         std::uint32_t target_ip) {
  std::array<std::byte, 60> frame{};  // Ethernet's least length without FCS
  Writer writer(frame);
  encode_link(writer, Link{destination, config_.mac, std::nullopt, wire::ethertype_arp});
  writer.put(wire::Arp{std::uint16_t{1}, wire::ethertype_ipv4, 6, 4, operation, config_.mac, config_.ipv4, target_mac,
                       target_ip});
  return transmitter_.send_frame(frame, {}, nullptr, 0) == Sent::Yes;
}

}  // namespace roce
