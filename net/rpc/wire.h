// SPDX-License-Identifier: Apache-2.0
// The headers of net/rpc. A request is one SEND: RequestHeader, body (a struct of net/messages), tail. Its answer is
//   - one SEND: ReplyHeader, body, tail; before it, RDMA WRITEs into the requester's bulk buffer where the reply has
//   one
//   - or, for a page (PageFetch), one RDMA WRITE WITH IMMEDIATE into the bulk buffer, and nothing else.
// A slot's next request has the next sequence number; a retry after a reconnect has the same, and is not executed
// twice.
#pragma once

#include "net/messages/layout.h"

namespace rpc {

using messages::le16;
using messages::le32;
using messages::le64;

enum class RequestFlags : std::uint16_t {
  Retry = 1,   // sent again after a reconnect
  OneWay = 2,  // answered at once with an empty reply: the sender wants its slot back, not a result
};
inline constexpr std::uint16_t request_flags_mask = 3;

struct RequestHeader {
  le16 version;    // messages::protocol_version
  le16 operation;  // messages::Operation
  le16 flags;      // RequestFlags
  le16 slot;
  le32 slot_sequence;
  le32 body_bytes;
  le32 tail_bytes;
  le32 bulk_rkey;
  le64 request_id;
  le64 vnode;  // 0: none
  le64 epoch;
  le64 deadline_ns;   // time left when it was sent; 0: none
  le64 wall_time_ns;  // of the requester, since 1970; 0 before it has joined
  le64 bulk_address;
  le32 bulk_capacity;
  le32 reserved;
};
static_assert(sizeof(RequestHeader) == 80 && messages::Body<RequestHeader>);
static_assert(offsetof(RequestHeader, request_id) == 24 && offsetof(RequestHeader, bulk_address) == 64);

struct ReplyHeader {
  le16 version;
  le16 operation;
  le16 slot;
  le16 flags;  // zero
  le32 slot_sequence;
  le32 status;  // base::Error; body and tail are empty unless it is None
  le64 request_id;
  le32 body_bytes;
  le32 tail_bytes;
  le32 bulk_bytes;  // written to the bulk buffer
  le32 reserved;
};
static_assert(sizeof(ReplyHeader) == 40 && messages::Body<ReplyHeader>);
static_assert(offsetof(ReplyHeader, request_id) == 16);

// The immediate of a page reply.
constexpr std::uint32_t page_immediate(std::uint16_t slot, std::uint32_t sequence) {
  return std::uint32_t{slot} | sequence << 16;
}
constexpr std::uint16_t immediate_slot(std::uint32_t immediate) { return static_cast<std::uint16_t>(immediate); }
constexpr bool immediate_matches(std::uint32_t immediate, std::uint32_t sequence) {
  return immediate >> 16 == (sequence & 0xffff);
}

}  // namespace rpc
