// SPDX-License-Identifier: Apache-2.0
// Signals: delivery, masks, queueing, alternate stacks, interrupted calls, timers, stopped and continued children.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

namespace {

volatile sig_atomic_t count, last_signal, last_code, last_value;
volatile sig_atomic_t alarms;
volatile pid_t last_pid;
char log_text[256];
volatile int log_used;

void note(int number, siginfo_t* info, void*) {
  ++count;
  last_signal = number;
  last_code = info->si_code;
  last_value = info->si_value.sival_int;
  last_pid = info->si_pid;
  if (log_used < 250) log_text[log_used++] = number >= SIGRTMIN ? char('a' + info->si_value.sival_int) : '.';
}

void handle(int number, int flags = 0) {
  struct sigaction action {};
  action.sa_sigaction = note;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(number, &action, nullptr);
}
void forget() { count = last_signal = last_code = last_value = 0, log_used = 0, memset(log_text, 0, sizeof log_text); }
const char* outcome(long value) { return value == -1 ? strerrorname_np(errno) : "ok"; }
sigset_t only(int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  return set;
}
void status_line(const char* what, int status) {
  if (WIFEXITED(status)) printf("%s: exited %d\n", what, WEXITSTATUS(status));
  if (WIFSIGNALED(status)) printf("%s: signal %d\n", what, WTERMSIG(status));
  if (WIFSTOPPED(status)) printf("%s: stopped by %d\n", what, WSTOPSIG(status));
  if (WIFCONTINUED(status)) printf("%s: continued\n", what);
}

void simple() {
  handle(SIGUSR1);
  raise(SIGUSR1);
  printf("raise: %d code %d\n", count, last_code);
  kill(getpid(), SIGUSR1);
  printf("kill: %d code %d own pid %d\n", count, last_code, last_pid == getpid());
  printf("kill odd number: %s\n", outcome(kill(getpid(), 65)));
  printf("kill nobody: %s\n", outcome(kill(99999, 0)));
  struct sigaction action {};
  printf("handler of SIGKILL: %s\n", outcome(sigaction(SIGKILL, &(action = {}), nullptr)));
  signal(SIGUSR1, SIG_IGN);
  forget();
  raise(SIGUSR1);
  printf("ignored: %d\n", count);
}

void blocked() {
  forget();
  handle(SIGUSR1), handle(SIGRTMIN), handle(SIGRTMIN + 1);
  sigset_t set = only(SIGUSR1), old;
  sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGRTMIN + 1);
  sigprocmask(SIG_BLOCK, &set, &old);
  raise(SIGUSR1), raise(SIGUSR1);
  for (int i = 0; i < 3; ++i) {
    sigqueue(getpid(), SIGRTMIN + 1, {.sival_int = i + 10});
    sigqueue(getpid(), SIGRTMIN, {.sival_int = i});
  }
  sigset_t pending;
  sigpending(&pending);
  printf("pending %d %d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN),
         sigismember(&pending, SIGUSR2));
  sigprocmask(SIG_SETMASK, &old, nullptr);
  printf("order %s count %d\n", log_text, count);
  forget();
  set = only(SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, &old);
  raise(SIGUSR1);
  siginfo_t info;
  timespec soon{0, 10'000'000};
  printf("sigtimedwait %d, then ", sigtimedwait(&set, &info, &soon) == SIGUSR1);
  printf("%s\n", outcome(sigtimedwait(&set, &info, &soon)));
  sigset_t none;
  sigemptyset(&none);
  raise(SIGUSR1);
  printf("sigsuspend %s", outcome(sigsuspend(&none)));
  printf(" %d\n", count);
  sigprocmask(SIG_SETMASK, &old, nullptr);
}

// What a call that waits says when a signal comes. The signal comes again and again: on a busy machine the first may
// come before the call.
template <typename Call>
void interrupt(const char* name, Call call) {
  const itimerval soon{{0, 30000}, {0, 30000}}, never{};
  forget();
  setitimer(ITIMER_REAL, &soon, nullptr);
  const char* said = outcome(call());
  setitimer(ITIMER_REAL, &never, nullptr);
  printf("%s %s %d\n", name, said, count > 0);
}

