// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/window.h"

namespace verbs_test {

Result<> Window::take(const verbs::WorkCompletion& completion) {
  --under_way_;
  return completed_ == nullptr ? Result<>() : completed_(context_, completion.wr_id);
}

base::Task<> Window::wait_for(std::uint32_t at_most) {
  for (;;) {
    const auto completion = context_.channel->sent_already();
    if (!completion) {
      if (completion.error() != Error::Again) co_return base::fail(completion.error());
      break;
    }
    CO_TRY_VOID(take(*completion));
  }
  while (under_way_ > at_most) {
    CO_TRY(const verbs::WorkCompletion completion, co_await context_.channel->sent(context_.deadline_ns));
    CO_TRY_VOID(take(completion));
  }
  co_return {};
}

base::Task<> Window::room() { co_return co_await wait_for(limit_ - 1); }
base::Task<> Window::settle() { co_return co_await wait_for(0); }

}  // namespace verbs_test
