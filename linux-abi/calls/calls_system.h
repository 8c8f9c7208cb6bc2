// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about the machine, limits, scheduling and futexes.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> uname(Call& call);
Answer<std::uint64_t> sethostname(Call& call);
Answer<std::uint64_t> setdomainname(Call& call);
Answer<std::uint64_t> sysinfo(Call& call);
Answer<std::uint64_t> syslog(Call& call);
Answer<std::uint64_t> getrandom(Call& call);
Answer<std::uint64_t> getcpu(Call& call);
Answer<std::uint64_t> getrlimit(Call& call);
Answer<std::uint64_t> setrlimit(Call& call);
Answer<std::uint64_t> prlimit64(Call& call);
Answer<std::uint64_t> futex(Call& call);
Answer<std::uint64_t> set_robust_list(Call& call);
Answer<std::uint64_t> get_robust_list(Call& call);
Answer<std::uint64_t> sched_yield(Call& call);
Answer<std::uint64_t> iopl(Call& call);
Answer<std::uint64_t> ioperm(Call& call);
Answer<std::uint64_t> sched_getaffinity(Call& call);
Answer<std::uint64_t> sched_setaffinity(Call& call);
Answer<std::uint64_t> sched_getscheduler(Call& call);
Answer<std::uint64_t> sched_setscheduler(Call& call);
Answer<std::uint64_t> sched_setparam(Call& call);
Answer<std::uint64_t> sched_rr_get_interval(Call& call);
Answer<std::uint64_t> membarrier(Call& call);
Answer<std::uint64_t> rseq(Call& call);
Answer<std::uint64_t> futex_waitv(Call& call);
Answer<std::uint64_t> sched_getattr(Call& call);
Answer<std::uint64_t> sched_setattr(Call& call);
Answer<std::uint64_t> sched_getparam(Call& call);
Answer<std::uint64_t> sched_get_priority_max(Call& call);
Answer<std::uint64_t> sched_get_priority_min(Call& call);
Answer<std::uint64_t> getpriority(Call& call);
Answer<std::uint64_t> setpriority(Call& call);
Answer<std::uint64_t> ioprio_get(Call& call);
Answer<std::uint64_t> ioprio_set(Call& call);
Answer<std::uint64_t> unshare(Call& call);
Answer<std::uint64_t> setns(Call& call);
Answer<std::uint64_t> reboot(Call& call);
Answer<std::uint64_t> vhangup(Call& call);
Answer<std::uint64_t> sysfs(Call& call);
Answer<std::uint64_t> ustat(Call& call);

}  // namespace linux_abi::calls
