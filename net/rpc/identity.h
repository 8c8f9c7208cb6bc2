// SPDX-License-Identifier: Apache-2.0
// Who is on the other end of a connection, and who decides that: net/membership implements Identity.
#pragma once

#include "kernel/base/types.h"
#include "net/messages/membership.h"
#include "net/verbs/verbs.h"

namespace rpc {

// Where to reach a component. boot_id 0: whoever answers there (the managers, before anything is known about them).
struct NodeAddress {
  base::NodeId node;
  std::uint32_t ip = 0;  // host order
  base::BootId boot_id;
  std::uint16_t port = messages::component_port;
};

// A caller, as a server knows it.
struct PeerInfo {
  base::NodeId node;  // 0: not joined; it may only send Join and JoinProve, to the managers
  base::BootId boot_id;
  messages::ComponentKind kind = messages::ComponentKind::Client;
  std::uint32_t ip = 0;
};

// Names a connection request that waits for Endpoint::admit.
struct AdmissionId {
  std::uint64_t value = 0;
};

class Identity {
 public:
  // Our own hello to a peer; rpc adds session, slots and version. With the endpoint's lock held.
  virtual void fill_hello(messages::PeerHello& hello, const NodeAddress& peer) = 0;
  // Somebody wants to connect: answer now or later, from any context, by Endpoint::admit(admission, ...). Called from
  // Endpoint::maintain without a lock.
  virtual void check_hello(const messages::PeerHello& hello, std::uint32_t ip, AdmissionId admission) = 0;

 protected:
  ~Identity() = default;
};

}  // namespace rpc
