// SPDX-License-Identifier: Apache-2.0
// The entries and their timers; what is said about them on the wire is in neighbor_input.cpp.
#include "net/roce/neighbor_table.h"

#include <algorithm>

namespace roce {
Result<> NeighborTable::initialize() { return entries_.resize(limits::neighbors); }

verbs::Gid NeighborTable::next_hop(const verbs::Gid& address) const {
  if (!is_ipv4(address)) return address;
  const std::uint32_t mask = config_.prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - config_.prefix_length);
  const bool on_link = ((address.ipv4() ^ config_.ipv4) & mask) == 0;
  return on_link || config_.gateway == 0 ? address : verbs::Gid::from_ipv4(config_.gateway);
}

Result<NeighborTable::Index> NeighborTable::acquire(const verbs::Gid& address) {
  const verbs::Gid wanted = next_hop(address);
  Entry* spare = nullptr;
  for (Entry& entry : entries_) {
    if (entry.state != State::Free && entry.address == wanted) {
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
  spare->address = wanted;
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
      ++(is_ipv4(entry.address) ? counters_.arp_unanswered : counters_.neighbor_solicitations_unanswered);
      if (entry.state == State::Resolving) {
        entry.state = State::Failed;
        gave_up = true;
      }
      continue;
    }
    send_request(entry.address);
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

}  // namespace roce
