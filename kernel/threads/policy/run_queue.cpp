// SPDX-License-Identifier: Apache-2.0
// The order of a core's threads: see run_queue.h.
#include "kernel/threads/policy/run_queue.h"

#include <algorithm>
#include <array>

#include "kernel/base/assert.h"

namespace policy {

namespace {

constexpr auto weights = [] {
  std::array<std::uint32_t, highest_nice - lowest_nice + 1> table{};
  // Fixed point with 16 fractional bits: 1024 * 1.25^-nice, rounded.
  std::uint64_t exact = std::uint64_t{nice_zero_weight} << 16;
  for (int nice = 0; nice >= lowest_nice; --nice) {
    table[static_cast<std::size_t>(nice - lowest_nice)] = static_cast<std::uint32_t>((exact + 0x8000) >> 16);
    exact = exact * 5 / 4;
  }
  exact = std::uint64_t{nice_zero_weight} << 16;
  for (int nice = 0; nice <= highest_nice; ++nice) {
    table[static_cast<std::size_t>(nice - lowest_nice)] = static_cast<std::uint32_t>((exact + 0x8000) >> 16);
    exact = exact * 4 / 5;
  }
  return table;
}();

}  // namespace

std::uint32_t weight_of_nice(int nice) {
  return weights[static_cast<std::size_t>(std::clamp(nice, lowest_nice, highest_nice) - lowest_nice)];
}

void RunQueue::add(Entity& entity) {
  LEGO_ASSERT(!entity.queued);
  if (entity.klass == Class::High) {
    high_.push_back(entity);
  } else {
    normal_.insert(entity);
  }
  entity.queued = true;
  ++size_;
}

void RunQueue::add_new(Entity& entity) {
  entity.virtual_ns = floor_ns_;
  add(entity);
}

void RunQueue::add_woken(Entity& entity) {
  entity.virtual_ns = std::max(entity.virtual_ns, floor_ns_ - sleeper_bonus_ns);
  add(entity);
}

void RunQueue::add_preempted(Entity& entity) { add(entity); }

void RunQueue::add_yielded(Entity& entity) {
  if (entity.klass == Class::Normal && !normal_.empty()) {
    const std::int64_t last = normal_.rbegin()->virtual_ns;
    const std::int64_t limit = entity.virtual_ns + static_cast<std::int64_t>(slice_ns);
    entity.virtual_ns = std::max(entity.virtual_ns, std::min(last, limit));
  }
  add(entity);
}

void RunQueue::remove(Entity& entity) {
  LEGO_ASSERT(entity.queued);
  if (entity.klass == Class::High) {
    high_.erase(high_.iterator_to(entity));
  } else {
    normal_.erase(normal_.iterator_to(entity));
  }
  entity.queued = false;
  --size_;
}

Entity* RunQueue::take_next() {
  if (empty()) return nullptr;
  Entity& next = high_.empty() ? *normal_.begin() : high_.front();
  remove(next);
  return &next;
}

Entity* RunQueue::take_for(std::uint32_t core, bool (*may_take)(const Entity&, std::uint32_t core)) {
  Entity* found = nullptr;
  for (Entity& entity : high_) {
    if (may_take(entity, core)) {
      found = &entity;
      break;
    }
  }
  for (auto at = normal_.rbegin(); found == nullptr && at != normal_.rend(); ++at) {
    if (may_take(*at, core)) found = &*at;
  }
  if (found != nullptr) remove(*found);
  return found;
}

void RunQueue::charge(Entity& running, std::uint64_t ran_ns) {
  if (running.klass == Class::High) return;
  running.virtual_ns += static_cast<std::int64_t>(ran_ns * nice_zero_weight / running.weight);
  std::int64_t smallest = running.virtual_ns;
  if (!normal_.empty()) smallest = std::min(smallest, normal_.begin()->virtual_ns);
  floor_ns_ = std::max(floor_ns_, smallest);
}

bool RunQueue::should_preempt(const Entity& running, std::uint64_t slice_ran_ns) const {
  if (running.klass == Class::High) return false;
  if (!high_.empty()) return true;
  if (normal_.empty()) return false;
  const std::int64_t behind_ns = running.virtual_ns - normal_.begin()->virtual_ns;
  return slice_ran_ns >= slice_ns ? behind_ns > 0 : behind_ns > wake_preemption_ns;
}

void RunQueue::leave(Entity& entity) const {
  LEGO_ASSERT(!entity.queued);
  entity.virtual_ns = std::max(entity.virtual_ns - floor_ns_, -sleeper_bonus_ns);
}

void RunQueue::join(Entity& entity) const {
  LEGO_ASSERT(!entity.queued);
  entity.virtual_ns += floor_ns_;
}

}  // namespace policy
