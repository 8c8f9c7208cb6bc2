// SPDX-License-Identifier: Apache-2.0
// A completion queue. libibverbs tells about completions added after a request for it; ours is to tell of one that is
// there already, too. So after asking, the queue is looked at, and what is found is kept for the next poll.
#pragma once

#include <optional>

#include "net/ibverbs/context.h"

namespace ibverbs {

class IbCompletionQueue final : public verbs::CompletionQueue {
 public:
  explicit IbCompletionQueue(Context& context) : context_(context) {}
  IbCompletionQueue(const IbCompletionQueue&) = delete;
  IbCompletionQueue& operator=(const IbCompletionQueue&) = delete;
  ~IbCompletionQueue() override;
  Result<> initialize(std::uint32_t entries);

  std::size_t poll(std::span<verbs::WorkCompletion> completions) override;
  void request_notify(void (*notify)(void* context), void* context) override;

  void completion_event();
  // Takes out what is left of a queue pair that has gone.
  void purge(std::uint32_t qp_num);
  ibv_cq* get() { return queue_; }

 private:
  bool look();  // whether there is a completion, in seen_
  void tell();

  Context& context_;
  ibv_cq* queue_ = nullptr;
  std::optional<verbs::WorkCompletion> seen_;
  void (*notify_)(void* context) = nullptr;
  void* notify_context_ = nullptr;
};

}  // namespace ibverbs