void interrupted() {
  int pipes[2];
  pipe(pipes);
  char byte;
  handle(SIGALRM);
  interrupt("read", [&] { return read(pipes[0], &byte, 1); });
  pollfd waiting{pipes[0], POLLIN, 0};
  interrupt("poll", [&] { return poll(&waiting, 1, 60000); });
  timespec length{100, 0}, left{};
  interrupt("nanosleep", [&] { return nanosleep(&length, &left); });
  printf("left %d\n", left.tv_sec > 0 && left.tv_sec < 100);
  handle(SIGALRM, SA_RESTART);
  forget();
  const pid_t pid = fork();
  if (pid == 0) {
    usleep(30000);
    kill(getppid(), SIGALRM);
    usleep(30000);
    write(pipes[1], "x", 1);
    _exit(0);
  }
  const char* said = outcome(read(pipes[0], &byte, 1));
  printf("restarted read %s %d\n", said, count);
  int status;
  waitpid(pid, &status, 0);
  status_line("writer", status);
}

void timers() {
  forget();
  handle(SIGRTMIN + 2);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN + 2;
  event.sigev_value.sival_int = 5;
  timer_t timer;
  printf("timer_create %s\n", outcome(timer_create(CLOCK_MONOTONIC, &event, &timer)));
  itimerspec every{{0, 5'000'000}, {0, 5'000'000}};
  timer_settime(timer, 0, &every, nullptr);
  while (count < 4) pause();
  printf("timer code %d value %d\n", last_code, last_value);
  timer_delete(timer);
  printf("timer_delete again %s\n", outcome(timer_delete(timer)));
  handle(SIGVTALRM);
  forget();
  itimerval busy{{0, 0}, {0, 20000}};
  setitimer(ITIMER_VIRTUAL, &busy, nullptr);
  while (count == 0) {
  }
  printf("virtual timer %d\n", last_signal == SIGVTALRM);
  printf("alarm %u", alarm(100));
  printf(" %u\n", alarm(0));
}

sigjmp_buf back;
void overflow_handler(int, siginfo_t*, void*) { siglongjmp(back, 1); }
int deep(int n) {
  volatile char room[1000];
  room[0] = char(n);
  return n == 0 ? 0 : deep(n + 1) + room[0];
}

void alternate_stack() {
  static char stack[65536];
  const stack_t other{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof stack};
  printf("sigaltstack %s\n", outcome(sigaltstack(&other, nullptr)));
  stack_t small{.ss_sp = stack, .ss_flags = 0, .ss_size = 100};
  printf("too small %s\n", outcome(sigaltstack(&small, nullptr)));
  struct sigaction action {};
  action.sa_sigaction = overflow_handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGSEGV, &action, nullptr);
  const rlimit limit{256 * 1024, RLIM_INFINITY};
  setrlimit(RLIMIT_STACK, &limit);
  if (sigsetjmp(back, 1) == 0)
    printf("%d\n", deep(1));
  else
    printf("stack overflow caught\n");
}

void exceptions() {
  for (const int which : {0, 1, 2, 3, 4}) {
    const pid_t pid = fork();
    if (pid == 0) {
      const rlimit none{0, 0};
      setrlimit(RLIMIT_CORE, &none);
      for (int number : {SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGABRT}) signal(number, SIG_DFL);
      volatile int zero = 0;
      if (which == 0) *(volatile int*)8 = 1;
      if (which == 1) zero = 1 / zero;
      if (which == 2) asm volatile("ud2");
      if (which == 3) asm volatile("int3");
      if (which == 4) abort();
      _exit(1);
    }
    int status;
    waitpid(pid, &status, 0);
    status_line("child", status);
  }
}

void children() {
  handle(SIGCHLD);
  forget();
  pid_t pid = fork();
  if (pid == 0) {
    while (true) pause();
  }
  int status;
  kill(pid, SIGSTOP);
  waitpid(pid, &status, WUNTRACED);
  status_line("stop", status);
  printf("SIGCHLD code %d\n", last_code);
  kill(pid, SIGCONT);
  waitpid(pid, &status, WCONTINUED);
  status_line("cont", status);
  kill(pid, SIGTERM);
  siginfo_t info{};
  printf("waitid %s", outcome(waitid(P_PID, pid, &info, WEXITED | WNOWAIT)));
  printf(" code %d status %d\n", info.si_code, info.si_status);
  printf("waitpid %d ", waitpid(pid, &status, 0) == pid);
  status_line("end", status);
  printf("nobody left %s\n", outcome(waitpid(-1, &status, WNOHANG)));
  signal(SIGCHLD, SIG_IGN);
  pid = fork();
  if (pid == 0) _exit(3);
  printf("ignored children: %s\n", outcome(waitpid(pid, &status, 0)));
  signal(SIGCHLD, SIG_DFL);
}

