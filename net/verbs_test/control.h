// SPDX-License-Identifier: Apache-2.0
// How a program in a Linux guest tells the verbs test service of an image what to do: messages of fixed layout, one
// SEND each, on a connection made by rdma_cm to control_port. A connection is one session: Open makes a queue pair and
// its memory, Connect brings it up towards a queue pair that the program has named, Run does a task and answers at its
// end, Close answers with what was counted. No TCP and no rack key: the service is for tests, and off by default.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernel/base/endian.h"

namespace verbs_test {

inline constexpr std::uint16_t control_port = 7180;
inline constexpr std::uint16_t stream_port = 7181;
inline constexpr std::uint16_t page_port = 7182;   // net/rpc
inline constexpr std::uint16_t rping_port = 7174;  // rping's own default
inline constexpr std::uint32_t control_magic = 0x56545354;
inline constexpr std::uint16_t control_version = 2;

inline constexpr std::uint32_t max_message_bytes = 1 << 20;
inline constexpr std::uint32_t datagram_qkey = 0x11111111;  // what perftest and the pingpongs use
inline constexpr std::uint32_t grh_bytes = 40;              // before the payload of a received datagram

enum class Verb : std::uint8_t { Open = 1, Connect = 2, Run = 3, Close = 4 };

enum class Transport : std::uint8_t { Reliable = 1, Datagram = 2 };

// What the image does once it is connected. The first three are served from Connect on (Run waits for the end of
// EchoWrites); the others are done by Run.
enum class TaskKind : std::uint8_t {
  Serve = 1,      // nothing: the peer reads, writes and changes our memory
  EchoSends = 2,  // each message goes back; a WRITE with immediate is answered by an empty SEND with the same immediate
  EchoWrites = 3,     // waits for the last byte of a message to count up, writes one whose last byte has counted as far
  SinkSends = 4,      // takes each message and forgets it
  PingSends = 16,     // sends, and waits for an echo
  PingWrites = 17,    // the other side of EchoWrites
  Writes = 18,        // with Verify: each is read back and compared
  Reads = 19,         // with Verify: the peer's memory holds pattern(seed)
  FetchAdds = 20,     // of 1; always verified
  CompareSwaps = 21,  // of the value found last by its successor; always verified
  WritesWithImmediate = 22,  // each waits for the echo of its immediate; with Verify: read back
  RpingClient = 23,          // needs no Open or Connect: port, size, iterations of a rping server at gid
  StreamSend = 24,           // needs no Open or Connect: stream_bytes to the stream receiver at gid and port
  Sends = 25,                // to SinkSends, `depth` at a time, as Writes and Reads without Verify
  // One operation after another, each timed: there and back, nothing verified.
  TimedSends = 32,   // with EchoSends
  TimedWrites = 33,  // with EchoWrites
  TimedReads = 34,
  // RPCs to the page server at gid (pages.h), which need no Open or Connect: a page each
  TimedCalls = 35,
  Calls = 36,  // `depth` at a time
};

// Bits of ControlRequest::flags.
inline constexpr std::uint8_t flag_verify = 1;
inline constexpr std::uint8_t flag_immediate = 2;  // of SENDs
inline constexpr std::uint8_t flag_ipv6 = 4;       // of Open: answer with the link-local address, not the IPv4 one
inline constexpr std::uint8_t flag_own = 8;  // of Connect: the peer is a component of ours, with what we keep among us

// One end of a connection, as both tell each other.
struct EndPoint {
  std::array<std::uint8_t, 16> gid{};
  base::le32 qpn;
  base::le32 psn;
  base::le32 rkey;
  base::le32 reads;  // READs and atomics that it answers at a time
  base::le64 address;
};
static_assert(sizeof(EndPoint) == 40);

struct ControlRequest {
  base::le32 magic{control_magic};
  base::le16 version{control_version};
  std::uint8_t verb = 0;
  std::uint8_t transport = 0;
  std::uint8_t task = 0;
  std::uint8_t flags = 0;
  base::le16 port;
  base::le32 size;
  base::le32 iterations;
  base::le32 depth;     // requests at a time
  base::le32 path_mtu;  // bytes
  base::le32 seed;
  EndPoint peer;
  base::le64 stream_bytes;
  base::le32 timeout_ms;  // of the whole task
  base::le32 reserved;
};
static_assert(sizeof(ControlRequest) == 88 && offsetof(ControlRequest, peer) == 32);

struct ControlAnswer {
  base::le32 magic{control_magic};
  base::le16 version{control_version};
  std::uint8_t verb = 0;
  std::uint8_t reserved = 0;
  base::le32 error;              // base::Error; 0: it worked
  base::le32 completion_status;  // of the work request that failed, if one did
  EndPoint self;
  base::le32 active_mtu;
  base::le32 reconnects;  // of a stream
  base::le64 messages;    // received or, by Run, done
  base::le64 bytes;
  base::le64 mismatches;  // bytes or values that were not what they had to be
  base::le64 elapsed_ns;
  base::le64 least_ns;  // of a Timed task's operations
  base::le64 median_ns;
  base::le64 p99_ns;
};
static_assert(sizeof(ControlAnswer) == 120 && offsetof(ControlAnswer, self) == 16);

// The private data of a stream's connection: request and answer. A stream is named by its seed, which its contents
// depend on; the receiver answers from where on it wants them. The sender connects until the answer says that all is
// there, so that a connection may break at any time.
struct StreamHello {
  base::le32 magic{control_magic};
  base::le32 seed;
  base::le64 total_bytes;
  base::le64 offset;      // request: all before it was acknowledged; answer: all before it has arrived
  base::le64 mismatches;  // answer: bytes that were not what they had to be
};
static_assert(sizeof(StreamHello) == 32);
inline constexpr std::uint32_t stream_chunk_bytes = 16384;  // one SEND; the last may be shorter
inline constexpr std::uint32_t stream_depth = 16;

// rping's messages, one SEND each (rdma-core, librdmacm/examples): where the sender's buffer is.
struct RpingInfo {
  base::be64 address;
  base::be32 rkey;
  base::be32 size;
};
static_assert(sizeof(RpingInfo) == 16);

}  // namespace verbs_test
