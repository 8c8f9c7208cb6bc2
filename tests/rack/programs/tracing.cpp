// SPDX-License-Identifier: Apache-2.0
// ptrace: stops at signals, calls, events and steps, registers and memory, and what becomes of both sides when one
// ends.
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

#include "show.h"

namespace {

long trace(long request, pid_t pid, uintptr_t address = 0, uintptr_t data = 0) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

int wait_for(pid_t pid, const char* what, bool tell_pid = false) {
  int status = 0;
  const pid_t got = waitpid(pid, &status, __WALL);
  printf("%s: ", what);
  if (got < 0)
    printf("%s\n", strerrorname_np(errno));
  else if (WIFSTOPPED(status))
    printf("stopped by %d, event %d\n", WSTOPSIG(status), status >> 16);
  else if (WIFSIGNALED(status))
    printf("killed by %d\n", WTERMSIG(status));
  else
    printf("exited with %d\n", WEXITSTATUS(status));
  fflush(stdout);
  return status;
}

template <typename F>
pid_t start(F run) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    run();
    _exit(0);
  }
  return child;
}

void raise_stop() { syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGSTOP); }

void errors() {
  printf("# errors\n");
  SHOW(trace(PTRACE_ATTACH, getpid()));
  SHOW(trace(PTRACE_ATTACH, 4194303));
  SHOW(trace(PTRACE_CONT, getpid()));
  SHOW(trace(PTRACE_SEIZE, getppid(), 1, 0));
  SHOW(trace(PTRACE_SEIZE, getppid(), 0, 1 << 30));
  SHOW(trace(99, getpid()));
  const pid_t child = start([] { pause(); });
  SHOW(trace(PTRACE_CONT, child));
  SHOW(trace(PTRACE_SEIZE, child, 0, 0));
  SHOW(trace(PTRACE_SEIZE, child, 0, 0));
  SHOW(trace(PTRACE_ATTACH, child));
  SHOW(trace(PTRACE_CONT, child));  // it runs
  SHOW(trace(PTRACE_DETACH, child));
  SHOW(trace(PTRACE_INTERRUPT, child));
  wait_for(child, "interrupted");
  SHOW(trace(PTRACE_CONT, child, 0, 1000));
  SHOW(trace(PTRACE_SETOPTIONS, child, 0, 1 << 30));
  SHOW(trace(PTRACE_GETREGS, child, 0, 8));
  SHOW(trace(PTRACE_PEEKDATA, child, 8, 8));
  SHOW(trace(PTRACE_POKEDATA, child, 8, 8));
  SHOW(trace(PTRACE_PEEKUSER, child, 3, 8));
  SHOW(trace(PTRACE_PEEKUSER, child, 1 << 20, 8));
  SHOW(trace(PTRACE_GETSIGMASK, child, 3, 8));
  SHOW(trace(99, child));
  kill(child, SIGKILL);
  wait_for(child, "killed");
}

// A child that does a known series of things, as it is seen at each stop.
volatile int word = 17;
void series() {
  trace(PTRACE_TRACEME, 0);
  raise_stop();
  getppid();
  syscall(SYS_kill, getpid(), SIGUSR1);
  syscall(1000, 1, 2, 3, 4, 5, 6);
  _exit(word);
}

void show_call(pid_t child) {
  struct __ptrace_syscall_info info {};
  const long bytes = ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), child, sizeof info, &info);
  if (info.op == 1)
    printf("  call %lld, %ld bytes, arch %x\n", static_cast<long long>(info.entry.nr), bytes, info.arch);
  else if (info.op == 2)
    printf("  result %s, error %d, %ld bytes\n", info.exit.rval < 0 ? strerrorname_np(-info.exit.rval) : "some",
           info.exit.is_error, bytes);
  else
    printf("  none, %ld bytes\n", bytes);
}

void calls() {
  printf("# calls\n");
  signal(SIGUSR1, SIG_IGN);
  const pid_t child = start(series);
  wait_for(child, "first");
  SHOW(trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD));
  show_call(child);
  for (int i = 0; i < 40; ++i) {
    trace(PTRACE_SYSCALL, child);
    const int status = wait_for(child, "next");
    if (!WIFSTOPPED(status)) break;
    show_call(child);
    user_regs_struct registers;
    trace(PTRACE_GETREGS, child, 0, reinterpret_cast<uintptr_t>(&registers));
    // A call that is never made, one with another number, and what the child will exit with.
    if (registers.orig_rax == 1000 && registers.rax == static_cast<uint64_t>(-ENOSYS) && i % 2 == 0) {
      printf("  arguments %lld %lld %lld %lld %lld %lld\n", registers.rdi, registers.rsi, registers.rdx, registers.r10,
             registers.r8, registers.r9);
    }
    if (registers.orig_rax == SYS_exit_group) {
      registers.rdi += 4;
      SHOW(trace(PTRACE_SETREGS, child, 0, reinterpret_cast<uintptr_t>(&registers)));
    }
  }
}

