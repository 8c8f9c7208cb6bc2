// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about who a process is: pids, groups, sessions, users.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> getpid(Call& call);
Answer<std::uint64_t> getppid(Call& call);
Answer<std::uint64_t> gettid(Call& call);
Answer<std::uint64_t> getpgid(Call& call);
Answer<std::uint64_t> getpgrp(Call& call);
Answer<std::uint64_t> getsid(Call& call);
Answer<std::uint64_t> setpgid(Call& call);
Answer<std::uint64_t> setsid(Call& call);
Answer<std::uint64_t> getuid(Call& call);
Answer<std::uint64_t> geteuid(Call& call);
Answer<std::uint64_t> getgid(Call& call);
Answer<std::uint64_t> getegid(Call& call);
Answer<std::uint64_t> getresuid(Call& call);
Answer<std::uint64_t> getresgid(Call& call);
Answer<std::uint64_t> getgroups(Call& call);
Answer<std::uint64_t> setuid(Call& call);
Answer<std::uint64_t> setgid(Call& call);
Answer<std::uint64_t> setreuid(Call& call);
Answer<std::uint64_t> setregid(Call& call);
Answer<std::uint64_t> setresuid(Call& call);
Answer<std::uint64_t> setresgid(Call& call);
Answer<std::uint64_t> setgroups(Call& call);
Answer<std::uint64_t> setfsuid(Call& call);
Answer<std::uint64_t> setfsgid(Call& call);
Answer<std::uint64_t> capget(Call& call);
Answer<std::uint64_t> capset(Call& call);

}  // namespace linux_abi::calls
