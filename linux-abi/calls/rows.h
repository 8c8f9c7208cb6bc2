// SPDX-License-Identifier: Apache-2.0
// All system calls that the personality serves, sorted by number; the numbers are those of Linux's own header, which
// each row takes by its name. CALL(name, arguments) or CALL(name, arguments, what is missing): the arguments are
// letters of trace/flag_names.h. Dispatch, --trace syscalls, counters and docs/linux-abi.md come from these rows.
#pragma once

#include <asm/unistd_64.h>

// Newer than the headers.
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif

// clang-format off
#define LINUX_CALLS(CALL) \
  CALL(read, "fBu")                      \
  CALL(write, "fbu")                     \
  CALL(open, "sOo")                      \
  CALL(close, "f")                       \
  CALL(stat, "sp")                       \
  CALL(fstat, "fp")                      \
  CALL(lstat, "sp")                      \
  CALL(poll, "pud")                      \
  CALL(lseek, "fdd")                     \
  CALL(mmap, "puPMfx")                   \
  CALL(mprotect, "puP")                  \
  CALL(munmap, "pu")                     \
  CALL(brk, "p")                         \
  CALL(rt_sigaction, "Sppu")             \
  CALL(rt_sigprocmask, "dppu")           \
  CALL(rt_sigreturn, "")                 \
  CALL(ioctl, "fxp", "of terminals, sockets and descriptors in general") \
  CALL(pread64, "fBuu")                  \
  CALL(pwrite64, "fbuu")                 \
  CALL(readv, "fpu")                     \
  CALL(writev, "fpu")                    \
  CALL(access, "sd")                     \
  CALL(pipe, "p")                        \
  CALL(select, "dpppp")                  \
  CALL(sched_yield, "")                  \
  CALL(mremap, "puuxp", "not into a vRegion that another mComponent owns") \
  CALL(msync, "pux")                     \
  CALL(mincore, "pup")                   \
  CALL(madvise, "pud")                   \
  CALL(shmget, "xux")                    \
  CALL(shmat, "dpx")                     \
  CALL(shmctl, "ddp")                    \
  CALL(dup, "f")                         \
  CALL(dup2, "ff")                       \
  CALL(pause, "")                        \
  CALL(nanosleep, "tp")                  \
  CALL(getitimer, "dp")                  \
  CALL(alarm, "u")                       \
  CALL(setitimer, "dpp")                 \
  CALL(getpid, "")                       \
  CALL(sendfile, "ffpu")                 \
  CALL(socket, "ddd", "AF_UNIX, and TCP and UDP on the loopback addresses") \
  CALL(connect, "fpu")                   \
  CALL(accept, "fpp")                    \
  CALL(sendto, "fbuxpu", "no MSG_OOB")   \
  CALL(recvfrom, "fBuxpp", "no MSG_OOB") \
  CALL(sendmsg, "fpx", "no MSG_OOB")     \
  CALL(recvmsg, "fpx", "no MSG_OOB")     \
  CALL(shutdown, "fd")                   \
  CALL(bind, "fpu")                      \
  CALL(listen, "fd")                     \
  CALL(getsockname, "fpp")               \
  CALL(getpeername, "fpp")               \
  CALL(socketpair, "dddp")               \
  CALL(setsockopt, "fddpu")              \
  CALL(getsockopt, "fddpp")              \
  CALL(clone, "Cpppp", "no namespaces")            \
  CALL(fork, "")                         \
  CALL(vfork, "")                        \
  CALL(execve, "sap")                    \
  CALL(exit, "d")                        \
  CALL(wait4, "dpxp", "the usage has times only") \
  CALL(kill, "dS")                       \
  CALL(uname, "p")                       \
  CALL(semget, "xdx")                    \
  CALL(semop, "dpu")                     \
  CALL(semctl, "dddp")                   \
  CALL(shmdt, "p")                       \
  CALL(msgget, "xx")                     \
  CALL(msgsnd, "dpux")                   \
  CALL(msgrcv, "dpudx")                  \
  CALL(msgctl, "ddp")                    \
  CALL(fcntl, "fdx", "") \
  CALL(flock, "fd")                      \
  CALL(fsync, "f")                       \
  CALL(fdatasync, "f")                   \
  CALL(truncate, "su")                   \
  CALL(ftruncate, "fu")                  \
  CALL(getdents, "fpu")                  \
  CALL(getcwd, "Bu")                     \
  CALL(chdir, "s")                       \
  CALL(fchdir, "f")                      \
  CALL(rename, "ss")                     \
  CALL(mkdir, "so")                      \
  CALL(rmdir, "s")                       \
  CALL(creat, "so")                      \
  CALL(link, "ss")                       \
  CALL(unlink, "s")                      \
  CALL(symlink, "ss")                    \
  CALL(readlink, "sBu")                  \
  CALL(chmod, "so")                      \
  CALL(fchmod, "fo")                     \
  CALL(chown, "sdd")                     \
  CALL(fchown, "fdd")                    \
  CALL(lchown, "sdd")                    \
  CALL(umask, "o")                       \
  CALL(gettimeofday, "pp")               \
  CALL(getrlimit, "dp")                  \
  CALL(getrusage, "dp", "times and the resident set") \
  CALL(sysinfo, "p")                     \
  CALL(times, "p")                       \
  CALL(ptrace, "xdpx", "no debug registers, PTRACE_SYSEMU and PTRACE_PEEKSIGINFO") \
  CALL(getuid, "")                       \
  CALL(syslog, "dpd", "an empty log")    \
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
  CALL(capset, "pp")                      \
  CALL(rt_sigpending, "pu")              \
  CALL(rt_sigtimedwait, "pptu")          \
  CALL(rt_sigqueueinfo, "dSp")           \
  CALL(rt_sigsuspend, "pu")              \
  CALL(sigaltstack, "pp")                \
  CALL(utime, "sp")                      \
  CALL(mknod, "sox")                     \
  CALL(personality, "x", "ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO and types other than PER_LINUX32 are remembered") \
  CALL(ustat, "xp")                      \
  CALL(statfs, "sp")                     \
  CALL(fstatfs, "fp")                    \
  CALL(sysfs, "dxp")                     \
  CALL(getpriority, "dd")                \
  CALL(setpriority, "ddd")               \
  CALL(sched_setparam, "dp")              \
  CALL(sched_getparam, "dp")             \
  CALL(sched_setscheduler, "ddp", "real-time policies are the largest share, reservations are remembered") \
  CALL(sched_getscheduler, "d")          \
  CALL(sched_get_priority_max, "d")      \
  CALL(sched_get_priority_min, "d")      \
  CALL(sched_rr_get_interval, "dp")      \
  CALL(mlock, "pu", "a locked page may leave the ExCache all the same") \
  CALL(munlock, "pu")                    \
  CALL(mlockall, "x", "a locked page may leave the ExCache all the same") \
  CALL(munlockall, "")                   \
  CALL(vhangup, "", "EPERM with a controlling terminal") \
  CALL(prctl, "dxxxx", "the options that C libraries and shells use") \
  CALL(arch_prctl, "xp")                 \
  CALL(adjtimex, "p", "remembered; the clock keeps its rate") \
  CALL(setrlimit, "dp")                  \
  CALL(chroot, "s")                      \
  CALL(sync, "")                         \
  CALL(settimeofday, "pp", "no time zone") \
  CALL(mount, "sssxp", "tmpfs, proc, sysfs, devtmpfs, bind mounts; no file systems on block devices") \
  CALL(umount2, "sx")                    \
  CALL(reboot, "xxdp", "nobody restarts a vNode: EPERM") \
  CALL(sethostname, "su")                \
  CALL(setdomainname, "su")              \
  CALL(iopl, "u", "not beyond what everybody has") \
  CALL(ioperm, "uux", "only to give ports back") \
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
  CALL(tkill, "dS")                      \
  CALL(time, "p")                        \
  CALL(futex, "pduppu", "no priority inheritance") \
  CALL(sched_setaffinity, "dup")         \
  CALL(sched_getaffinity, "dup")         \
  CALL(io_setup, "up")                   \
  CALL(io_destroy, "p")                  \
  CALL(io_getevents, "pddpt")            \
  CALL(io_submit, "pdp", "done within the call; no IOCB_CMD_POLL") \
  CALL(io_cancel, "ppp", "nothing is ever under way") \
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
  CALL(clock_settime, "dp", "always EPERM: the managers set the time") \
  CALL(clock_gettime, "dp")              \
  CALL(clock_getres, "dp")               \
  CALL(clock_nanosleep, "ddtp")          \
  CALL(exit_group, "d")                  \
  CALL(epoll_wait, "fpdd")               \
  CALL(epoll_ctl, "fdfp")                \
  CALL(tgkill, "ddS")                    \
  CALL(utimes, "sp")                     \
  CALL(mq_open, "sOop")                  \
  CALL(mq_unlink, "s")                   \
  CALL(mq_timedsend, "fbuut")            \
  CALL(mq_timedreceive, "fpupt")         \
  CALL(mq_notify, "fp")                  \
  CALL(mq_getsetattr, "fpp")             \
  CALL(waitid, "ddpxp", "the usage has times only") \
  CALL(ioprio_set, "ddx", "remembered; disks serve in order") \
  CALL(ioprio_get, "dd")                 \
  CALL(inotify_init, "")                 \
  CALL(inotify_add_watch, "fsx")         \
  CALL(inotify_rm_watch, "fd")           \
  CALL(openat, "DsOo")                   \
  CALL(mkdirat, "Dso")                   \
  CALL(mknodat, "Dsox")                  \
  CALL(fchownat, "DsddA")                \
  CALL(futimesat, "Dsp")                 \
  CALL(newfstatat, "DspA")               \
  CALL(unlinkat, "DsA")                  \
  CALL(renameat, "DsDs")                 \
  CALL(linkat, "DsDsA")                  \
  CALL(symlinkat, "sDs")                 \
  CALL(readlinkat, "DsBu")               \
  CALL(fchmodat, "Dso")                  \
  CALL(faccessat, "Dsd")                 \
  CALL(pselect6, "dppptp")               \
  CALL(ppoll, "putpu")                   \
  CALL(unshare, "x", "no namespaces")    \
  CALL(set_robust_list, "pu")            \
  CALL(get_robust_list, "dpp")           \
  CALL(splice, "fpfpux")                 \
  CALL(tee, "ffux")                      \
  CALL(sync_file_range, "fuux")          \
  CALL(vmsplice, "fpux")                 \
  CALL(utimensat, "DspA")                \
  CALL(epoll_pwait, "fpddpu")            \
  CALL(signalfd, "fpu")                  \
  CALL(timerfd_create, "dx")             \
  CALL(eventfd, "u")                     \
  CALL(fallocate, "fduu", "FALLOC_FL_COLLAPSE_RANGE and FALLOC_FL_INSERT_RANGE are EOPNOTSUPP") \
  CALL(timerfd_settime, "fxpp")          \
  CALL(timerfd_gettime, "fp")            \
  CALL(accept4, "fppO")                  \
  CALL(signalfd4, "fpux")                \
  CALL(eventfd2, "ux")                   \
  CALL(epoll_create1, "x")               \
  CALL(dup3, "ffO")                      \
  CALL(pipe2, "pO")                      \
  CALL(inotify_init1, "x")               \
  CALL(preadv, "fpuu")                   \
  CALL(pwritev, "fpuu")                  \
  CALL(rt_tgsigqueueinfo, "ddSp")        \
  CALL(recvmmsg, "fpuxp")                \
  CALL(prlimit64, "ddpp")                \
  CALL(name_to_handle_at, "DsppA")       \
  CALL(open_by_handle_at, "DpO")         \
  CALL(clock_adjtime, "dp", "remembered; the clock keeps its rate") \
  CALL(syncfs, "f")                      \
  CALL(sendmmsg, "fpux")                 \
  CALL(setns, "fx", "always EINVAL")     \
  CALL(getcpu, "ppp")                    \
  CALL(process_vm_readv, "dpupux")       \
  CALL(process_vm_writev, "dpupux")      \
  CALL(kcmp, "dddxx", "no KCMP_EPOLL_TFD") \
  CALL(sched_setattr, "dpx", "real-time policies are the largest share, reservations are remembered") \
  CALL(sched_getattr, "dpux")            \
  CALL(renameat2, "DsDsx")               \
  CALL(seccomp, "dxp", "no SECCOMP_RET_USER_NOTIF") \
  CALL(getrandom, "Bux")                 \
  CALL(memfd_create, "sx")               \
  CALL(execveat, "DsapA")                \
  CALL(membarrier, "dxd")                \
  CALL(mlock2, "pux", "a locked page may leave the ExCache all the same") \
  CALL(copy_file_range, "fpfpux")        \
  CALL(preadv2, "fpuudx")                \
  CALL(pwritev2, "fpuudx")               \
  CALL(statx, "DsAxp")                   \
  CALL(io_pgetevents, "pddptp")          \
  CALL(rseq, "puxx")                     \
  CALL(pidfd_send_signal, "fSpx")        \
  CALL(open_tree, "DsA", "with AT_RECURSIVE only where nothing is mounted within") \
  CALL(move_mount, "DsDsx")              \
  CALL(fsopen, "sx", "tmpfs, proc, sysfs, devtmpfs") \
  CALL(fsconfig, "fxspd")                \
  CALL(fsmount, "fxx")                   \
  CALL(fspick, "Dsx")                    \
  CALL(pidfd_open, "dx")                 \
  CALL(clone3, "pu", "no namespaces, no cgroups, no set_tid") \
  CALL(close_range, "uux", "CLOSE_RANGE_UNSHARE of a single thread only") \
  CALL(openat2, "fspu")                  \
  CALL(pidfd_getfd, "fdx")               \
  CALL(faccessat2, "DsdA")               \
  CALL(process_madvise, "fpudx", "of the advice that it takes none has an effect") \
  CALL(epoll_pwait2, "fpdppu")           \
  CALL(mount_setattr, "DsApu", "no MOUNT_ATTR_IDMAP") \
  CALL(process_mrelease, "fx")           \
  CALL(futex_waitv, "puxtd")             \
  CALL(fchmodat2, "fsox")

// What Linux has and this has not on purpose: ENOSYS, which programs are prepared for, as is everything in neither list.
#define LINUX_ABSENT_CALLS(CALL) \
  CALL(pkey_mprotect, "protection keys need a processor feature that is not enabled") \
  CALL(pkey_alloc, "protection keys need a processor feature that is not enabled") \
  CALL(pkey_free, "protection keys need a processor feature that is not enabled") \
  CALL(io_uring_setup, "a second way to make every call; programs fall back on the first") \
  CALL(io_uring_enter, "a second way to make every call; programs fall back on the first") \
  CALL(io_uring_register, "a second way to make every call; programs fall back on the first") \
  CALL(landlock_create_ruleset, "sandboxing is the vNode's business") \
  CALL(landlock_add_rule, "sandboxing is the vNode's business") \
  CALL(landlock_restrict_self, "sandboxing is the vNode's business")
// clang-format on
