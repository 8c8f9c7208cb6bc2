// SPDX-License-Identifier: Apache-2.0
// seccomp: what filters may say, who may have them, and how a process ends that does what it must not. And
// process_madvise and process_mrelease.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "show.h"

namespace {

// The C library has no errors for getppid().
long parent() { return syscall(SYS_getppid); }

long set_mode(unsigned operation, unsigned flags, const void* argument) {
  return syscall(SYS_seccomp, operation, flags, argument);
}

// Where the program is and how long it is comes before who may, and that before what it is.
void order_of_errors() {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setresuid(65534, 65534, 65534);
    const auto bad = reinterpret_cast<sock_fprog*>(8);
    const sock_fprog none{0, nullptr}, nowhere{1, nullptr}, beyond{1, reinterpret_cast<sock_filter*>(8)};
    for (const sock_fprog* each : {static_cast<const sock_fprog*>(bad), &none, &nowhere, &beyond}) {
      SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, each, 0, 0));
      SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, each));
    }
    SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 1 << 20, bad));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    for (const sock_fprog* each : {&none, &nowhere, &beyond}) SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, each));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

// One call gets an answer, all others are made.
struct Filter {
  Filter(unsigned number, unsigned answer)
      : program{{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
                {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, number},
                {BPF_RET | BPF_K, 0, 0, answer},
                {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}},
        whole{4, program} {}
  Filter(const Filter&) = delete;
  sock_filter program[4];
  sock_fprog whole;
};
long add(unsigned number, unsigned answer, unsigned flags = 0) {
  const Filter filter(number, answer);
  return set_mode(SECCOMP_SET_MODE_FILTER, flags, &filter.whole);
}

template <typename F>
void in_child(const char* what, F run) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const int status = run();
    fflush(stdout);
    _exit(status);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s: status %d, signal %d\n", what, WEXITSTATUS(status), WTERMSIG(status));
}

void errors() {
  printf("# errors\n");
  SHOW(set_mode(99, 0, nullptr));
  SHOW(set_mode(SECCOMP_SET_MODE_STRICT, 1, nullptr));
  SHOW(set_mode(SECCOMP_SET_MODE_STRICT, 0, "argument"));
  SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, nullptr));
  SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 1u << 20, nullptr));
  sock_filter nothing[1] = {{BPF_LD | BPF_IMM, 0, 0, 0}};
  sock_fprog program{0, nothing};
  SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, &program));
  program.len = 1;
  SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, &program));
  program = {1, nullptr};
  SHOW(set_mode(SECCOMP_SET_MODE_FILTER, 0, &program));
  SHOW(prctl(PR_GET_SECCOMP));
  SHOW(prctl(PR_SET_SECCOMP, 99, 0, 0, 0));
  for (unsigned action : {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_KILL_PROCESS, 12345u})
    SHOW(set_mode(SECCOMP_GET_ACTION_AVAIL, 0, &action));
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setuid(65534);
    SHOW(add(SYS_getppid, SECCOMP_RET_ALLOW));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    SHOW(add(SYS_getppid, SECCOMP_RET_ALLOW));
    SHOW(prctl(PR_GET_SECCOMP));
    SHOW(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
}

void strict() {
  printf("# strict\n");
  in_child("read and write", [] {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
    write(1, "", 0);
    syscall(SYS_exit, 7);
    return 0;
  });
  in_child("another call", [] {
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0);
    parent();
    return 0;
  });
}

std::atomic<int> trapped;
void on_trap(int, siginfo_t* information, void*) {
  trapped = information->si_code == 1 && information->si_syscall == SYS_getppid && information->si_errno == 33 &&
            information->si_arch == 0xc000003e && information->si_call_addr != nullptr;
}

