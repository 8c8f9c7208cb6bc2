// SPDX-License-Identifier: Apache-2.0
// What a thread's instruction has got so far is not evicted before it ran. Lines are soft-pinned by the thread's
// FaultContext until it faults at another instruction, or has not faulted for pin_lifetime_ns. If evictors find nothing
// else while somebody waits for a line, all contexts but the one whose instruction began first lose their pins: so one
// of them always gets on. Called with the lock held.
#include "processor/excache/excache.h"

namespace excache {

void ExCache::begin_fault(FaultContext& context, const Fault& fault) {
  if (context.in_fault_) return;
  ++counters_.faults;
  context.in_fault_ = true;
  context.filled_ = false;
  context.last_fault_ns_ = clock_.now_ns();
  if (context.instruction_ != fault.instruction) release_pins(context);
  context.instruction_ = fault.instruction;
  note_history(context, fault.address.value() >> base::page_shift);
}

void ExCache::pin(FaultContext& context, Line& line) {
  for (unsigned i = 0; i < context.pin_count_; ++i)
    if (context.pins_[i] == &line) return;
  if (context.pin_count_ == 0) contexts_.push_back(context);
  ++line.soft_pins;
  if (context.pin_count_ < max_pins) {
    context.pins_[context.pin_count_++] = &line;
    return;
  }
  Line*& replaced = context.pins_[context.oldest_pin_];
  context.oldest_pin_ = (context.oldest_pin_ + 1) % max_pins;
  --replaced->soft_pins;
  replaced = &line;
}

void ExCache::release_pins(FaultContext& context) {
  for (unsigned i = 0; i < context.pin_count_; ++i) --context.pins_[i]->soft_pins;
  context.pin_count_ = 0;
  context.oldest_pin_ = 0;
  context.unlink();
}

void ExCache::expire_pins() {
  const std::uint64_t now = clock_.now_ns();
  for (auto position = contexts_.begin(); position != contexts_.end();) {
    FaultContext& context = *position++;
    if (!context.in_fault_ && now - context.last_fault_ns_ > pin_lifetime_ns) release_pins(context);
  }
}

bool ExCache::break_pins() {
  bool broken = false;
  for (auto position = contexts_.begin(); position != contexts_.end();) {
    FaultContext& context = *position++;
    if (&context == &contexts_.front()) continue;
    release_pins(context);
    broken = true;
  }
  if (broken) ++counters_.pin_breaks;
  return broken;
}

void ExCache::abandon_fault(FaultContext& context) {
  const base::SpinGuard guard(lock_);
  context.in_fault_ = false;
  release_pins(context);
  wake_line_waiters();
}

void ExCache::forget(FaultContext& context) { abandon_fault(context); }

}  // namespace excache
