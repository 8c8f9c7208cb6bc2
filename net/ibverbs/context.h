// SPDX-License-Identifier: Apache-2.0
// What the objects of one libibverbs device share, and the small translations between libibverbs' world and net/verbs'.
// Guarded by the lock that serialises the device for everyone (rpc::Endpoint's).
#pragma once

#include <infiniband/verbs.h>
#include <netinet/in.h>

#include <cstdint>
#include <map>

#include "net/verbs/verbs.h"

namespace ibverbs {

using base::Error;
using base::Result;

class IbQueuePair;

struct Context {
  ibv_context* device = nullptr;
  ibv_comp_channel* completions = nullptr;  // of all completion queues
  std::uint8_t port = 1;
  std::uint8_t gid_index = 0;    // of our address
  unsigned interface_index = 0;  // of the port's network device, for link-local addresses; 0: unknown
  verbs::Gid address;            // ours, as an IP address
  std::uint32_t active_mtu = 0;  // bytes
  std::uint8_t max_responder_resources = 0;
  std::uint8_t max_initiator_depth = 0;
  std::map<std::uint32_t, IbQueuePair*> queue_pairs;  // by number
};

// Of what a call left in errno, or returned.
Error error_of(int error_number);

inline unsigned access_flags(verbs::Access access) {
  static_assert(static_cast<unsigned>(verbs::Access::LocalWrite) == IBV_ACCESS_LOCAL_WRITE &&
                static_cast<unsigned>(verbs::Access::RemoteWrite) == IBV_ACCESS_REMOTE_WRITE &&
                static_cast<unsigned>(verbs::Access::RemoteRead) == IBV_ACCESS_REMOTE_READ &&
                static_cast<unsigned>(verbs::Access::RemoteAtomic) == IBV_ACCESS_REMOTE_ATOMIC);
  return static_cast<unsigned>(access);
}

inline std::uint32_t mtu_bytes(ibv_mtu mtu) { return 128u << mtu; }
Result<ibv_mtu> mtu_code(std::uint32_t bytes);

// An IP address as librdmacm takes it. interface_index: for link-local addresses.
struct SocketAddress {
  SocketAddress(const verbs::Gid& address, std::uint16_t port, unsigned interface_index);
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  sockaddr_storage storage{};
};
verbs::Gid gid_of(const sockaddr& address);
bool is_ipv4(const verbs::Gid& gid);

}  // namespace ibverbs