void memory() {
  printf("# memory and registers\n");
  const pid_t child = start([] {
    trace(PTRACE_TRACEME, 0);
    raise_stop();
    asm volatile("int3");
    _exit(word);
  });
  wait_for(child, "first");
  siginfo_t information{};
  SHOW(trace(PTRACE_GETSIGINFO, child, 0, reinterpret_cast<uintptr_t>(&information)));
  printf("signal %d, code %d, from itself %d\n", information.si_signo, information.si_code,
         information.si_pid == child);
  long value = 0;
  SHOW(trace(PTRACE_PEEKDATA, child, reinterpret_cast<uintptr_t>(&word), reinterpret_cast<uintptr_t>(&value)));
  printf("word %d\n", static_cast<int>(value));
  SHOW(trace(PTRACE_POKEDATA, child, reinterpret_cast<uintptr_t>(&word), (value & ~0xffffffffL) | 23));
  // Text, which the child itself cannot write.
  const auto code = reinterpret_cast<uintptr_t>(&raise_stop);
  SHOW(trace(PTRACE_PEEKTEXT, child, code, reinterpret_cast<uintptr_t>(&value)));
  SHOW(trace(PTRACE_POKETEXT, child, code, value ^ 0xff));
  long changed = 0;
  SHOW(trace(PTRACE_PEEKTEXT, child, code, reinterpret_cast<uintptr_t>(&changed)));
  printf("changed there %d, and not here %d\n", changed == (value ^ 0xff), *reinterpret_cast<long*>(code) == value);
  user_regs_struct registers{}, again{};
  iovec range{&registers, sizeof registers};
  SHOW(trace(PTRACE_GETREGSET, child, NT_PRSTATUS, reinterpret_cast<uintptr_t>(&range)));
  printf("%zu bytes, cs %llx, ss %llx\n", range.iov_len, registers.cs, registers.ss);
  SHOW(trace(PTRACE_GETREGSET, child, 12345, reinterpret_cast<uintptr_t>(&range)));
  registers.rbx = 0x123456789;
  SHOW(trace(PTRACE_SETREGSET, child, NT_PRSTATUS, reinterpret_cast<uintptr_t>(&range)));
  SHOW(trace(PTRACE_PEEKUSER, child, offsetof(user, regs.rbx), reinterpret_cast<uintptr_t>(&value)));
  printf("rbx %lx\n", value);
  SHOW(trace(PTRACE_POKEUSER, child, offsetof(user, regs.rbx), 5));
  trace(PTRACE_GETREGS, child, 0, reinterpret_cast<uintptr_t>(&again));
  printf("rbx %llx, others the same %d\n", again.rbx, again.rip == registers.rip && again.rsp == registers.rsp);
  user_fpregs_struct vectors{};
  SHOW(trace(PTRACE_GETFPREGS, child, 0, reinterpret_cast<uintptr_t>(&vectors)));
  vectors.xmm_space[60] = 77;
  SHOW(trace(PTRACE_SETFPREGS, child, 0, reinterpret_cast<uintptr_t>(&vectors)));
  vectors = {};
  trace(PTRACE_GETFPREGS, child, 0, reinterpret_cast<uintptr_t>(&vectors));
  printf("vector %u, control %x\n", vectors.xmm_space[60], vectors.cwd);
  uint64_t mask = 0;
  SHOW(trace(PTRACE_GETSIGMASK, child, 8, reinterpret_cast<uintptr_t>(&mask)));
  printf("mask %lx\n", mask);
  // A few steps: each a stop, and the instruction pointer moves.
  bool moves = true;
  for (int i = 0; i < 5; ++i) {
    trace(PTRACE_GETREGS, child, 0, reinterpret_cast<uintptr_t>(&registers));
    trace(PTRACE_SINGLESTEP, child);
    int status = 0;
    waitpid(child, &status, __WALL);
    trace(PTRACE_GETREGS, child, 0, reinterpret_cast<uintptr_t>(&again));
    moves = moves && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP && again.rip != registers.rip &&
            (again.eflags & 0x100) == 0;
  }
  printf("steps: %d\n", moves);
  trace(PTRACE_CONT, child);
  wait_for(child, "breakpoint");
  trace(PTRACE_CONT, child);
  wait_for(child, "end");
}

std::atomic<int> handled;
void handler(int signal) { handled = signal; }

