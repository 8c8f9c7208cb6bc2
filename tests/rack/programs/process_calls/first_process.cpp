// SPDX-License-Identifier: Apache-2.0
// What can be asked of process 1, the system's first, by root and by others. Nothing is changed, and no signal sent.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../show.h"
#include "parts.h"

namespace {

void ask(bool as_root) {
  SHOW(getpgid(1) >= 0);
  SHOW(getsid(1) >= 0);
  SHOW(setpgid(1, 0));
  SHOW(getpriority(PRIO_PROCESS, 1));
  SHOW(sched_getscheduler(1));
  sched_param parameters{-1};
  SHOW(sched_getparam(1, &parameters));
  printf("priority %d\n", parameters.sched_priority);
  SHOW(sched_setscheduler(1, SCHED_OTHER, &parameters));
  SHOW(sched_setparam(1, &parameters));
  SHOW(sched_setscheduler(1, SCHED_FIFO, &parameters));
  timespec slice;
  SHOW(sched_rr_get_interval(1, &slice));
  cpu_set_t cores;
  CPU_ZERO(&cores);
  SHOW(sched_getaffinity(1, sizeof cores, &cores));
  printf("some cores: %d\n", CPU_COUNT(&cores) > 0);
  SHOW(sched_setaffinity(1, sizeof cores, &cores));
  CPU_ZERO(&cores);
  SHOW(sched_setaffinity(1, sizeof cores, &cores));
  SHOW(setpriority(PRIO_PROCESS, 1, getpriority(PRIO_PROCESS, 1)));
  SHOW(syscall(SYS_ioprio_get, 1, 1) >= 0);
  SHOW(kill(1, 0));
  SHOW(syscall(SYS_tkill, 1, 0));
  SHOW(syscall(SYS_tgkill, 1, 1, 0));
  SHOW(syscall(SYS_tgkill, getpid(), 1, 0));
  siginfo_t information{};
  information.si_code = SI_QUEUE;
  SHOW(syscall(SYS_rt_sigqueueinfo, 1, 0, &information));
  rlimit limit{};
  SHOW(prlimit(1, RLIMIT_CORE, nullptr, &limit));
  SHOW(prlimit(1, RLIMIT_CORE, nullptr, nullptr));
  SHOW(prlimit(1, static_cast<__rlimit_resource>(99), nullptr, &limit));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 1};
  __user_cap_data_struct data[2]{};
  SHOW(syscall(SYS_capget, &header, data));
  printf("may signal: %d\n", (data[0].effective >> CAP_KILL) & 1);
  clockid_t clock = 0;
  printf("its clock: %d\n", clock_getcpuclockid(1, &clock));
  SHOW(clock_gettime(clock, &slice));
  if (as_root) return;
  void* head = nullptr;
  size_t length = 0;
  SHOW(syscall(SYS_get_robust_list, 1, &head, &length));
  char byte = 0;
  const iovec here{&byte, 1}, nowhere{reinterpret_cast<void*>(8), 1};
  SHOW(process_vm_readv(1, &here, 1, &nowhere, 1, 0));
}

void by_descriptor(bool as_root) {
  const int fd = syscall(SYS_pidfd_open, 1, 0);
  SHOW(fd >= 0);
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, nullptr, 0));
  siginfo_t information{};
  information.si_code = SI_USER;
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, &information, 0));
  if (!as_root) SHOW(syscall(SYS_pidfd_getfd, fd, 0x100000, 0));
  SHOW(waitid(P_PIDFD, fd, &information, WEXITED));
  pollfd polled{fd, POLLIN, 0};
  SHOW(poll(&polled, 1, 0));
  const int folder = open("/proc/1", O_RDONLY | O_DIRECTORY);
  SHOW(syscall(SYS_pidfd_send_signal, folder, 0, nullptr, 0));
  SHOW(fcntl(0, F_SETOWN, 1));
}

}  // namespace

void first_process() {
  ask(true);
  by_descriptor(true);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    printf("not as root\n");
    setresgid(65534, 65534, 65534);
    setresuid(65534, 65534, 65534);
    ask(false);
    by_descriptor(false);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}
