// SPDX-License-Identifier: Apache-2.0
// The page of data that every program can read ([vvar]): what the time is made of. The component's own clock is made of
// the same numbers by the same steps, so a program cannot tell which of the two it asked. All but the wall clock's
// offset is constant once programs run, and that is one word, read and written whole: a reader never sees half a change
// and needs no lock.
#pragma once

#include <atomic>
#include <cstdint>

namespace vdso {

struct ClockPage {
  std::uint64_t start_ticks = 0;  // of the time-stamp counter; time 0
  std::uint64_t ns_per_tick = 0;  // times 2^32
  // Nanoseconds to add for the time since 1970. Relaxed: it says nothing about other memory.
  std::atomic<std::uint64_t> wall_offset_ns{0};
  std::uint64_t has_core_number = 0;  // 1: RDTSCP tells it

  std::uint64_t monotonic_ns(std::uint64_t ticks) const {
    if (ticks <= start_ticks) return 0;
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(ticks - start_ticks) * ns_per_tick) >> 32);
  }
};
static_assert(sizeof(ClockPage) == 32 && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace vdso