void signals() {
  printf("# signals\n");
  const pid_t child = start([] {
    signal(SIGUSR1, handler);
    signal(SIGUSR2, handler);
    trace(PTRACE_TRACEME, 0);
    raise_stop();
    raise(SIGUSR1);
    const int first = handled;
    raise(SIGUSR1);
    const int second = handled.exchange(0);
    raise(SIGUSR1);
    _exit(first == SIGUSR1 && second == SIGUSR2 && handled == 0 ? 3 : 4);
  });
  wait_for(child, "first");
  trace(PTRACE_CONT, child);
  wait_for(child, "signal");
  trace(PTRACE_CONT, child, 0, SIGUSR1);
  wait_for(child, "signal");
  trace(PTRACE_CONT, child, 0, SIGUSR2);
  wait_for(child, "signal");
  trace(PTRACE_CONT, child);
  wait_for(child, "end");
}

void events() {
  printf("# events\n");
  const pid_t child = start([] {
    raise_stop();
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(5);
    int status = 0;
    while (waitpid(grandchild, &status, 0) < 0) {
    }
    char self[] = "/proc/self/exe", again[] = "again";
    char* arguments[] = {self, again, nullptr};
    execv(self, arguments);
  });
  int status = 0;
  waitpid(child, &status, WSTOPPED);
  SHOW(trace(PTRACE_SEIZE, child, 0,
             PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE));
  wait_for(child, "its stop");
  kill(child, SIGCONT);
  trace(PTRACE_CONT, child);
  pid_t other = 0;
  long message = 0;
  for (int i = 0; i < 20; ++i) {
    status = wait_for(child, "child");
    if (!WIFSTOPPED(status)) break;
    const int event = status >> 16;
    if (event == PTRACE_EVENT_FORK) {
      trace(PTRACE_GETEVENTMSG, child, 0, reinterpret_cast<uintptr_t>(&message));
      other = static_cast<pid_t>(message);
      wait_for(other, "grandchild");
      trace(PTRACE_CONT, other);
      wait_for(other, "grandchild");
      trace(PTRACE_GETEVENTMSG, other, 0, reinterpret_cast<uintptr_t>(&message));
      printf("exits with %lx\n", message);
      trace(PTRACE_CONT, other);
      wait_for(other, "grandchild");
    }
    if (event == PTRACE_EVENT_EXEC || event == PTRACE_EVENT_EXIT) {
      trace(PTRACE_GETEVENTMSG, child, 0, reinterpret_cast<uintptr_t>(&message));
      printf("message is its pid %d, %lx\n", message == child, message == child ? 0 : message);
    }
    // Signals are handed on; stops are none.
    trace(PTRACE_CONT, child, 0, event == 0 ? WSTOPSIG(status) : 0);
  }
}

void both_ends() {
  printf("# ends\n");
  // The tracer ends: its child goes on.
  int ends[2];
  pipe(ends);
  const pid_t worker = start([&] {
    char byte;
    read(ends[0], &byte, 1);
    _exit(6);
  });
  const pid_t tracer = start([&] {
    trace(PTRACE_ATTACH, worker);
    int status = 0;
    waitpid(worker, &status, __WALL);
    _exit(WIFSTOPPED(status) ? WSTOPSIG(status) : 1);
  });
  wait_for(tracer, "tracer");
  write(ends[1], "x", 1);
  wait_for(worker, "worker");
  // A tracer that wants them killed.
  const pid_t second = start([] {
    for (;;) pause();
  });
  const pid_t killer = start([&] {
    trace(PTRACE_SEIZE, second, 0, PTRACE_O_EXITKILL);
    _exit(0);
  });
  wait_for(killer, "tracer");
  wait_for(second, "killed with it");
  // Detached with a signal.
  const pid_t third = start([] {
    for (;;) pause();
  });
  SHOW(trace(PTRACE_ATTACH, third));
  wait_for(third, "attached");
  SHOW(trace(PTRACE_DETACH, third, 0, SIGTERM));
  wait_for(third, "detached");
}

void* thread(void*) {
  word = 1;
  return nullptr;
}

void threads() {
  printf("# threads\n");
  const pid_t child = start([] {
    trace(PTRACE_TRACEME, 0);
    raise_stop();
    pthread_t other;
    pthread_create(&other, nullptr, thread, nullptr);
    pthread_join(other, nullptr);
    raise_stop();
    _exit(9);
  });
  wait_for(child, "first");
  trace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE);
  trace(PTRACE_CONT, child);
  wait_for(child, "clone");
  long message = 0;
  trace(PTRACE_GETEVENTMSG, child, 0, reinterpret_cast<uintptr_t>(&message));
  const auto tid = static_cast<pid_t>(message);
  wait_for(tid, "thread");
  trace(PTRACE_CONT, child);
  trace(PTRACE_CONT, tid);
  wait_for(tid, "thread");
  wait_for(child, "child");
  trace(PTRACE_CONT, child);
  wait_for(child, "child");
}

}  // namespace

int main(int count, char**) {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  if (count > 1) return 8;
  errors();
  calls();
  memory();
  signals();
  events();
  both_ends();
  threads();
  return 0;
}
