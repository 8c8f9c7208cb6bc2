// SPDX-License-Identifier: Apache-2.0
// One connection as the connection manager keeps it, from the first message until its number may be used again, and the
// handles that users hold. Handles name an entry by its id: one whose entry is gone does nothing.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "net/roce/cm_messages.h"
#include "net/roce/core.h"
#include "net/verbs/connection_manager.h"

namespace roce {

class RoceConnectionManager;

enum class ConnectionState : std::uint8_t {
  Free,
  RequestSent,      // active: waits for REP
  RequestReceived,  // passive: waits for the user
  ReplySent,        // passive: waits for RTU or data
  Established,
  DisconnectSent,  // waits for DREP
  TimeWait,        // answers what comes late, then Free
};

using DueHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

struct ConnectionEntry : DueHook {
  ConnectionEntry(RoceConnectionManager& manager_in, std::uint32_t id) : manager(manager_in), local_id(id) {}
  void timed_out();

  RoceConnectionManager& manager;
  std::uint32_t local_id;  // index and generation
  ConnectionState state = ConnectionState::Free;
  bool active = false;
  std::uint32_t remote_id = 0;
  std::uint64_t transaction = 0;
  std::uint64_t request_transaction = 0;  // passive: what tells a copy of the request from another
  verbs::Gid peer;
  NeighborTable::Index neighbor = 0;
  bool has_neighbor = false;

  std::uint32_t qpn = 0;  // ours; 0: none yet
  std::uint32_t remote_qpn = 0;
  Psn send_psn = 0;
  Psn receive_psn = 0;
  verbs::Access access = verbs::Access::None;
  std::uint32_t path_mtu = 0;
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::uint8_t ack_timeout = 0;
  std::uint8_t retry_count = 0;
  std::uint8_t rnr_retry_count = 0;
  bool adaptive_timeout = false;

  verbs::ConnectionEvents* events = nullptr;
  verbs::Connection* handle = nullptr;  // nullptr: the user let go
  bool was_established = false;

  std::array<std::byte, cm::mad_bytes> mad{};  // what was sent last, to repeat it
  std::array<std::byte, cm::Request::private_bytes> request_private{};
  std::uint32_t tries_left = 0;
  std::uint64_t interval_ns = 0;
  MemberDeadline<ConnectionEntry, &ConnectionEntry::timed_out> timer{*this};
};

class RoceConnection final : public verbs::Connection {
 public:
  RoceConnection(RoceConnectionManager& manager, std::uint32_t id, const verbs::Gid& peer)
      : manager_(manager), id_(id), peer_(peer) {}
  ~RoceConnection() override;
  verbs::Gid peer() const override { return peer_; }
  void disconnect() override;

 private:
  RoceConnectionManager& manager_;
  const std::uint32_t id_;
  const verbs::Gid peer_;
};

class RoceConnectionRequest final : public verbs::ConnectionRequest {
 public:
  RoceConnectionRequest(RoceConnectionManager& manager, std::uint32_t id, const verbs::Gid& peer,
                        std::uint32_t path_mtu, std::span<const std::byte> private_data);
  ~RoceConnectionRequest() override;
  verbs::Gid peer() const override { return peer_; }
  std::span<const std::byte> private_data() const override { return private_data_; }
  std::uint32_t path_mtu() const override { return path_mtu_; }
  Result<base::Own<verbs::Connection>> accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                              verbs::ConnectionEvents& events,
                                              const verbs::ConnectionParameters& parameters) override;
  void reject(verbs::RejectReason reason, std::span<const std::byte> private_data) override;

 private:
  RoceConnectionManager& manager_;
  const std::uint32_t id_;
  const verbs::Gid peer_;
  const std::uint32_t path_mtu_;
  std::array<std::byte, verbs::max_connect_private_data> private_data_;
  bool decided_ = false;
};

}  // namespace roce
