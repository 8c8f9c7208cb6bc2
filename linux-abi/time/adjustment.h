// SPDX-License-Identifier: Apache-2.0
// What adjtimex(2) knows of the clock's discipline: kept and told as it was set. The rate itself does not change, for
// the time-stamp counter's is taken as it is; only ADJ_SETOFFSET moves the clock. Pure; one for the component.
#pragma once

#include <array>
#include <cstdint>

#include "linux-abi/abi/errno.h"

namespace linux_abi {

// struct timex; Linux's header of it cannot be had beside that of the C library.
struct UserClockAdjustment {
  std::uint32_t modes, padding;
  std::int64_t offset, frequency, max_error, estimated_error;
  std::int32_t status, padding_after_status;
  std::int64_t constant, precision, tolerance, seconds, part, tick;
  std::array<std::int64_t, 8> pulses;
  std::int32_t tai;
  std::array<std::int32_t, 11> reserved;
};
static_assert(sizeof(UserClockAdjustment) == 208);

// ADJ_*
namespace adjust {
inline constexpr std::uint32_t offset = 1, frequency = 2, max_error = 4, estimated_error = 8, status = 0x10,
                               constant = 0x20, tai = 0x80, move = 0x100, micro = 0x1000, nano = 0x2000, tick = 0x4000,
                               single_shot = 0x8000, single_shot_offset = 0x8001, single_shot_read = 0xa001;
}
// STA_*
namespace clock_status {
inline constexpr std::int32_t follows_phase = 1, unsynchronized = 0x40, nano = 0x2000, read_only = 0xff00;
}

class ClockAdjustment {
 public:
  // Takes what `asked.modes` names. EINVAL. Without modes nothing changes.
  Answer<> change(const UserClockAdjustment& asked);
  // Everything but the time.
  void tell(UserClockAdjustment& to) const;
  // TIME_ERROR or TIME_OK.
  int state() const { return (status_ & clock_status::unsynchronized) != 0 ? 5 : 0; }

 private:
  std::int64_t offset_ = 0, frequency_ = 0, max_error_ = 16'000'000, estimated_error_ = 16'000'000, constant_ = 2;
  std::int64_t tick_ = 10'000;
  std::int32_t status_ = clock_status::unsynchronized;
  std::int32_t tai_ = 0;
};

}  // namespace linux_abi
