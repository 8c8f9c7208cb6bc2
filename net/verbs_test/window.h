// SPDX-License-Identifier: Apache-2.0
// Requests that are under way on a channel: a task posts more without waiting for each to complete, up to a limit.
#pragma once

#include "net/verbs_test/tasks.h"

namespace verbs_test {

class Window {
 public:
  // Told of each completion, for what may be used again then.
  using Completed = Result<> (*)(const TaskContext& context, std::uint64_t wr_id);

  Window(const TaskContext& context, std::uint32_t limit, Completed completed = nullptr)
      : context_(context), limit_(limit), completed_(completed) {}

  // There is room, or an error of the channel.
  Result<> post(const verbs::SendWorkRequest& request) {
    TRY(context_.channel->post_send(request));
    ++under_way_;
    return {};
  }
  // Takes the completions that are there, and waits until one more request may be posted.
  base::Task<> room();
  // Waits for all.
  base::Task<> settle();
  std::uint32_t under_way() const { return under_way_; }

 private:
  base::Task<> wait_for(std::uint32_t at_most);
  Result<> take(const verbs::WorkCompletion& completion);

  const TaskContext& context_;
  const std::uint32_t limit_;
  const Completed completed_;
  std::uint32_t under_way_ = 0;
};

}  // namespace verbs_test
