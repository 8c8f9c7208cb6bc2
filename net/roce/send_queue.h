// SPDX-License-Identifier: Apache-2.0
// The send queue of a queue pair: a ring of work requests with their scatter/gather lists and inline data, all
// allocated when the queue is made. Positions count up for ever. A request is posted, then done (answered, or failed),
// and retired (completed to the user) in order, but not before the sink has given back every frame that refers to its
// memory.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "net/roce/psn.h"
#include "net/roce/scatter_gather.h"
#include "net/verbs/verbs.h"

namespace roce {

struct SendWqe {
  std::uint64_t wr_id = 0;
  verbs::Opcode opcode = verbs::Opcode::Send;
  bool signaled = true;
  bool solicited = false;
  bool inlined = false;
  bool started = false;  // has PSNs
  verbs::CompletionStatus status = verbs::CompletionStatus::Success;
  std::uint32_t sges = 0;
  std::uint32_t length = 0;
  std::uint32_t immediate = 0;
  std::uint64_t remote_address = 0;
  std::uint32_t rkey = 0;
  std::uint64_t compare_or_add = 0;
  std::uint64_t swap = 0;
  // Reliable connections
  Psn first_psn = 0;
  std::uint32_t packets = 1;  // PSNs it takes
  std::uint32_t held = 0;     // frames in the sink that refer to its memory
  // Datagrams
  verbs::Gid destination;
  std::uint32_t destination_qpn = 0;
  std::uint32_t qkey = 0;

  bool is_read() const { return opcode == verbs::Opcode::RdmaRead; }
  bool is_atomic() const { return opcode == verbs::Opcode::CompareAndSwap || opcode == verbs::Opcode::FetchAndAdd; }
  bool wants_response() const { return is_read() || is_atomic(); }
};

class SendQueue {
 public:
  using Position = std::uint64_t;

  Result<> initialize(const verbs::QpCapabilities& capabilities);

  // Copies the request (and inline data) in. Exhausted: the queue is full. InvalidArgument: its shape.
  Result<> post(const verbs::SendWorkRequest& request);

  Position tail() const { return tail_; }        // one after the last posted
  Position done() const { return done_; }        // the first that is not done
  Position retired() const { return retired_; }  // the first that is not retired
  bool all_done() const { return done_ == tail_; }
  SendWqe& operator[](Position position) { return ring_[position % ring_.size()]; }

  void finish_oldest(verbs::CompletionStatus status);
  // The next request to retire, if its memory is free.
  SendWqe* next_to_retire();
  void retire() { ++retired_; }
  void forget_all();

  // The bytes [offset, offset + length) of a request's data, wherever they are.
  MemoryFault data(Position position, const MemoryTable& memory, const void* domain, std::uint32_t offset,
                   std::uint32_t length, Pieces& pieces);
  std::span<const verbs::Sge> list(Position position) const;

 private:
  base::Array<SendWqe> ring_;
  base::Array<verbs::Sge> sges_;        // max_sge_ for each place of the ring
  base::Array<std::byte> inline_data_;  // max_inline_ for each
  std::uint32_t max_sge_ = 0;
  std::uint32_t max_inline_ = 0;
  Position tail_ = 0;
  Position done_ = 0;
  Position retired_ = 0;
};

}  // namespace roce
