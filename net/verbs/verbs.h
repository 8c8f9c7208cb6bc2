// SPDX-License-Identifier: Apache-2.0
// RDMA as kernel and Linux programs use it: libibverbs' model and names (device, protection domain, memory region,
// completion queue, queue pair) behind interfaces, so that software RoCEv2 (net/roce), a hardware driver or libibverbs
// itself can serve. Semantics are those of the InfiniBand Architecture Specification, Volume 1, chapters 9 to 11.
// Not locked: the caller serialises all calls on one Device and what belongs to it (on a pComponent, lock rank Verbs).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/memory.h"

namespace verbs {

using base::Error;
using base::Result;

// A port's address: for RoCEv2 over IPv4 ::ffff:a.b.c.d.
struct Gid {
  std::array<std::uint8_t, 16> bytes{};
  static constexpr Gid from_ipv4(std::uint32_t address) {  // host order
    Gid gid;
    gid.bytes[10] = gid.bytes[11] = 0xff;
    for (unsigned i = 0; i < 4; ++i) gid.bytes[12 + i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    return gid;
  }
  constexpr std::uint32_t ipv4() const {
    std::uint32_t address = 0;
    for (unsigned i = 0; i < 4; ++i) address = address << 8 | bytes[12 + i];
    return address;
  }
  bool operator==(const Gid&) const = default;
};

enum class Access : std::uint32_t {
  None = 0,
  LocalWrite = 1,
  RemoteWrite = 2,
  RemoteRead = 4,
  RemoteAtomic = 8,
};
constexpr Access operator|(Access a, Access b) {
  return static_cast<Access>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool allows(Access granted, Access wanted) {
  return (static_cast<std::uint32_t>(granted) & static_cast<std::uint32_t>(wanted)) ==
         static_cast<std::uint32_t>(wanted);
}

// A piece of registered local memory. address is a virtual address of this component.
struct Sge {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  std::uint32_t lkey = 0;
};

enum class Opcode : std::uint8_t {
  Send,
  SendWithImmediate,
  RdmaWrite,
  RdmaWriteWithImmediate,
  RdmaRead,
  CompareAndSwap,
  FetchAndAdd,
};

struct SendWorkRequest {
  std::uint64_t wr_id = 0;
  Opcode opcode = Opcode::Send;
  bool signaled = true;  // errors complete in any case
  bool solicited = false;
  bool inline_data = false;  // the bytes are copied out by post_send; at most QpCapabilities::max_inline_data
  std::span<const Sge> sg_list;
  std::uint32_t immediate = 0;  // host order; big-endian on the wire
  std::uint64_t remote_address = 0;
  std::uint32_t rkey = 0;
  std::uint64_t compare_or_add = 0;
  std::uint64_t swap = 0;
  // UD queue pairs only
  Gid destination;
  std::uint32_t destination_qpn = 0;
  std::uint32_t qkey = 0;
};

struct ReceiveWorkRequest {
  std::uint64_t wr_id = 0;
  std::span<const Sge> sg_list;
};

// Numbers as in libibverbs' ibv_wc_status.
enum class CompletionStatus : std::uint8_t {
  Success = 0,
  LocalLengthError = 1,
  LocalQpOperationError = 2,
  LocalProtectionError = 4,
  WorkRequestFlushed = 5,
  BadResponse = 7,
  LocalAccessError = 8,
  RemoteInvalidRequest = 9,
  RemoteAccessError = 10,
  RemoteOperationError = 11,
  RetryExceeded = 12,
  RnrRetryExceeded = 13,
};

enum class CompletionOpcode : std::uint8_t {
  Send,
  RdmaWrite,
  RdmaRead,
  CompareAndSwap,
  FetchAndAdd,
  Receive,
  ReceiveRdmaWithImmediate,
};

struct WorkCompletion {
  std::uint64_t wr_id = 0;
  CompletionStatus status = CompletionStatus::Success;
  CompletionOpcode opcode = CompletionOpcode::Send;
  bool has_immediate = false;
  std::uint32_t immediate = 0;
  std::uint32_t byte_len = 0;
  std::uint32_t qp_num = 0;
  std::uint32_t source_qp = 0;  // UD
  Gid source;                   // UD
};

class MemoryRegion {
 public:
  virtual ~MemoryRegion() = default;  // deregisters: its keys are refused from then on
  virtual std::uint32_t lkey() const = 0;
  virtual std::uint32_t rkey() const = 0;
};

class ProtectionDomain {
 public:
  virtual ~ProtectionDomain() = default;
  // Registers [address, address + length) for local use and for the peers' access named. Remote addresses are the
  // local virtual ones. Never called on a fault path.
  virtual Result<base::Own<MemoryRegion>> register_memory(std::uint64_t address, std::uint64_t length,
                                                          Access access) = 0;
};

class CompletionQueue {
 public:
  virtual ~CompletionQueue() = default;
  // Takes up to completions.size() entries; returns how many.
  virtual std::size_t poll(std::span<WorkCompletion> completions) = 0;
  // Calls notify(context) once, when the next completion is added (at once, if one is there already). It runs inside
  // the engine: it may only set a flag, post work or wake a thread.
  virtual void request_notify(void (*notify)(void* context), void* context) = 0;
};

enum class QpType : std::uint8_t { ReliableConnected, UnreliableDatagram };
enum class QpState : std::uint8_t { Reset, Init, ReadyToReceive, ReadyToSend, Error };

struct QpCapabilities {
  std::uint32_t max_send_wr = 64;
  std::uint32_t max_recv_wr = 64;
  std::uint32_t max_send_sge = 4;
  std::uint32_t max_recv_sge = 2;
  std::uint32_t max_inline_data = 128;
};

struct QpInitAttributes {
  QpType type = QpType::ReliableConnected;
  CompletionQueue* send_cq = nullptr;
  CompletionQueue* recv_cq = nullptr;
  QpCapabilities capabilities;
};

struct QpAttributes {
  QpState state = QpState::Reset;
  std::uint32_t path_mtu = 4096;  // bytes: 256, 512, 1024, 2048 or 4096
  Gid destination;
  std::uint32_t destination_qpn = 0;
  std::uint32_t send_psn = 0;               // sq_psn: the first PSN that we send
  std::uint32_t receive_psn = 0;            // rq_psn: the first PSN that we expect
  Access access = Access::None;             // what the peer may do over this queue pair
  std::uint8_t max_destination_reads = 16;  // READs and atomics the peer may have outstanding to us
  std::uint8_t max_reads = 16;              // those we may have outstanding to it
  std::uint8_t min_rnr_timer = 12;          // IB code
  std::uint8_t timeout = 14;                // IB code: 4.096 us * 2^timeout
  std::uint8_t retry_count = 7;
  std::uint8_t rnr_retry = 7;     // 7: for ever
  std::uint32_t qkey = 0;         // UD
  bool adaptive_timeout = false;  // between our own components: the timer follows the measured round trip
};

class QueuePair {
 public:
  // Afterwards nothing of this queue pair reads or writes the caller's memory (the fencing rule).
  virtual ~QueuePair() = default;
  virtual std::uint32_t qp_num() const = 0;
  virtual QpState state() const = 0;
  // Reset→Init→ReadyToReceive→ReadyToSend takes from attributes what that step needs, as ibv_modify_qp does; any→Error
  // flushes all work requests, any→Reset forgets them.
  virtual Result<> modify(const QpAttributes& attributes) = 0;
  // Error::Exhausted when the queue is full (nothing was posted), InvalidArgument in a wrong state or shape.
  virtual Result<> post_send(const SendWorkRequest& request) = 0;
  virtual Result<> post_receive(const ReceiveWorkRequest& request) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual Gid gid() const = 0;
  // The IPv6 address that the port answers to as well; a peer's address says which of the two is used towards it. All
  // zero: there is none.
  virtual Gid link_local_gid() const { return {}; }
  virtual std::uint32_t active_mtu() const = 0;  // path MTU in bytes
  virtual Result<base::Own<ProtectionDomain>> allocate_protection_domain() = 0;
  virtual Result<base::Own<CompletionQueue>> create_completion_queue(std::uint32_t entries) = 0;
  virtual Result<base::Own<QueuePair>> create_queue_pair(ProtectionDomain& domain,
                                                         const QpInitAttributes& attributes) = 0;
};

}  // namespace verbs
