// SPDX-License-Identifier: Apache-2.0
#include "net/roce/completion_ring.h"

#include <utility>

namespace roce {

std::size_t CompletionRing::poll(std::span<verbs::WorkCompletion> completions) {
  std::size_t count = 0;
  while (count < completions.size() && head_ != tail_) completions[count++] = at(head_++);
  return count;
}

void CompletionRing::request_notify(void (*notify)(void* context), void* context) {
  if (head_ != tail_) {
    notify_ = nullptr;
    notify(context);
    return;
  }
  notify_ = notify;
  context_ = context;
}

bool CompletionRing::push(const verbs::WorkCompletion& completion) {
  if (tail_ - head_ == ring_.size()) return false;
  at(tail_++) = completion;
  if (auto notify = std::exchange(notify_, nullptr)) notify(context_);
  return true;
}

void CompletionRing::purge(std::uint32_t qp_num) {
  std::uint64_t kept = head_;
  for (std::uint64_t i = head_; i != tail_; ++i) {
    if (at(i).qp_num != qp_num) at(kept++) = at(i);
  }
  tail_ = kept;
}

}  // namespace roce
