// SPDX-License-Identifier: Apache-2.0
// New processes and threads: fork, vfork, clone, clone3.
#pragma once

#include "arch/x86_64/trap_frame.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// CLONE_* flags as in <linux/sched.h>.
namespace clone_flag {
inline constexpr std::uint64_t vm = 0x100, fs = 0x200, files = 0x400, sighand = 0x800, pidfd = 0x1000, ptrace = 0x2000,
                               vfork = 0x4000, parent = 0x8000, thread = 0x10000, newns = 0x20000, sysvsem = 0x40000,
                               settls = 0x80000, parent_settid = 0x100000, child_cleartid = 0x200000,
                               detached = 0x400000, untraced = 0x800000, child_settid = 0x1000000,
                               newcgroup = 0x2000000, newuts = 0x4000000, newipc = 0x8000000, newuser = 0x10000000,
                               newpid = 0x20000000, newnet = 0x40000000, io = 0x80000000, clear_sighand = 0x100000000;
inline constexpr std::uint64_t new_namespaces = newns | newcgroup | newuts | newipc | newuser | newpid | newnet;
}  // namespace clone_flag

struct CloneRequest {
  std::uint64_t flags = 0;
  int exit_signal = 0;
  std::uint64_t stack = 0;  // the child's stack pointer; 0: as the parent's
  std::uint64_t tls = 0;
  std::uint64_t parent_tid = 0;
  std::uint64_t child_tid = 0;
  std::uint64_t pidfd = 0;  // where the descriptor is written (CLONE_PIDFD)
};

// The child's pid or tid, as the parent sees it. With CLONE_VFORK after the child has exec'd or ended.
Answer<std::uint64_t> clone_thread(Thread& parent, const arch::TrapFrame& frame, const CloneRequest& request);

}  // namespace linux_abi
