// SPDX-License-Identifier: Apache-2.0
// Joining the rack: a challenge both ways over the rack key (HMAC-SHA-256), then heartbeats that carry the wall time.
//   component -> managers  Join       its nonce and what it has
//   managers -> component  JoinReply  their nonce and proof = HMAC(key, "lego managers" | nonce_c | nonce_m | boot_id)
//   component -> managers  JoinProve  proof = HMAC(key, "lego component" | nonce_m | nonce_c | boot_id | kind)
// Between components the first message on a connection is proved by the CM request's private data (PeerHello).
#pragma once

#include "net/messages/layout.h"

namespace messages {

inline constexpr std::size_t nonce_bytes = 32;
inline constexpr std::size_t proof_bytes = 32;
using Nonce = std::array<std::uint8_t, nonce_bytes>;
using Proof = std::array<std::uint8_t, proof_bytes>;
using Name = std::array<char, 64>;  // zero-padded, at least one zero

struct JoinReply {
  Nonce nonce{};
  Proof proof{};
};
struct JoinRequest {
  static constexpr Operation operation = Operation::Join;
  using Reply = JoinReply;
  le16 version;  // protocol_version; another one is refused with VersionMismatch
  std::uint8_t kind = 0;
  std::uint8_t reserved = 0;
  le32 ip;  // host value of the IPv4 address
  le64 boot_id;
  le32 cores;
  le32 excache_lines;  // pComponent
  le64 memory_bytes;   // DRAM that the component can give
  Name name{};         // as on its command line: p0, m0...
  Nonce nonce{};
  bool validate() const { return reserved == 0 && kind >= 1 && kind <= 4 && name.back() == 0 && boot_id != 0; }
};
static_assert(sizeof(JoinRequest) == 128 && Body<JoinRequest> && sizeof(JoinReply) == 64);

struct JoinProveReply {
  le32 node;
  le32 reserved;
  le64 epoch;
  le64 wall_time_ns;  // since 1970
  le64 heartbeat_interval_ns;
  le64 lease_ns;  // silence of this length is death
};
struct JoinProveRequest {
  static constexpr Operation operation = Operation::JoinProve;
  using Reply = JoinProveReply;
  le64 boot_id;
  Proof proof{};
  bool validate() const { return boot_id != 0; }
};
static_assert(sizeof(JoinProveRequest) == 40 && sizeof(JoinProveReply) == 40);

struct HeartbeatReply {
  le64 wall_time_ns;
  le64 membership_version;  // changes when a node joins or dies
  le64 memory_bytes;        // what all living mComponents have for programs
  le64 memory_free_bytes;   // as they last said
};
struct HeartbeatRequest {
  static constexpr Operation operation = Operation::Heartbeat;
  using Reply = HeartbeatReply;
  le64 boot_id;
  le64 frames_total;
  le64 frames_free;
  le64 load;  // runnable threads, or requests being served
  bool validate() const { return boot_id != 0; }
};
static_assert(sizeof(HeartbeatRequest) == 32);

// A node as the managers know it.
struct NodeEntry {
  le32 node;
  le32 ip;
  le64 boot_id;
  le64 memory_bytes;
  std::uint8_t kind = 0;
  std::uint8_t alive = 0;
  le16 reserved16;
  le32 cores;
  Name name{};
};
static_assert(sizeof(NodeEntry) == 96 && Body<NodeEntry>);

struct NodeLookupReply {
  NodeEntry entry;
};
struct NodeLookupRequest {  // NotFound for an id that never was
  static constexpr Operation operation = Operation::NodeLookup;
  using Reply = NodeLookupReply;
  le32 node;
  le32 reserved;
  bool validate() const { return reserved == 0; }
};

struct NodeListReply {  // tail: NodeEntry[count]
  le32 count;
  le32 total;
  le64 membership_version;
};
struct NodeListRequest {
  static constexpr Operation operation = Operation::NodeList;
  using Reply = NodeListReply;
  le32 first;  // index to go on from
  le32 reserved;
  bool validate() const { return reserved == 0; }
};

struct LeaveRequest {
  static constexpr Operation operation = Operation::Leave;
  using Reply = EmptyReply;
  le64 boot_id;
  bool validate() const { return boot_id != 0; }
};

// Private data of the CM request between components (56 bytes at most): who calls, proved over the rack key:
// proof = HMAC(key, "lego peer" | node | boot_id | peer_boot_id), first 24 bytes. The accepted side checks node and
// boot_id against what the managers say. peer_boot_id 0: a caller that does not know it yet (managers only).
// (boot_id, session) names the session: a reconnect with the same pair goes on with its slots.
struct PeerHello {
  le16 version;
  le16 slots;  // requests that the caller would like to have outstanding
  le32 node;   // 0 before joining (managers only)
  le64 boot_id;
  le64 peer_boot_id;
  std::array<std::uint8_t, 24> proof{};
  le32 session;
  le32 reserved;
};
static_assert(sizeof(PeerHello) == 56 && Body<PeerHello>);

// Private data of the acceptance.
struct PeerWelcome {
  le16 version;
  le16 slots;  // granted; a resumed session keeps what it had
  le32 node;   // of the accepted side, 0 if it has not joined
  le64 boot_id;
  le32 max_request_bytes;
  le32 resumed;  // 1: the session is known, its slots go on
};
static_assert(sizeof(PeerWelcome) == 24 && Body<PeerWelcome>);

// Private data of the refusal. error: VersionMismatch, AuthenticationFailed, Stale (another boot id lives here), Busy
// (try again soon), Malformed.
struct PeerRefusal {
  le16 version;
  le16 reserved;
  le32 error;
};
static_assert(sizeof(PeerRefusal) == 8 && Body<PeerRefusal>);

}  // namespace messages
