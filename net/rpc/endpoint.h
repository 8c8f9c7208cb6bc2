// SPDX-License-Identifier: Apache-2.0
// All RPC connections of a component: as a client (peers) and as a server (sessions). Pure: it is driven from outside.
//
// One lock, given by whoever made the verbs::Device, serialises the device with everything on it (rank Rpc): received
// frames are handed to the engine under it, and all public functions here take it themselves and must be called without
// it. No callback is made with it held. Any core and interrupt context may call poll(), Peer::submit, Peer::abandon and
// drop a Reply; maintain() belongs to one thread or loop and may allocate.
//   poll()      completions: answers to our calls (callbacks run here), requests to our server (handlers are posted to
//               its loop). To be called after Driver::poll_wanted, from an interrupt if that is where it comes from.
//   maintain()  connecting, admission, deadlines. To be called after Driver::maintenance_wanted and at
//   next_deadline_ns.
// LoopDriver (loop_driver.h) does both on an EventLoop.
#pragma once

#include "kernel/base/array.h"
#include "kernel/base/clock.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "net/rpc/buffers.h"
#include "net/rpc/identity.h"
#include "net/rpc/limits.h"
#include "net/verbs/connection_manager.h"

namespace rpc {

class Call;
class Peer;
class Server;
class Statistics;

class Driver {
 public:
  // Both: from any context, with the endpoint's lock held; they only note it, post work or wake a thread.
  virtual void poll_wanted() = 0;
  virtual void maintenance_wanted() = 0;  // also: next_deadline_ns() may be earlier now
  // By whoever calls Peer::submit with Priority::Demand, for counting who causes messages that are waited for.
  virtual void demand_submitted() {}

 protected:
  ~Driver() = default;
};

struct EndpointConfiguration {
  verbs::Device& device;
  verbs::ProtectionDomain& domain;
  verbs::ConnectionManager& connections;
  base::SpinLock& lock;  // rank Rpc
  const base::Clock& clock;
  BufferMemory& buffers;
  Driver& driver;
  Identity& identity;
  Statistics& statistics;
  base::BootId boot_id;
  std::uint16_t slots = default_slots;  // that we ask our servers for
};

class EndpointCore;

class Endpoint {
 public:
  static Result<base::Own<Endpoint>> create(const EndpointConfiguration& configuration);
  explicit Endpoint(base::Own<EndpointCore> core);  // for create
  ~Endpoint();                                      // closed(), if there ever was a handler or a call

  // Ends all connections and takes no new ones; calls end with PeerDead, and so do waits for an answer to be taken
  // (Disconnected). Handlers go on: run their loop until closed().
  void close();
  bool closed();  // after close(): no handler runs, no callback is due

  // The peer with this boot id (or, if that is 0, this address); made on the first call, connected when first used.
  // Lives as long as the endpoint. Exhausted: there are max_peers.
  Result<Peer*> peer(const NodeAddress& address);

  // Accepts connections and dispatches requests to the server's handlers. Once per port.
  Result<> serve(Server& server, std::uint16_t port);
  void admit(AdmissionId admission, Result<PeerInfo> who);

  // The managers say that this boot of a component is gone: its calls end with PeerDead, its session is forgotten.
  void declare_dead(base::BootId boot_id);

  void poll();
  void maintain();
  std::uint64_t next_deadline_ns();
  // When the last of the demand requests that are now under way was sent; 0: none is. Any context, without the lock; a
  // guess, for idle cores that want to know whether an answer may come soon.
  std::uint64_t demand_since_ns() const;

  // For RequestHeader::wall_time_ns: what to add to the clock to get the time since 1970. 0: not known.
  void set_wall_clock_offset(std::uint64_t offset_ns);
  // For RequestHeader::epoch.
  void set_epoch(std::uint64_t epoch);

 private:
  base::Own<EndpointCore> core_;
};

}  // namespace rpc
