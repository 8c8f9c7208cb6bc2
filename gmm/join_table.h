// SPDX-License-Identifier: Apache-2.0
// Components that have been challenged and have not proved themselves yet. A challenge is good for one attempt.
#pragma once

#include <algorithm>
#include <optional>

#include "gmm/limits.h"
#include "kernel/base/array.h"
#include "net/messages/membership.h"

namespace gmm {

struct PendingJoin {
  messages::JoinRequest request;
  messages::Nonce nonce{};
  std::uint64_t since_ns = 0;
};

class JoinTable {
 public:
  // Takes the place of an earlier one of the same boot, or, if there are too many, of the oldest.
  base::Result<> add(const PendingJoin& join) {
    (void)take(base::BootId(join.request.boot_id), join.since_ns);
    if (joins_.size() >= max_pending_joins) joins_.erase(0);
    return joins_.push_back(join);
  }
  std::optional<PendingJoin> take(base::BootId boot_id, std::uint64_t now_ns) {
    for (std::size_t i = 0; i < joins_.size(); ++i) {
      if (joins_[i].request.boot_id != boot_id.value()) continue;
      const PendingJoin join = joins_[i];
      joins_.erase(i);
      if (now_ns - join.since_ns > join_timeout_ns) return std::nullopt;
      return join;
    }
    return std::nullopt;
  }

 private:
  base::Array<PendingJoin> joins_;  // oldest first
};

}  // namespace gmm
