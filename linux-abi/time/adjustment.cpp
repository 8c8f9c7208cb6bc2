// SPDX-License-Identifier: Apache-2.0
// The clock's discipline: see adjustment.h.
#include "linux-abi/time/adjustment.h"

#include <algorithm>

namespace linux_abi {

Answer<> ClockAdjustment::change(const UserClockAdjustment& asked) {
  constexpr std::int64_t lowest_tick = 9'000, highest_tick = 11'000, most_frequency = 32'768'000;
  const std::uint32_t modes = asked.modes;
  if ((modes & adjust::single_shot) != 0) {  // not alone: that is for the kernel's own use
    if ((modes & adjust::single_shot_offset) != adjust::single_shot_offset) return error(EINVAL);
    if (modes == adjust::single_shot_offset) offset_ = asked.offset;
    return {};
  }
  if ((modes & adjust::tick) != 0 && (asked.tick < lowest_tick || asked.tick > highest_tick)) return error(EINVAL);
  if ((modes & adjust::status) != 0)
    status_ = (status_ & clock_status::read_only) | (asked.status & ~clock_status::read_only);
  if ((modes & adjust::nano) != 0) status_ |= clock_status::nano;
  if ((modes & adjust::micro) != 0) status_ &= ~clock_status::nano;
  if ((modes & adjust::frequency) != 0) frequency_ = std::clamp(asked.frequency, -most_frequency, most_frequency);
  if ((modes & adjust::max_error) != 0) max_error_ = asked.max_error;
  if ((modes & adjust::estimated_error) != 0) estimated_error_ = asked.estimated_error;
  if ((modes & adjust::constant) != 0) constant_ = std::clamp<std::int64_t>(asked.constant, 0, 10);
  if ((modes & adjust::tai) != 0 && asked.constant >= 0 && asked.constant <= 100'000)
    tai_ = static_cast<int>(asked.constant);
  if ((modes & adjust::offset) != 0 && (status_ & clock_status::follows_phase) != 0) offset_ = asked.offset;
  if ((modes & adjust::tick) != 0) tick_ = asked.tick;
  return {};
}

void ClockAdjustment::tell(UserClockAdjustment& to) const {
  to.offset = offset_;
  to.frequency = frequency_;
  to.max_error = max_error_;
  to.estimated_error = estimated_error_;
  to.status = status_;
  to.constant = constant_;
  to.precision = 1;
  to.tolerance = 32'768'000;
  to.tick = tick_;
  to.tai = tai_;
}

}  // namespace linux_abi
