// SPDX-License-Identifier: Apache-2.0
// Handlers of the calls about processes, threads and how they end.
#pragma once

#include "linux-abi/calls/call.h"

namespace linux_abi::calls {

Answer<std::uint64_t> fork(Call& call);
Answer<std::uint64_t> vfork(Call& call);
Answer<std::uint64_t> clone(Call& call);
Answer<std::uint64_t> clone3(Call& call);
Answer<std::uint64_t> execve(Call& call);
Answer<std::uint64_t> execveat(Call& call);
Answer<std::uint64_t> exit(Call& call);
Answer<std::uint64_t> exit_group(Call& call);
Answer<std::uint64_t> process_madvise(Call& call);
Answer<std::uint64_t> process_mrelease(Call& call);
Answer<std::uint64_t> seccomp(Call& call);
Answer<std::uint64_t> set_filters(Call& call);  // prctl(PR_SET_SECCOMP)
Answer<std::uint64_t> ptrace(Call& call);
Answer<std::uint64_t> wait4(Call& call);
Answer<std::uint64_t> waitid(Call& call);
Answer<std::uint64_t> set_tid_address(Call& call);
Answer<std::uint64_t> arch_prctl(Call& call);
Answer<std::uint64_t> personality(Call& call);
Answer<std::uint64_t> prctl(Call& call);
Answer<std::uint64_t> pidfd_open(Call& call);
Answer<std::uint64_t> pidfd_send_signal(Call& call);
Answer<std::uint64_t> pidfd_getfd(Call& call);
Answer<std::uint64_t> kcmp(Call& call);
Answer<std::uint64_t> process_vm_readv(Call& call);
Answer<std::uint64_t> process_vm_writev(Call& call);

}  // namespace linux_abi::calls
