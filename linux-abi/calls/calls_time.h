// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about time and timers.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> clock_gettime(Call& call);
Answer<std::uint64_t> clock_getres(Call& call);
Answer<std::uint64_t> clock_settime(Call& call);
Answer<std::uint64_t> clock_adjtime(Call& call);
Answer<std::uint64_t> adjtimex(Call& call);
Answer<std::uint64_t> settimeofday(Call& call);
Answer<std::uint64_t> clock_nanosleep(Call& call);
Answer<std::uint64_t> nanosleep(Call& call);
Answer<std::uint64_t> restart_syscall(Call& call);
Answer<std::uint64_t> gettimeofday(Call& call);
Answer<std::uint64_t> time(Call& call);
Answer<std::uint64_t> times(Call& call);
Answer<std::uint64_t> getrusage(Call& call);
Answer<std::uint64_t> alarm(Call& call);
Answer<std::uint64_t> getitimer(Call& call);
Answer<std::uint64_t> setitimer(Call& call);
Answer<std::uint64_t> timer_create(Call& call);
Answer<std::uint64_t> timer_settime(Call& call);
Answer<std::uint64_t> timer_gettime(Call& call);
Answer<std::uint64_t> timer_getoverrun(Call& call);
Answer<std::uint64_t> timer_delete(Call& call);

}  // namespace linux_abi::calls
