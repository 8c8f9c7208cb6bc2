// SPDX-License-Identifier: Apache-2.0
#include "net/verbs_test/samples.h"

#include <algorithm>

namespace verbs_test {

void Samples::add(std::uint64_t ns) {
  if (count_ == memory_.size()) return;
  memory_[count_++] = static_cast<std::uint32_t>(std::min<std::uint64_t>(ns, UINT32_MAX));
}

Times Samples::times() {
  if (count_ == 0) return {};
  const auto taken = memory_.first(count_);
  std::sort(taken.begin(), taken.end());
  return {taken.front(), taken[count_ / 2], taken[(count_ - 1) * 99 / 100]};
}

}  // namespace verbs_test
