// SPDX-License-Identifier: Apache-2.0
// The table of system calls: see table.h. Sorted by number; the numbers are those of Linux's own header, which each row
// takes by its name. What Linux has and this table has not (io_uring, landlock, rseq, ...) is ENOSYS, which C libraries
// are prepared for.
#include "linux-abi/calls/table.h"

#include <asm/unistd_64.h>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_identity.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/calls/calls_memory.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/calls_poll.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/calls/calls_signals.h"
#include "linux-abi/calls/calls_sockets.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/calls/calls_time.h"

// Newer than the headers.
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

// name, arguments
// clang-format off
#define LINUX_CALLS(CALL) \
  CALL(read, "fpu")                      \
  CALL(write, "fpu")                     \
  CALL(open, "sxo")                      \
  CALL(close, "f")                       \
  CALL(stat, "sp")                       \
  CALL(fstat, "fp")                      \
  CALL(lstat, "sp")                      \
  CALL(poll, "pud")                      \
  CALL(lseek, "fdd")                     \
  CALL(mmap, "puxxfx")                   \
  CALL(mprotect, "pux")                  \
  CALL(munmap, "pu")                     \
  CALL(brk, "p")                         \
  CALL(rt_sigaction, "dppu")             \
  CALL(rt_sigprocmask, "dppu")           \
  CALL(rt_sigreturn, "")                 \
  CALL(ioctl, "fxp")                     \
  CALL(pread64, "fpuu")                  \
  CALL(pwrite64, "fpuu")                 \
  CALL(readv, "fpu")                     \
  CALL(writev, "fpu")                    \
  CALL(access, "sd")                     \
  CALL(pipe, "p")                        \
  CALL(select, "dpppp")                  \
  CALL(sched_yield, "")                  \
  CALL(mremap, "puuxp")                  \
  CALL(msync, "pux")                     \
  CALL(mincore, "pup")                   \
  CALL(madvise, "pud")                   \
  CALL(shmget, "xux")                    \
  CALL(shmat, "dpx")                     \
  CALL(shmctl, "ddp")                    \
  CALL(dup, "f")                         \
  CALL(dup2, "ff")                       \
  CALL(pause, "")                        \
  CALL(nanosleep, "pp")                  \
  CALL(getitimer, "dp")                  \
  CALL(alarm, "u")                       \
  CALL(setitimer, "dpp")                 \
  CALL(getpid, "")                       \
  CALL(sendfile, "ffpu")                 \
  CALL(socket, "ddd")                    \
  CALL(connect, "fpu")                   \
  CALL(accept, "fpp")                    \
  CALL(sendto, "fpuxpu")                 \
  CALL(recvfrom, "fpuxpp")               \
  CALL(sendmsg, "fpx")                   \
  CALL(recvmsg, "fpx")                   \
  CALL(shutdown, "fd")                   \
  CALL(bind, "fpu")                      \
  CALL(listen, "fd")                     \
  CALL(getsockname, "fpp")               \
  CALL(getpeername, "fpp")               \
  CALL(socketpair, "dddp")               \
  CALL(setsockopt, "fddpu")              \
  CALL(getsockopt, "fddpp")              \
  CALL(clone, "xpppp")                   \
  CALL(fork, "")                         \
  CALL(vfork, "")                        \
  CALL(execve, "spp")                    \
  CALL(exit, "d")                        \
  CALL(wait4, "dpxp")                    \
  CALL(kill, "dd")                       \
  CALL(uname, "p")                       \
  CALL(semget, "xdx")                    \
  CALL(semop, "dpu")                     \
  CALL(semctl, "dddp")                   \
  CALL(shmdt, "p")                       \
  CALL(msgget, "xx")                     \
  CALL(msgsnd, "dpux")                   \
  CALL(msgrcv, "dpudx")                  \
  CALL(msgctl, "ddp")                    \
  CALL(fcntl, "fdx")                     \
  CALL(flock, "fd")                      \
  CALL(fsync, "f")                       \
  CALL(fdatasync, "f")                   \
  CALL(truncate, "su")                   \
  CALL(ftruncate, "fu")                  \
  CALL(getdents, "fpu")                  \
  CALL(getcwd, "pu")                     \
  CALL(chdir, "s")                       \
  CALL(fchdir, "f")                      \
  CALL(rename, "ss")                     \
  CALL(mkdir, "so")                      \
  CALL(rmdir, "s")                       \
  CALL(creat, "so")                      \
  CALL(link, "ss")                       \
  CALL(unlink, "s")                      \
  CALL(symlink, "ss")                    \
  CALL(readlink, "spu")                  \
  CALL(chmod, "so")                      \
  CALL(fchmod, "fo")                     \
  CALL(chown, "sdd")                     \
  CALL(fchown, "fdd")                    \
  CALL(lchown, "sdd")                    \
  CALL(umask, "o")                       \
  CALL(gettimeofday, "pp")               \
  CALL(getrlimit, "dp")                  \
  CALL(getrusage, "dp")                  \
  CALL(sysinfo, "p")                     \
  CALL(times, "p")                       \
  CALL(getuid, "")                       \
  CALL(syslog, "dpd")                    \
  CALL(getgid, "")                       \
  CALL(setuid, "d")                      \
  CALL(setgid, "d")                      \
  CALL(geteuid, "")                      \
  CALL(getegid, "")                      \
  CALL(setpgid, "dd")                    \
  CALL(getppid, "")                      \
  CALL(getpgrp, "")                      \
  CALL(setsid, "")                       \
  CALL(setreuid, "dd")                   \
  CALL(setregid, "dd")                   \
  CALL(getgroups, "dp")                  \
  CALL(setgroups, "dp")                  \
  CALL(setresuid, "ddd")                 \
  CALL(getresuid, "ppp")                 \
  CALL(setresgid, "ddd")                 \
  CALL(getresgid, "ppp")                 \
  CALL(getpgid, "d")                     \
  CALL(setfsuid, "d")                    \
  CALL(setfsgid, "d")                    \
  CALL(getsid, "d")                      \
  CALL(capget, "pp")                     \
  CALL(capset, "pp")                     \
  CALL(rt_sigpending, "pu")              \
  CALL(rt_sigtimedwait, "pppu")          \
  CALL(rt_sigqueueinfo, "ddp")           \
  CALL(rt_sigsuspend, "pu")              \
  CALL(sigaltstack, "pp")                \
  CALL(utime, "sp")                      \
  CALL(mknod, "sox")                     \
  CALL(statfs, "sp")                     \
  CALL(fstatfs, "fp")                    \
  CALL(getpriority, "dd")                \
  CALL(setpriority, "ddd")               \
  CALL(sched_setparam, "dp")             \
  CALL(sched_getparam, "dp")             \
  CALL(sched_setscheduler, "ddp")        \
  CALL(sched_getscheduler, "d")          \
  CALL(sched_get_priority_max, "d")      \
  CALL(sched_get_priority_min, "d")      \
  CALL(sched_rr_get_interval, "dp")      \
  CALL(mlock, "pu")                      \
  CALL(munlock, "pu")                    \
  CALL(mlockall, "x")                    \
  CALL(munlockall, "")                   \
  CALL(prctl, "dxxxx")                   \
  CALL(arch_prctl, "xp")                 \
  CALL(setrlimit, "dp")                  \
  CALL(chroot, "s")                      \
  CALL(sync, "")                         \
  CALL(mount, "sssxp")                   \
  CALL(umount2, "sx")                    \
  CALL(sethostname, "su")                \
  CALL(setdomainname, "su")              \
  CALL(gettid, "")                       \
  CALL(readahead, "fuu")                 \
  CALL(setxattr, "sspud")                \
  CALL(lsetxattr, "sspud")               \
  CALL(fsetxattr, "fspud")               \
  CALL(getxattr, "sspu")                 \
  CALL(lgetxattr, "sspu")                \
  CALL(fgetxattr, "fspu")                \
  CALL(listxattr, "spu")                 \
  CALL(llistxattr, "spu")                \
  CALL(flistxattr, "fpu")                \
  CALL(removexattr, "ss")                \
  CALL(lremovexattr, "ss")               \
  CALL(fremovexattr, "fs")               \
  CALL(tkill, "dd")                      \
  CALL(time, "p")                        \
  CALL(futex, "pduppu")                  \
  CALL(sched_setaffinity, "dup")         \
  CALL(sched_getaffinity, "dup")         \
  CALL(epoll_create, "d")                \
  CALL(getdents64, "fpu")                \
  CALL(set_tid_address, "p")             \
  CALL(restart_syscall, "")              \
  CALL(semtimedop, "dpup")               \
  CALL(fadvise64, "fuud")                \
  CALL(timer_create, "dpp")              \
  CALL(timer_settime, "ddpp")            \
  CALL(timer_gettime, "dp")              \
  CALL(timer_getoverrun, "d")            \
  CALL(timer_delete, "d")                \
  CALL(clock_settime, "dp")              \
  CALL(clock_gettime, "dp")              \
  CALL(clock_getres, "dp")               \
  CALL(clock_nanosleep, "ddpp")          \
  CALL(exit_group, "d")                  \
  CALL(epoll_wait, "fpdd")               \
  CALL(epoll_ctl, "fdfp")                \
  CALL(tgkill, "ddd")                    \
  CALL(utimes, "sp")                     \
  CALL(waitid, "ddpxp")                  \
  CALL(openat, "fsxo")                   \
  CALL(mkdirat, "fso")                   \
  CALL(mknodat, "fsox")                  \
  CALL(fchownat, "fsddx")                \
  CALL(futimesat, "fsp")                 \
  CALL(newfstatat, "fspx")               \
  CALL(unlinkat, "fsx")                  \
  CALL(renameat, "fsfs")                 \
  CALL(linkat, "fsfsx")                  \
  CALL(symlinkat, "sfs")                 \
  CALL(readlinkat, "fspu")               \
  CALL(fchmodat, "fso")                  \
  CALL(faccessat, "fsd")                 \
  CALL(pselect6, "dppppp")               \
  CALL(ppoll, "puppu")                   \
  CALL(set_robust_list, "pu")            \
  CALL(get_robust_list, "dpp")           \
  CALL(splice, "fpfpux")                 \
  CALL(tee, "ffux")                      \
  CALL(sync_file_range, "fuux")          \
  CALL(vmsplice, "fpux")                 \
  CALL(utimensat, "fspx")                \
  CALL(epoll_pwait, "fpddpu")            \
  CALL(signalfd, "fpu")                  \
  CALL(timerfd_create, "dx")             \
  CALL(eventfd, "u")                     \
  CALL(fallocate, "fduu")                \
  CALL(timerfd_settime, "fxpp")          \
  CALL(timerfd_gettime, "fp")            \
  CALL(accept4, "fppx")                  \
  CALL(signalfd4, "fpux")                \
  CALL(eventfd2, "ux")                   \
  CALL(epoll_create1, "x")               \
  CALL(dup3, "ffx")                      \
  CALL(pipe2, "px")                      \
  CALL(preadv, "fpuu")                   \
  CALL(pwritev, "fpuu")                  \
  CALL(rt_tgsigqueueinfo, "dddp")        \
  CALL(recvmmsg, "fpuxp")               \
  CALL(prlimit64, "ddpp")                \
  CALL(syncfs, "f")                      \
  CALL(sendmmsg, "fpux")                \
  CALL(getcpu, "ppp")                    \
  CALL(renameat2, "fsfsx")               \
  CALL(getrandom, "pux")                 \
  CALL(memfd_create, "sx")               \
  CALL(execveat, "fsppx")                \
  CALL(membarrier, "dxd")                \
  CALL(mlock2, "pux")                    \
  CALL(copy_file_range, "fpfpux")        \
  CALL(preadv2, "fpuudx")                \
  CALL(pwritev2, "fpuudx")               \
  CALL(statx, "fsxxp")                   \
  CALL(clone3, "pu")                     \
  CALL(close_range, "uux")               \
  CALL(openat2, "fspu")                  \
  CALL(faccessat2, "fsdx")               \
  CALL(epoll_pwait2, "fpdppu")           \
  CALL(fchmodat2, "fsox")
// clang-format on

namespace linux_abi {
namespace {

#define ROW(name, arguments) CallEntry{__NR_##name, #name, arguments, &calls::name},
constexpr CallEntry rows[] = {LINUX_CALLS(ROW)};
#undef ROW

constexpr bool rows_are_sorted() {
  for (std::size_t i = 1; i < std::size(rows); ++i)
    if (rows[i - 1].number >= rows[i].number) return false;
  return true;
}
static_assert(rows_are_sorted());
static_assert(std::size(rows) < call_numbers && rows[std::size(rows) - 1].number < call_numbers);

// By number: the row, counted from 1; 0: there is none.
constexpr auto index = [] {
  std::array<std::uint16_t, call_numbers> by_number{};
  for (std::size_t i = 0; i < std::size(rows); ++i) by_number[rows[i].number] = static_cast<std::uint16_t>(i + 1);
  return by_number;
}();

}  // namespace

const CallEntry* find_call(std::uint64_t number) {
  if (number >= call_numbers || index[number] == 0) return nullptr;
  return &rows[index[number] - 1];
}

}  // namespace linux_abi
