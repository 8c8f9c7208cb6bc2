// SPDX-License-Identifier: Apache-2.0
// Structures of the x86-64 system-call interface that several calls use, laid out as Linux's headers do.
#pragma once

#include <cstdint>

namespace linux_abi {

struct UserTimespec {
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
};
struct UserTimeval {
  std::int64_t seconds = 0;
  std::int64_t microseconds = 0;
};
struct UserIntervalTimespec {
  UserTimespec interval, value;
};
struct UserIntervalTimeval {
  UserTimeval interval, value;
};
struct UserResourceUsage {
  UserTimeval user, system;
  std::int64_t max_resident_kib, shared, data, stack, minor_faults, major_faults, swaps, blocks_in, blocks_out,
      messages_sent, messages_received, signals, voluntary_switches, involuntary_switches;
};
static_assert(sizeof(UserResourceUsage) == 144);
constexpr std::int64_t resident_kib(std::uint64_t pages) { return static_cast<std::int64_t>(pages * 4); }

inline constexpr std::uint64_t ns_per_second = 1'000'000'000;

constexpr UserTimespec to_timespec(std::uint64_t ns) {
  return {static_cast<std::int64_t>(ns / ns_per_second), static_cast<std::int64_t>(ns % ns_per_second)};
}
constexpr UserTimeval to_timeval(std::uint64_t ns) {
  return {static_cast<std::int64_t>(ns / ns_per_second), static_cast<std::int64_t>(ns % ns_per_second / 1000)};
}
constexpr bool is_valid(const UserTimespec& time) {
  return time.seconds >= 0 && time.nanoseconds >= 0 && time.nanoseconds < static_cast<std::int64_t>(ns_per_second);
}
constexpr bool is_valid(const UserTimeval& time) {
  return time.seconds >= 0 && time.microseconds >= 0 && time.microseconds < 1'000'000;
}
// Times beyond 584 years count as that.
constexpr std::uint64_t to_ns(const UserTimespec& time) {
  constexpr auto limit = static_cast<std::int64_t>(~std::uint64_t{0} / ns_per_second - 1);
  if (time.seconds >= limit) return ~std::uint64_t{0};
  return static_cast<std::uint64_t>(time.seconds) * ns_per_second + static_cast<std::uint64_t>(time.nanoseconds);
}
constexpr std::uint64_t to_ns(const UserTimeval& time) {
  return to_ns(UserTimespec{time.seconds, time.microseconds * 1000});
}
// start + duration, or the end of time.
constexpr std::uint64_t after(std::uint64_t start_ns, std::uint64_t duration_ns) {
  return duration_ns > ~std::uint64_t{0} - start_ns ? ~std::uint64_t{0} : start_ns + duration_ns;
}

}  // namespace linux_abi
