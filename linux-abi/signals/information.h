// SPDX-License-Identifier: Apache-2.0
// What comes with a signal (siginfo_t), and its layout for user memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "linux-abi/signals/numbers.h"

namespace linux_abi {

struct SignalInformation {
  int signal = 0;
  int error = 0;
  int code = 0;  // sig::code::user, sig::code::segv_maperr, sig::code::cld_exited...
  // By kind, as in siginfo_t: the sender and a value; a child and its status and times; an address; a timer.
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint64_t value = 0;  // si_value; CLD_*: si_status; faults: si_addr; sig::code::timer: si_value
  std::int32_t timer = 0;
  std::int32_t overrun = 0;
  std::int64_t user_ticks = 0, system_ticks = 0;  // CLD_*: in 1/100 s
};

inline constexpr std::size_t siginfo_bytes = 128;
using SignalInformationBytes = std::array<std::byte, siginfo_bytes>;
SignalInformationBytes user_layout(const SignalInformation& information);
// rt_sigqueueinfo: signal, code, pid, uid and value of what a user wrote.
SignalInformation from_user_layout(const SignalInformationBytes& bytes);

}  // namespace linux_abi