// A period of a nanosecond is served as well as can be, and everybody else as well as ever.
void short_periods() {
  constexpr int count = 30;
  timer_t timers[count];
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGRTMIN, &action, nullptr);
  sigset_t real_time;
  sigemptyset(&real_time);
  sigaddset(&real_time, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &real_time, nullptr);
  for (timer_t& timer : timers) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    const itimerspec often{.it_interval = {0, 1}, .it_value = {0, 1}};
    timer_settime(timer, 0, &often, nullptr);
  }
  itimerval every{{0, 100}, {0, 100}};
  action.sa_handler = [](int) { ++alarms; };
  sigaction(SIGALRM, &action, nullptr);
  setitimer(ITIMER_REAL, &every, nullptr);
  timespec began, now;
  clock_gettime(CLOCK_MONOTONIC, &began);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while (now.tv_sec < began.tv_sec + 2);
  setitimer(ITIMER_REAL, (every = {}, &every), nullptr);
  printf("alarms: %s\n", alarms > 50 ? "many" : "few");
  // What has been going on while the signals were blocked is told by the overruns of the one that each timer sent.
  int taken = 0, overran = 0;
  siginfo_t info;
  const timespec none{};
  while (taken < count && sigtimedwait(&real_time, &info, &none) == SIGRTMIN)
    ++taken, overran += info.si_overrun > 1'000'000 ? 1 : 0;
  printf("%d signals, %d of them with a million overruns and more\n", taken, overran);
  // A time long past: the periods since then are overruns.
  for (timer_t& timer : timers) timer_delete(timer);
  while (sigtimedwait(&real_time, &info, &none) == SIGRTMIN) continue;
  sigevent event{};
  event.sigev_signo = SIGRTMIN;
  timer_create(CLOCK_REALTIME, &event, &timers[0]);
  timespec past;
  clock_gettime(CLOCK_REALTIME, &past);
  const itimerspec late{.it_interval = {0, 1000}, .it_value = {past.tv_sec - 3, past.tv_nsec}};
  timer_settime(timers[0], TIMER_ABSTIME, &late, nullptr);
  sigwaitinfo(&real_time, &info);
  printf("late by %s periods\n", info.si_overrun >= 3'000'000 ? "three million" : "too few");
  timer_delete(timers[0]);
  signal(SIGALRM, SIG_DFL);
}

void nested() {
  forget();
  struct sigaction action {};
  action.sa_handler = [](int) { raise(SIGUSR2), log_text[log_used++] = '1'; };
  action.sa_mask = only(SIGUSR2);
  sigaction(SIGUSR1, &action, nullptr);
  action.sa_handler = [](int) { log_text[log_used++] = '2'; };
  sigaction(SIGUSR2, &action, nullptr);
  raise(SIGUSR1);
  printf("masked in the handler: %s\n", log_text);
  forget();
  action.sa_handler = [](int) { log_text[log_used++] = 'r'; };
  action.sa_flags = SA_RESETHAND | SA_SIGINFO;
  sigaction(SIGURG, &action, nullptr);
  raise(SIGURG), raise(SIGURG);
  printf("once: %s\n", log_text);
  sigaction(SIGURG, nullptr, &action);
  printf("then %p, flags %x\n", reinterpret_cast<void*>(action.sa_handler),
         static_cast<unsigned>(action.sa_flags) & ~0x04000000u);
}

// A signal that is ignored vanishes, but not from who has blocked it, and not from who waits for it then.
void ignored() {
  signal(SIGUSR2, SIG_IGN);
  sigset_t set = only(SIGUSR2);
  const timespec soon{0, 10'000'000}, late{60, 0};
  siginfo_t info;
  for (const int how : {SIG_UNBLOCK, SIG_BLOCK}) {
    sigprocmask(how, &set, nullptr);
    const pid_t before = fork();
    if (before == 0) _exit(kill(getppid(), SIGUSR2));
    waitpid(before, nullptr, 0);
    printf("ignored and sent before: %s\n", outcome(sigtimedwait(&set, &info, &soon)));
  }
  const pid_t meanwhile = fork();
  if (meanwhile == 0) {
    usleep(100'000);
    _exit(kill(getppid(), SIGUSR2));
  }
  printf("ignored and sent meanwhile: %d\n", sigtimedwait(&set, &info, &late) == SIGUSR2);
  waitpid(meanwhile, nullptr, 0);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  signal(SIGUSR2, SIG_DFL);
}

}  // namespace

int main() {
  setvbuf(stdout, nullptr, _IONBF, 0);
  simple();
  blocked();
  ignored();
  interrupted();
  timers();
  exceptions();
  children();
  short_periods();
  nested();
  alternate_stack();
  raise(SIGTERM);
  return 1;
}
