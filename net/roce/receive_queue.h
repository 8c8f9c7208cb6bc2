// SPDX-License-Identifier: Apache-2.0
// The receive queue of a queue pair: a ring of posted buffers, consumed in order.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "net/roce/scatter_gather.h"
#include "net/verbs/verbs.h"

namespace roce {

struct ReceiveWqe {
  std::uint64_t wr_id = 0;
  std::uint32_t sges = 0;
  std::uint64_t capacity = 0;  // bytes
};

class ReceiveQueue {
 public:
  Result<> initialize(const verbs::QpCapabilities& capabilities);
  // Exhausted: the queue is full. InvalidArgument: too many pieces.
  Result<> post(const verbs::ReceiveWorkRequest& request);

  bool empty() const { return head_ == tail_; }
  const ReceiveWqe& front() const { return ring_[head_ % ring_.size()]; }
  std::span<const verbs::Sge> front_list() const;
  void pop() { ++head_; }

 private:
  base::Array<ReceiveWqe> ring_;
  base::Array<verbs::Sge> sges_;
  std::uint32_t max_sge_ = 0;
  std::uint64_t head_ = 0;
  std::uint64_t tail_ = 0;
};

}  // namespace roce
