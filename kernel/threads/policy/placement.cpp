// SPDX-License-Identifier: Apache-2.0
// The choice of cores: see placement.h.
#include "kernel/threads/policy/placement.h"

#include "kernel/base/assert.h"

namespace policy {

namespace {

// Of the allowed cores, the one with the fewest threads; the first after `last` among equals, so that threads that
// wake together spread.
std::uint32_t least_loaded(CoreMask allowed, std::uint32_t last, Loads loads) {
  const auto cores = static_cast<std::uint32_t>(loads.size());
  std::optional<std::uint32_t> best;
  for (std::uint32_t step = 1; step <= cores; ++step) {
    const std::uint32_t core = (last + step) % cores;
    if (allowed.contains(core) && (!best || loads[core] < loads[*best])) best = core;
  }
  LEGO_ASSERT(best.has_value());
  return *best;
}

}  // namespace

std::uint32_t choose_core(CoreMask allowed, std::uint32_t last, std::uint32_t waker, Loads loads) {
  const bool last_allowed = allowed.contains(last) && last < loads.size();
  // An idle waker (it took the interrupt) is awake already; waking another core by an interrupt takes longer than
  // loading page tables and caches. Then its own core, where these are warm.
  if (allowed.contains(waker) && loads[waker] == 0) return waker;
  if (last_allowed && loads[last] == 0) return last;
  const std::uint32_t best = least_loaded(allowed, last, loads);
  if (last_allowed && loads[best] > 0 && loads[best] + 2 > loads[last]) return last;
  return best;
}

std::optional<std::uint32_t> choose_victim(std::uint32_t core, Loads loads) {
  const std::uint32_t least = loads[core] + 2;
  std::optional<std::uint32_t> victim;
  for (std::uint32_t other = 0; other < loads.size(); ++other) {
    if (other == core || loads[other] < least) continue;
    if (!victim || loads[other] > loads[*victim]) victim = other;
  }
  return victim;
}

}  // namespace policy
