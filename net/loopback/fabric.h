// SPDX-License-Identifier: Apache-2.0
// A test double of net/verbs: hosts in one process, joined by a fabric that moves one message, acknowledgement or
// connection event at a time, chosen by a seed. There are no packets (net/roce is tested for those); what it is for is
// order and failure as users of verbs see them: replies that overtake acknowledgements, connections that break with
// work half done, receive queues that run empty (counted). Bytes are read and written at the moment of delivery, so
// memory that was reused too early shows. Single-threaded.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "kernel/base/random.h"
#include "net/verbs/connection_manager.h"
#include "net/verbs/verbs.h"

namespace loopback {

using base::Error;
using base::Result;

class Host;
class LoopQueuePair;
class LoopConnection;
class LoopRequest;

struct Counters {
  std::uint64_t messages = 0;
  std::uint64_t receiver_not_ready = 0;  // a SEND found no receive buffer
  std::uint64_t access_errors = 0;       // wrong key, bounds or rights
};

class Fabric {
 public:
  explicit Fabric(std::uint64_t seed) : random_(seed) {}
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;
  ~Fabric();

  std::unique_ptr<Host> attach(std::uint32_t ip);

  // Does one thing that is possible, at random; false if nothing is.
  bool step();
  void run();  // until nothing is possible

  // Ends connections between two hosts: each side notices when it next sends, or when its connection manager tells it.
  void break_connections(std::uint32_t a, std::uint32_t b);
  // Messages stay where they are and connecting fails while a host is cut off.
  void set_cut(std::uint32_t ip, bool cut);
  bool is_cut(std::uint32_t ip) const { return cut_.contains(ip) && cut_.at(ip); }

  const Counters& counters() const { return counters_; }
  std::size_t queue_pairs() const { return queue_pairs_.size(); }

 private:
  friend class Host;
  friend class LoopDomain;
  friend class LoopRegion;
  friend class LoopQueuePair;
  friend class LoopConnection;
  friend class LoopRequest;

  struct Region {
    std::uint64_t address;
    std::uint64_t length;
    verbs::Access access;
    std::uint32_t ip;
  };
  // Something that the connection managers have to tell. Connections and requests are named by ids: they may be gone.
  struct Event {
    enum class Kind : std::uint8_t { Request, Established, Rejected, Disconnected } kind;
    std::uint64_t connection = 0;  // whom it is for; Request: who asks
    std::uint32_t to_ip = 0;
    std::uint16_t port = 0;
    verbs::RejectReason reason{};
    std::vector<std::byte> data;
  };

  const Region* find(std::uint32_t key, std::uint32_t ip, std::uint64_t address, std::uint64_t bytes) const;
  void tell(Event event) { events_.push_back(std::move(event)); }
  void handle(Event event);
  void handle_request(const Event& event);
  bool move_message(LoopQueuePair& queue_pair);

  base::Random random_;
  Counters counters_;
  std::map<std::uint32_t, Host*> hosts_;
  std::map<std::uint32_t, bool> cut_;
  std::map<std::uint32_t, Region> regions_;
  std::map<std::uint32_t, LoopQueuePair*> queue_pairs_;
  std::map<std::uint64_t, LoopConnection*> connections_;
  std::deque<Event> events_;
  std::uint32_t last_key_ = 100;
  std::uint32_t last_qpn_ = 1;
  std::uint64_t last_connection_ = 0;
};

// One host: the device and its connection manager.
class Host final : public verbs::Device, public verbs::ConnectionManager {
 public:
  Host(Fabric& fabric, std::uint32_t ip) : fabric_(fabric), ip_(ip) {}
  ~Host() override;

  verbs::Gid gid() const override { return verbs::Gid::from_ipv4(ip_); }
  std::uint32_t active_mtu() const override { return 4096; }
  Result<base::Own<verbs::ProtectionDomain>> allocate_protection_domain() override;
  Result<base::Own<verbs::CompletionQueue>> create_completion_queue(std::uint32_t entries) override;
  Result<base::Own<verbs::QueuePair>> create_queue_pair(verbs::ProtectionDomain& domain,
                                                        const verbs::QpInitAttributes& attributes) override;

  Result<> listen(std::uint16_t port, verbs::ConnectionListener& listener) override;
  void unlisten(std::uint16_t port) override { listeners_.erase(port); }
  Result<base::Own<verbs::Connection>> connect(verbs::QueuePair& queue_pair, verbs::Access access, verbs::Gid peer,
                                               std::uint16_t port, verbs::ConnectionEvents& events,
                                               const verbs::ConnectionParameters& parameters) override;

  std::uint32_t ip() const { return ip_; }

 private:
  friend class Fabric;
  Fabric& fabric_;
  std::uint32_t ip_;
  std::map<std::uint16_t, verbs::ConnectionListener*> listeners_;
};

}  // namespace loopback
