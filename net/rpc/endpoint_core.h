// SPDX-License-Identifier: Apache-2.0
// What Endpoint hides: the tables of peers, sessions and admissions, the calls whose callbacks are due, and deadlines.
// Internal to net/rpc. Everything but the public functions of Endpoint is called with the endpoint's lock held.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "net/rpc/call.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/link.h"

namespace rpc {

class ClientSession;
class ServerSession;
class ServerCallRecord;

class EndpointCore {
 public:
  explicit EndpointCore(const EndpointConfiguration& configuration);
  EndpointCore(const EndpointCore&) = delete;
  EndpointCore& operator=(const EndpointCore&) = delete;
  ~EndpointCore();

  const EndpointConfiguration& configuration() const { return configuration_; }
  base::SpinLock& lock() { return configuration_.lock; }
  std::uint64_t now_ns() const { return configuration_.clock.now_ns(); }
  Statistics& statistics() { return configuration_.statistics; }
  std::uint64_t wall_time_ns() const { return wall_offset_ns_ == 0 ? 0 : now_ns() + wall_offset_ns_; }
  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t next_generation() { return ++generations_; }
  std::uint64_t next_request_id() { return ++request_ids_; }

  // --- endpoint.h, without the lock ---
  void close();
  bool closed();
  Result<Peer*> peer(const NodeAddress& address);
  Result<> serve(Server& server, std::uint16_t port);
  void admit(AdmissionId admission, Result<PeerInfo> who);
  void declare_dead(base::BootId boot_id);
  void poll();
  void maintain();
  std::uint64_t next_deadline_ns();
  std::uint64_t demand_since_ns() const { return demand_since_ns_.load(std::memory_order_relaxed); }
  void set_wall_clock_offset(std::uint64_t offset_ns);
  void set_epoch(std::uint64_t epoch);

  // --- with the lock ---
  void link_ready(Link& link);
  void maintenance_wanted() { configuration_.driver.maintenance_wanted(); }
  void demand_submitted() { configuration_.driver.demand_submitted(); }
  void demand_sent();
  void demand_ended();
  void watch_deadline(Call& call);
  void forget_deadline(Call& call);
  // Callbacks of the call are due: they run at the end of this poll or maintain, or soon.
  void tell_completed(Call& call, Error outcome, Reply reply);
  void tell_released(Call& call);

 private:
  struct Listener final : verbs::ConnectionListener {
    Listener(EndpointCore& owner, Server& handlers, std::uint16_t service_port)
        : core(owner), server(handlers), port(service_port) {}
    void requested(base::Own<verbs::ConnectionRequest> request) override;
    EndpointCore& core;
    Server& server;
    std::uint16_t port;
  };
  // A connection request: new, then waiting for Identity's answer.
  struct Admission {
    std::uint64_t id = 0;
    base::Own<verbs::ConnectionRequest> request;
    Server* server = nullptr;
    messages::PeerHello hello;
    bool asked = false;
  };
  using CallQueue = boost::intrusive::list<Call, boost::intrusive::member_hook<Call, CallListHook, &Call::list_hook_>,
                                           boost::intrusive::constant_time_size<false>>;
  using DeadlineSet =
      boost::intrusive::multiset<Call, boost::intrusive::member_hook<Call, CallSetHook, &Call::deadline_hook_>,
                                 boost::intrusive::compare<Call::ByDeadline>,
                                 boost::intrusive::constant_time_size<false>>;
  using LinkList = boost::intrusive::list<Link, boost::intrusive::constant_time_size<false>>;

  void make_due(Call& call);
  void deliver();
  bool deliver_one();
  void expire_deadlines();
  void check_admissions();
  bool ask_next_admission();
  void refuse(verbs::ConnectionRequest& request, Error error);
  void accept(Admission& admission, const PeerInfo& who);
  Result<ServerSession*> add_session(Admission& admission, const PeerInfo& who);
  void maintain_sessions();

  EndpointConfiguration configuration_;
  bool closed_ = false;
  std::uint64_t wall_offset_ns_ = 0;
  std::uint64_t epoch_ = 0;
  std::uint64_t generations_ = 0;
  std::uint64_t request_ids_ = 0;
  std::uint64_t admission_ids_ = 0;
  std::uint32_t session_ids_ = 0;
  std::uint32_t demands_ = 0;                      // under way
  std::atomic<std::uint64_t> demand_since_ns_{0};  // written with the lock, read without
  base::Array<base::Own<Listener>> listeners_;
  base::Array<Admission> admissions_;
  base::Array<base::Own<ClientSession>> peers_;
  base::Array<base::Own<ServerSession>> sessions_;
  LinkList ready_;
  CallQueue due_;  // calls with callbacks to run
  DeadlineSet deadlines_;
};

}  // namespace rpc
