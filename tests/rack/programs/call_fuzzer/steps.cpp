// SPDX-License-Identifier: Apache-2.0
// Steps: see steps.h.
#include "steps.h"

#include <asm/unistd_64.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "arena.h"
#include "arguments.h"
#include "calls.h"

namespace fuzzer {
namespace {

bool ends_the_process(std::uint64_t number) {
  return number == __NR_exit || number == __NR_exit_group || number == __NR_execve || number == __NR_execveat ||
         number == __NR_rt_sigreturn || number == __NR_vfork || number == __NR_clone || number == __NR_clone3 ||
         number == __NR_fork;
}

// As root it could end the driver, and what should be left at the end.
bool hits_the_driver(std::uint64_t number, const std::uint64_t* arguments) {
  switch (number) {
    case __NR_kill:
    case __NR_tkill:
    case __NR_tgkill:
    case __NR_rt_sigqueueinfo:
    case __NR_rt_tgsigqueueinfo:
    case __NR_prlimit64:
    case __NR_setpriority:
    case __NR_sched_setparam:
    case __NR_sched_setscheduler:
    case __NR_sched_setaffinity:
    case __NR_sched_setattr:
    case __NR_pidfd_open:
    case __NR_fcntl:
    case __NR_process_vm_writev:
    case __NR_ptrace:
      for (int i = 0; i < 3; ++i) {
        const int value = static_cast<int>(arguments[i]);
        if (value == progress->driver || value == -progress->driver || value == -1) return true;
      }
      return false;
    case __NR_reboot:
    case __NR_umount2:
    case __NR_mount:
    case __NR_pivot_root:
      return true;
    default:
      return false;
  }
}

void random_call(Context& context) {
  Random& random = context.random;
  const CallShape* shape = nullptr;
  std::uint64_t number = 0;
  if (random.one_in(10)) {
    number = random.one_in(20) ? edge(context) : random.below(470);
    if (ends_the_process(number)) return;
    shape = shape_of(static_cast<unsigned>(number));
  } else {
    shape = &fuzzer::shape(static_cast<unsigned>(random.below(shape_count())));
    number = static_cast<std::uint64_t>(shape->number);
  }
  const char* kinds = shape != nullptr ? shape->arguments : "bbbbbb";
  std::uint64_t arguments[6];
  for (unsigned i = 0; i < 6; ++i) {
    arguments[i] = *kinds != 0 ? argument(context, *kinds, room(context, i)) : edge(context);
    if (*kinds != 0) ++kinds;
  }
  if (context.privileged && hits_the_driver(number, arguments)) return;
  raw_call(static_cast<long>(number), arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
           arguments[5]);
}

// A process that has another life from here on.
void become_another(Context& context) {
  context.random = Random(context.random.next() ^ 0x1234567);
  context.tid.store(raw_call(__NR_gettid), std::memory_order_relaxed);
}

void execute(Context& context) {
  static constexpr const char* programs[] = {"/bin/busybox", "/proc/self/exe", "a", "/bin/sh", "/etc/passwd", "."};
  Random& random = context.random;
  const char* program = random.of(programs);
  const std::uint64_t words = random.one_in(2) ? 0 : argument(context, 'A', room(context, 0));
  raw_call(__NR_execve, reinterpret_cast<std::uint64_t>(program), words, random.one_in(2) ? 0 : words);
  if (random.one_in(4))
    raw_call(__NR_execveat, random.below(usual_descriptors), argument(context, 's', nullptr), words, 0,
             argument(context, 'x', nullptr));
}

void new_process(Context& context) {
  if (progress->forks_left.fetch_sub(1, std::memory_order_relaxed) <= 0) return;
  Random& random = context.random;
  if (random.one_in(4)) {  // the child borrows everything, does a few calls, and is gone
    const long child = raw_call(__NR_clone, CLONE_VFORK | SIGCHLD, 0);
    if (child != 0) return;
    become_another(context);
    if (random.one_in(2)) execute(context);
    raw_call(__NR_exit_group, random.below(256));
  }
  static constexpr std::uint64_t flags[] = {
      CLONE_FILES,         CLONE_FS,     CLONE_SIGHAND, CLONE_PARENT,  CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID,
      CLONE_PARENT_SETTID, CLONE_NEWPID, CLONE_NEWUSER, CLONE_SYSVSEM, CLONE_PTRACE,       CLONE_IO,
      CLONE_PIDFD};
  std::uint64_t chosen = random.one_in(4) ? random.below(65) : SIGCHLD;
  if (random.one_in(2)) chosen |= random.of(flags);
  if (random.one_in(4)) chosen |= random.of(flags);
  const std::uint64_t place = buffer_address(context);
  long child = 0;
  if (random.one_in(3)) {
    std::uint64_t* arguments = reinterpret_cast<std::uint64_t*>(room(context, 0));
    argument(context, 'E', room(context, 0));
    arguments[0] = chosen & ~255ull, arguments[4] = chosen & 255, arguments[5] = 0, arguments[6] = 0;
    child = raw_call(__NR_clone3, reinterpret_cast<std::uint64_t>(arguments), random.one_in(4) ? edge(context) : 64);
  } else {
    child = raw_call(__NR_clone, chosen, 0, place, place, random.one_in(2) ? edge(context) : place);
  }
  if (child == 0) {
    become_another(context);
    if (random.one_in(6)) execute(context);
  } else if (child > 0 && random.one_in(3)) {
    raw_call(__NR_kill, static_cast<std::uint64_t>(child), random.below(20));
    raw_call(__NR_wait4, static_cast<std::uint64_t>(child), 0, 1, 0);
  }
}

void end_somehow(Context& context) {
  if (!context.random.one_in(20)) return;
  switch (context.random.below(5)) {
    case 0:
      raw_call(__NR_exit_group, context.random.next());
      return;
    case 1:
      raw_call(__NR_exit, context.random.next());
      return;  // a thread's stack and context stay
    case 2:
      raw_call(__NR_kill, raw_call(__NR_getpid), context.random.below(65));
      return;
    default:
      execute(context);
  }
}

void* run_thread(void* opaque) {
  Context& context = *static_cast<Context*>(opaque);
  adopt_thread(context);
  while (progress->calls.fetch_add(1, std::memory_order_relaxed) < progress->limit) run_protected(step, context);
  raw_call(__NR_exit_group, 0);
  return nullptr;
}

// Ends waits: whoever blocks gets a signal soon.
void* nudge(void* threads) {
  while (true) {
    const timespec pause{0, 2'000'000};
    raw_call(__NR_nanosleep, reinterpret_cast<std::uint64_t>(&pause), 0);
    const auto process = static_cast<std::uint64_t>(raw_call(__NR_getpid));
    for (unsigned i = 0; i < max_threads; ++i)
      if (const long tid = contexts[i].tid.load(std::memory_order_relaxed); tid != 0)
        raw_call(__NR_tgkill, process, static_cast<std::uint64_t>(tid), SIGUSR1);
  }
}

}  // namespace

void step(Context& context) {
  switch (context.random.below(32)) {
    case 0:
    case 1:
      map_region(context, static_cast<unsigned>(context.random.below(regions)));
      return;
    case 2:
    case 3:
      open_descriptor(context, 3 + static_cast<int>(context.random.below(usual_descriptors - 3)));
      return;
    case 4:
      run_odd_code(context);
      return;
    case 5:
      return_from_no_signal(context);
      return;
    case 6:
      new_process(context);
      return;
    case 7:
      end_somehow(context);
      return;
    default:
      random_call(context);
  }
}

void run_worker(std::uint64_t seed, bool privileged) {
  Random random(seed);
  raw_call(__NR_setsid);
  const unsigned threads = 1 + static_cast<unsigned>(random.below(max_threads));
  for (unsigned i = 0; i < max_threads; ++i) {
    contexts[i].random = Random(random.next());
    contexts[i].slot = i;
    contexts[i].privileged = privileged;
  }
  adopt_thread(contexts[0]);
  run_protected(fill_arena, contexts[0]);
  if (!privileged) {
    raw_call(__NR_setgroups, 0, 0);
    raw_call(__NR_setresgid, 65534, 65534, 65534);
    raw_call(__NR_setresuid, 65534, 65534, 65534);
  }
  pthread_t made;
  pthread_create(&made, nullptr, nudge, nullptr);
  for (unsigned i = 1; i < threads; ++i) pthread_create(&made, nullptr, run_thread, &contexts[i]);
  run_thread(&contexts[0]);
  __builtin_unreachable();
}

}  // namespace fuzzer
