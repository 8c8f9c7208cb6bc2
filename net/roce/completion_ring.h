// SPDX-License-Identifier: Apache-2.0
// A ring of completions. What does not fit is counted and the queue pair that it is of goes to Error, as hardware does:
// whoever makes the queue sizes it for all work requests that can be outstanding.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "net/verbs/verbs.h"

namespace roce {

class CompletionRing final : public verbs::CompletionQueue {
 public:
  ~CompletionRing() override { LEGO_ASSERT(users_ == 0); }
  verbs::Result<> initialize(std::uint32_t entries) { return ring_.resize(entries); }

  std::size_t poll(std::span<verbs::WorkCompletion> completions) override;
  void request_notify(void (*notify)(void* context), void* context) override;

  // False: it is full, the completion is lost.
  bool push(const verbs::WorkCompletion& completion);
  // Takes out what is left of a queue pair that goes away.
  void purge(std::uint32_t qp_num);

  void attach() { ++users_; }
  void detach() { --users_; }

 private:
  verbs::WorkCompletion& at(std::uint64_t position) { return ring_[position % ring_.size()]; }

  base::Array<verbs::WorkCompletion> ring_;
  std::uint64_t head_ = 0;  // the next to be polled
  std::uint64_t tail_ = 0;
  void (*notify_)(void* context) = nullptr;
  void* context_ = nullptr;
  std::uint32_t users_ = 0;  // queue pairs
};

}  // namespace roce
