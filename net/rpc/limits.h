// SPDX-License-Identifier: Apache-2.0
// The sizes and counts of net/rpc, each with its reason. Those that both sides must agree on travel in PeerWelcome.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rpc {

// A request or reply struct; the largest is 128 bytes. Kept small because every slot and every running handler has one.
inline constexpr std::uint32_t max_body_bytes = 256;

// Tail bytes that a request copies (CallRequest::copied_tail): the tags of a full PageWriteBack (4224) and a name
// with a symbolic link's target (4350) fit. Larger tails are registered memory, gathered in place.
inline constexpr std::uint32_t max_copied_tail_bytes = 4608;

// The tail of a reply: 340 vRegion owners, 200 VMAs, a symbolic link's target. More goes by bulk.
inline constexpr std::uint32_t max_reply_tail_bytes = 8192;

// A whole request. 32 KiB of pages or file bytes with the largest copied tail and headers fit.
inline constexpr std::uint32_t max_request_bytes = 40960;

// Pieces of memory that one work request gathers (net/roce takes no more), and thus of a registered tail, which has the
// slot's buffer before it: eight pages and one to spare.
inline constexpr std::uint32_t max_gathered_segments = 10;
inline constexpr std::uint32_t max_tail_segments = max_gathered_segments - 1;

// Requests that one connection may have outstanding, each with a receive buffer at both ends.
inline constexpr std::uint16_t max_slots = 64;
inline constexpr std::uint16_t default_slots = 32;

// Of a connection's slots: kept free of everything but write-back, so that memory can be freed when all else waits...
inline constexpr std::uint16_t write_back_reserved_slots = 2;
// ...the most that write-back may have outstanding (each is up to 8 pages, which a demand miss would queue behind)...
inline constexpr std::uint16_t write_back_max_slots = 4;
// ...and the most that prefetch may have.
inline constexpr std::uint16_t prefetch_max_slots = 8;

// Connections that a component serves (sessions), and peers that it calls. A rack has tens of components.
inline constexpr std::size_t max_sessions = 128;
inline constexpr std::size_t max_peers = 128;

// A client that waits for answers and hears nothing for this long asks the server's queue pair for a sign of life (an
// RDMA READ of no bytes): a server whose end of the connection is gone would never answer, and nothing else would tell.
inline constexpr std::uint64_t probe_interval_ns = 5'000'000'000;

// How long a server remembers the slots of a client that is not connected: longer than it takes a client to notice (a
// probe, and the 30 s that a queue pair tries) and a lease to end.
inline constexpr std::uint64_t session_retention_ns = 120'000'000'000;

// Connection requests whose caller is still being checked with the managers.
inline constexpr std::size_t max_admissions = 32;

// Work requests that the bulk replies of one connection may have at once; more wait in the session.
inline constexpr std::uint32_t max_bulk_work_requests = 64;

}  // namespace rpc
