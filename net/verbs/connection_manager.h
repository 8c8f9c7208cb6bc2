// SPDX-License-Identifier: Apache-2.0
// Connections between queue pairs as librdmacm makes them (IB CM messages on QP1, service id 0x01060000 + port), so
// that a stock libibverbs program can be the peer. Events come by callback on the caller's serialisation of the Device;
// a callback may post work or call back into the manager for other connections, but not destroy the connection it is
// for.
#pragma once

#include <cstdint>
#include <span>

#include "net/verbs/verbs.h"

namespace verbs {

inline constexpr std::size_t max_connect_private_data = 56;  // librdmacm takes 36 of the REQ's 92 bytes
inline constexpr std::size_t max_accept_private_data = 196;
inline constexpr std::size_t max_reject_private_data = 148;

enum class RejectReason : std::uint16_t {
  Timeout = 4,
  UnsupportedRequest = 5,
  InvalidServiceId = 8,
  StaleConnection = 10,
  InvalidMtu = 26,
  Consumer = 28,
};

struct ConnectionParameters {
  std::span<const std::byte> private_data;
  std::uint8_t responder_resources = 16;
  std::uint8_t initiator_depth = 16;
  std::uint8_t retry_count = 7;
  std::uint8_t rnr_retry_count = 7;
  // The connecting side's, for both (see QpAttributes); path_mtu 0: the device's active MTU.
  std::uint8_t timeout = 14;
  std::uint32_t path_mtu = 0;
  bool adaptive_timeout = false;  // this side's
};

class Connection;

class ConnectionEvents {
 public:
  // The connection works: both queue pairs are ready to send. For the connecting side private_data is the acceptor's.
  virtual void established(Connection& connection, std::span<const std::byte> private_data) = 0;
  // The other side refused, or did not answer (reason Timeout).
  virtual void rejected(Connection& connection, RejectReason reason, std::span<const std::byte> private_data) = 0;
  // The other side disconnected, or this side did. The queue pair is in Error.
  virtual void disconnected(Connection& connection) = 0;

 protected:
  ~ConnectionEvents() = default;
};

class Connection {
 public:
  virtual ~Connection() = default;  // disconnects if it is established
  virtual Gid peer() const = 0;
  virtual void disconnect() = 0;
};

// A request of a peer, valid during ConnectionListener::requested or until accept/reject.
class ConnectionRequest {
 public:
  virtual ~ConnectionRequest() = default;  // rejects it if it was neither accepted nor rejected
  virtual Gid peer() const = 0;
  virtual std::span<const std::byte> private_data() const = 0;
  virtual std::uint32_t path_mtu() const = 0;
  // Takes queue_pair from Reset to ReadyToSend; the caller posts its receives in Init (accept brings it there first)
  // by having posted them before: post_receive is allowed in Reset.
  virtual Result<base::Own<Connection>> accept(QueuePair& queue_pair, Access access, ConnectionEvents& events,
                                               const ConnectionParameters& parameters) = 0;
  virtual void reject(RejectReason reason, std::span<const std::byte> private_data) = 0;
};

class ConnectionListener {
 public:
  virtual void requested(base::Own<ConnectionRequest> request) = 0;

 protected:
  ~ConnectionListener() = default;
};

class ConnectionManager {
 public:
  virtual ~ConnectionManager() = default;
  // Exists when the port is taken. Listening ends with unlisten.
  virtual Result<> listen(std::uint16_t port, ConnectionListener& listener) = 0;
  virtual void unlisten(std::uint16_t port) = 0;
  // queue_pair is in Reset with its receives posted; events tells the outcome.
  virtual Result<base::Own<Connection>> connect(QueuePair& queue_pair, Access access, Gid peer, std::uint16_t port,
                                                ConnectionEvents& events, const ConnectionParameters& parameters) = 0;
};

}  // namespace verbs