void answers() {
  printf("# answers\n");
  in_child("an error", [] {
    SHOW(add(SYS_getppid, SECCOMP_RET_ERRNO | ENOTNAM));
    SHOW(parent());
    SHOW(add(SYS_getppid, SECCOMP_RET_ERRNO | 60000));
    printf("%ld\n", static_cast<long>(parent()) == -1 ? static_cast<long>(errno) : 0);  // the newer of equal ones
    SHOW(add(SYS_getpgrp, SECCOMP_RET_ERRNO | 0));
    SHOW(getpgrp());
    return 3;
  });
  in_child("logged", [] { return add(SYS_getppid, SECCOMP_RET_LOG) == 0 && parent() > 0 ? 4 : 5; });
  in_child("a trap", [] {
    struct sigaction action {};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSYS, &action, nullptr);
    add(SYS_getppid, SECCOMP_RET_TRAP | 33);
    parent();
    return trapped ? 6 : 7;
  });
  in_child("a trap for nobody", [] {
    add(SYS_getppid, SECCOMP_RET_TRAP);
    parent();
    return 0;
  });
  in_child("kills the process", [] {
    signal(SIGSYS, SIG_IGN);
    add(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    parent();
    return 0;
  });
  in_child("kills the only thread", [] {
    add(SYS_getppid, SECCOMP_RET_KILL_THREAD);
    parent();
    return 0;
  });
  in_child("kills a thread", [] {
    add(SYS_getppid, SECCOMP_RET_KILL_THREAD);
    pthread_t other;
    pthread_create(
        &other, nullptr, [](void*) -> void* { return parent(), nullptr; }, nullptr);
    pthread_join(other, nullptr);
    return 8;
  });
  in_child("nobody traces", [] {
    add(SYS_getppid, SECCOMP_RET_TRACE);
    SHOW(parent());
    return 9;
  });
  in_child("the strictest", [] {
    add(SYS_getppid, SECCOMP_RET_ERRNO | EPERM);
    add(SYS_getppid, SECCOMP_RET_LOG);
    add(SYS_getppid, SECCOMP_RET_TRACE);
    SHOW(parent());
    return 10;
  });
}

void inheritance() {
  printf("# children, programs, threads\n");
  in_child("a child", [] {
    add(SYS_getppid, SECCOMP_RET_ERRNO | EPERM);
    const pid_t child = fork();
    if (child == 0) _exit(parent() == -1 ? 11 : 12);
    int status = 0;
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  });
  in_child("a program", [] {
    add(SYS_getppid, SECCOMP_RET_ERRNO | EPERM);
    char self[] = "/proc/self/exe", again[] = "again";
    char* arguments[] = {self, again, nullptr};
    execv(self, arguments);
    return 0;
  });
  in_child("other threads", [] {
    static std::atomic<int> go;
    pthread_t other;
    pthread_create(
        &other, nullptr,
        [](void*) -> void* {
          while (go == 0) sched_yield();
          return reinterpret_cast<void*>(static_cast<long>(parent()));
        },
        nullptr);
    SHOW(add(SYS_getppid, SECCOMP_RET_ERRNO | EPERM, SECCOMP_FILTER_FLAG_TSYNC));
    go = 1;
    void* result = nullptr;
    pthread_join(other, &result);
    return reinterpret_cast<long>(result) == -1 ? 13 : 14;
  });
}

void tracer() {
  printf("# a tracer\n");
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    add(SYS_getppid, SECCOMP_RET_TRACE | 44);
    _exit(parent() == getpid() ? 15 : 16);
  }
  int status = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESECCOMP);
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  unsigned long message = 0;
  ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
  printf("event %d, message %lu\n", status >> 16, message);
  // Another call is made instead.
  ptrace(PTRACE_POKEUSER, child, 15 * 8, SYS_getpid);
  ptrace(PTRACE_CONT, child, 0, 0);
  waitpid(child, &status, 0);
  printf("exited with %d\n", WEXITSTATUS(status));
}

void of_others() {
  printf("# process_madvise, process_mrelease\n");
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const int file = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  static char page[4096 * 2] __attribute__((aligned(4096)));
  page[0] = 1;
  iovec range{page, sizeof page}, nowhere{nullptr, 4096};
  const auto advise = [&](int descriptor, const iovec* vector, int advice, unsigned flags) {
    return syscall(SYS_process_madvise, descriptor, vector, 1, advice, flags);
  };
  SHOW(advise(file, &range, MADV_COLD, 0));
  SHOW(advise(file, &range, MADV_COLD, 1));
  SHOW(advise(-1, &range, MADV_COLD, 0));
  SHOW(advise(file, &nowhere, MADV_COLD, 0));
  SHOW(advise(file, nullptr, MADV_COLD, 0));
  SHOW(syscall(SYS_process_mrelease, -1, 0));
  SHOW(syscall(SYS_process_mrelease, file, 1));
  SHOW(syscall(SYS_process_mrelease, file, 0));
  kill(child, SIGKILL);
  siginfo_t information;
  waitid(P_PID, child, &information, WEXITED | WNOWAIT);
  SHOW(syscall(SYS_process_mrelease, file, 0));
  SHOW(advise(file, &range, MADV_COLD, 0));
  waitpid(child, nullptr, 0);
}

}  // namespace

int main(int count, char**) {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  if (count > 1) return parent() == -1 ? 17 : 18;
  errors();
  order_of_errors();
  strict();
  answers();
  inheritance();
  tracer();
  of_others();
  return 0;
}
