// SPDX-License-Identifier: Apache-2.0
// Peers' Ethernet addresses, by ARP (RFC 826) for IPv4 and neighbour discovery (RFC 4861) for IPv6: a bounded table of
// those that queue pairs need. An entry that a queue pair uses stays; a peer that comes back with another Ethernet
// address is followed as soon as it says so. Requests are repeated a few times; users of an unresolved entry wait, and
// their own timers decide when they give up. Who asks for our addresses is answered.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "net/roce/deadline_queue.h"
#include "net/roce/limits.h"
#include "net/roce/mac_address.h"
#include "net/roce/neighbor_discovery.h"
#include "net/roce/transmitter.h"
#include "net/roce/wire.h"

namespace roce {

struct LinkConfig {
  MacAddress mac;
  std::uint32_t ipv4 = 0;
  std::uint8_t prefix_length = 24;
  std::uint32_t gateway = 0;
  verbs::Gid link_local;  // and our IPv6 address: IPv6 peers are all on the link
};

class NeighborTable {
 public:
  // Told when an entry was resolved or given up: those that wait look again.
  class Listener {
   public:
    virtual void neighbor_changed() = 0;

   protected:
    ~Listener() = default;
  };
  using Index = std::uint32_t;
  enum class State : std::uint8_t { Free, Resolving, Failed, Resolved };

  NeighborTable(const LinkConfig& config, const base::Clock& clock, DeadlineQueue& deadlines, Transmitter& transmitter,
                Counters& counters, Listener& listener)
      : config_(config),
        clock_(clock),
        deadlines_(deadlines),
        transmitter_(transmitter),
        counters_(counters),
        listener_(listener) {}
  Result<> initialize();

  // The entry for the way to an address (the gateway's, if it is not on the link); a new one begins to resolve. The
  // entry is the caller's until release(). Exhausted: all entries are in use.
  Result<Index> acquire(const verbs::Gid& address);
  void release(Index index);
  State state(Index index) const { return entries_[index].state; }
  const MacAddress& mac(Index index) const { return entries_[index].mac; }
  // A sound frame came from there: believed while nothing better is known.
  void hint(Index index, const MacAddress& mac);
  // Asks again: nothing has come from there for a while, or the last attempts failed.
  void probe(Index index);

  void receive_arp(std::span<const std::byte> arp);
  // Of ICMPv6's messages, the two that are neighbour discovery's.
  static bool is_discovery(const Ip& ip, std::span<const std::byte> message);
  void receive_discovery(const Link& link, const Ip& ip, std::span<const std::byte> message);

 private:
  struct Entry {
    State state = State::Free;
    verbs::Gid address;
    MacAddress mac;
    std::uint32_t users = 0;
    std::uint32_t tries_left = 0;  // > 0: a request is out
    std::uint64_t ask_at_ns = 0;
  };
  verbs::Gid next_hop(const verbs::Gid& address) const;
  void ask();
  void send_request(const verbs::Gid& address);
  void learn(Entry& entry, const MacAddress& mac);
  void learn_all(const verbs::Gid& address, const MacAddress& mac);
  bool send_arp(std::uint16_t operation, const MacAddress& destination, const MacAddress& target_mac,
                std::uint32_t target_ip);
  bool solicit(const verbs::Gid& target);
  void answer_solicitation(const Link& link, const Ip& ip);
  bool send_discovery(const MacAddress& to, const Ip& ip, const discovery::Message& message);
  void arm();

  LinkConfig config_;
  const base::Clock& clock_;
  DeadlineQueue& deadlines_;
  Transmitter& transmitter_;
  Counters& counters_;
  Listener& listener_;
  base::Array<Entry> entries_;
  MemberDeadline<NeighborTable, &NeighborTable::ask> deadline_{*this};
};

}  // namespace roce
