// SPDX-License-Identifier: Apache-2.0
// Every bound of the engine, with its reason. What EngineConfig sizes is not here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/base/clock.h"

namespace roce::limits {

// What a packet needs beside its payload, IPv6 included: as Linux counts it, so that both choose the same path MTU.
inline constexpr std::uint32_t header_bytes = 80;
// Pieces of memory per work request: headers, these and the trailer must fit into max_segments.
inline constexpr std::uint32_t sge = 10;
// Work requests per queue: 16 bits of them are far more than one peer can keep in flight.
inline constexpr std::uint32_t work_requests = 16384;
// Inline data per work request: more is cheaper to reference than to copy.
inline constexpr std::uint32_t inline_bytes = 1024;
// Bytes of a message: at path MTU 256 its packets stay far below half of the PSN space.
inline constexpr std::uint32_t message_bytes = std::uint32_t{1} << 30;
// PSNs of one connection in use at a time: half of what can be told apart.
inline constexpr std::uint32_t psns_in_use = std::uint32_t{1} << 22;
// READs and atomics outstanding per direction: the responder keeps a record of each to repeat it. IB's CM has 8 bits
// for it; hardware offers 16.
inline constexpr std::uint32_t reads = 32;
// Entries of a completion queue.
inline constexpr std::uint32_t completions = 1 << 20;

// Request packets sent and not acknowledged. The most is what a receiver's ring (256 buffers) takes with another sender
// beside us; the window halves on loss, but not below the least, which a round trip inside one machine can use.
inline constexpr std::uint32_t window_most = 128;
inline constexpr std::uint32_t window_least = 8;
// A long READ is asked for in pieces, so that the window bounds what is on its way and a loss costs little: the least
// number of packets of a piece, and of all pieces together (a peer may grant only one READ at a time).
inline constexpr std::uint32_t read_packets_least = 8;
inline constexpr std::uint32_t read_packets_together = 128;
// Frames that a queue pair may send before the next one has its turn.
inline constexpr std::uint32_t burst = 16;

// The retransmission timer between our own components follows the round trip within these.
// The least is well above what an acknowledgement may wait.
inline constexpr std::uint64_t adaptive_least_ns = 4 * base::millisecond_ns;
inline constexpr std::uint64_t adaptive_most_ns = 67 * base::millisecond_ns;
inline constexpr std::uint64_t adaptive_first_ns = 10 * base::millisecond_ns;  // before anything was measured
// How long, and for how many messages, an acknowledgement may wait in a conversation. Between our own components one
// answers several requests; a message is answered by another one long before its acknowledgement is missed. When it
// stands for enough of them it goes right behind the next answer, which somebody waits for (a frame before that costs
// it 80 us in emulation), or soon. Other peers get theirs with the answer, and soon: they may wait for it with their
// next request.
inline constexpr std::uint64_t acknowledge_within_ns = 100 * base::microsecond_ns;
inline constexpr std::uint64_t acknowledge_own_within_ns = 1500 * base::microsecond_ns;
inline constexpr std::uint32_t acknowledge_every = 4;
inline constexpr std::uint32_t acknowledge_own_every = 8;  // behind an answer; without one twice as many
// A peer that is heard of meanwhile has not lost its tongue: its acknowledgement may wait for a core to run on. So
// often a time-out is put off between our own components.
inline constexpr std::uint32_t postponements = 3;
// Before a second sign of the same gap makes us go back again: at least this, and one and a half round trips.
inline constexpr std::uint64_t gap_patience_ns = 100 * base::microsecond_ns;
// A responder between our own components repeats its NAK this often while packets behind the gap keep coming.
inline constexpr std::uint64_t nak_again_ns = 200 * base::microsecond_ns;
// Silence that counts as death of the peer: as long as the managers wait.
inline constexpr std::uint64_t adaptive_give_up_ns = 30 * base::second_ns;

// Neighbours (peers on the link): every component of a rack and some more.
inline constexpr std::uint32_t neighbors = 256;
inline constexpr std::uint32_t arp_tries = 5;
inline constexpr std::uint64_t arp_retry_ns = 200 * base::millisecond_ns;

// Datagrams that the engine itself sends (CM messages, echo replies) and holds until the sink gives them back.
inline constexpr std::uint32_t datagrams = 32;
inline constexpr std::size_t datagram_bytes = 1536;

// Ports that one component listens on.
inline constexpr std::uint32_t listeners = 16;
// CM messages: how long an answer may take (IB code 16: 268 ms) and how often they are repeated. Linux peers follow
// what the request says; the default of librdmacm, 4.3 s, makes a lost message a long wait.
inline constexpr std::uint8_t cm_response_timeout = 16;
inline constexpr std::uint32_t cm_retries = 15;
// What a peer asks us to wait between repeated replies is bounded by this (IB code 18: 1.07 s)...
inline constexpr std::uint8_t cm_most_response_timeout = 18;
// ... and how long it may think about a request (code 24: 69 s).
inline constexpr std::uint8_t cm_most_service_timeout = 24;
// What we ask for when a user thinks about a request (code 20: 4.3 s).
inline constexpr std::uint8_t cm_service_timeout = 20;
// How long a connection that ended answers late messages.
inline constexpr std::uint64_t time_wait_ns = 2 * base::second_ns;

}  // namespace roce::limits
