// SPDX-License-Identifier: Apache-2.0
// Restartable sequences: registering, the core's number, sequences that signals, other threads and membarrier
// interrupt, and what becomes of threads whose words are bad.
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <initializer_list>

#include "show.h"

namespace {

struct rseq* own() {
  return reinterpret_cast<struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
}
volatile uint64_t* current() { return reinterpret_cast<volatile uint64_t*>(&own()->rseq_cs); }
long call(void* where, unsigned bytes, int flags, unsigned signature) {
  return syscall(SYS_rseq, where, bytes, flags, signature);
}

void registering() {
  printf("# registering\n");
  printf("by the C library: %d, at a core: %d\n", __rseq_size != 0, static_cast<int>(own()->cpu_id) >= 0);
  SHOW(call(own(), 32, 0, RSEQ_SIG));
  SHOW(call(own(), 32, 0, 1));
  SHOW(call(own() + 1, 32, 0, RSEQ_SIG));
  SHOW(call(own(), 31, 0, RSEQ_SIG));
  SHOW(call(own(), 32, 2, RSEQ_SIG));
  SHOW(call(own(), 32, 3, RSEQ_SIG));
  SHOW(call(own() + 1, 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  SHOW(call(own(), 16, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  SHOW(call(own(), 32, RSEQ_FLAG_UNREGISTER, 1));
  SHOW(call(own(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  printf("no core: %d, first %u\n", static_cast<int>(own()->cpu_id), own()->cpu_id_start);
  SHOW(call(own(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
  SHOW(call(reinterpret_cast<char*>(own()) + 4, 32, 0, RSEQ_SIG));
  SHOW(call(own(), 31, 0, RSEQ_SIG));
  SHOW(call(reinterpret_cast<void*>(uint64_t{1} << 63), 32, 0, RSEQ_SIG));
  SHOW(call(own(), 32, 0, RSEQ_SIG));
  printf("at a core: %d\n", static_cast<int>(own()->cpu_id) >= 0);
}

void the_core() {
  printf("# the core\n");
  for (int core : {0, 1, 0, 1}) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    sched_setaffinity(0, sizeof set, &set);
    printf("%d: %d %d %d\n", core, static_cast<int>(own()->cpu_id), static_cast<int>(own()->cpu_id_start),
           sched_getcpu());
  }
}

void be_on(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  sched_setaffinity(0, sizeof set, &set);
}

// Spins in a sequence until it is made to start over, or *stop.
extern "C" char sequence_start[], sequence_end[], sequence_abort[];
asm(R"(
.text
.global spin_in_sequence, sequence_start, sequence_end, sequence_abort
spin_in_sequence:
  movq %rdi, (%rsi)
sequence_start:
1: pause
  cmpl $0, (%rdx)
  je 1b
sequence_end:
  xorl %eax, %eax
  ret
  .byte 0x0f, 0xb9, 0x3d
  .long 0x53053053
sequence_abort:
  movl $1, %eax
  ret
)");
extern "C" int spin_in_sequence(const void* descriptor, volatile uint64_t* current, const std::atomic<int>* stop);

alignas(32) struct Descriptor {
  uint32_t version = 0, flags = 0;
  uint64_t start = reinterpret_cast<uint64_t>(sequence_start);
  uint64_t bytes = static_cast<uint64_t>(sequence_end - sequence_start);
  uint64_t abort = reinterpret_cast<uint64_t>(sequence_abort);
} good;

std::atomic<int> stop, interrupted_at_abort, handled;
void on_alarm(int, siginfo_t*, void* context) {
  const auto rip = static_cast<uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  interrupted_at_abort = rip == good.abort;
  handled = 1;
}

void alarm_soon() {
  const itimerval soon{{0, 0}, {0, 20000}};
  setitimer(ITIMER_REAL, &soon, nullptr);
}

void signals() {
  printf("# signals\n");
  struct sigaction action {};
  action.sa_sigaction = on_alarm;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGALRM, &action, nullptr);
  // Whoever is faster, the signal or the end of a slice, it starts over.
  alarm_soon();
  printf("started over: %d\n", spin_in_sequence(&good, current(), &stop));
  while (!handled) pause();
  printf("in none: %d\n", *current() == 0);
  stop = 1;
  printf("not interrupted: %d\n", spin_in_sequence(&good, current(), &stop));
  stop = 0;
  // One that is not in its sequence any more.
  handled = 0;
  *current() = reinterpret_cast<uint64_t>(&good);
  alarm_soon();
  while (!handled) pause();
  printf("elsewhere: %d, in none: %d\n", interrupted_at_abort.load(), *current() == 0);
}

std::atomic<int> spinning;
void* spin(void*) {
  be_on(0);
  while (!spinning) {
  }
  return nullptr;
}
void* be_in_sequence(void*) {
  be_on(0);
  handled = 2;
  return reinterpret_cast<void*>(static_cast<intptr_t>(spin_in_sequence(&good, current(), &stop)));
}

void threads() {
  printf("# threads\n");
  // Two on one core: the one in its sequence loses it to the other sooner or later.
  pthread_t one, other;
  pthread_create(&one, nullptr, spin, nullptr);
  pthread_create(&other, nullptr, be_in_sequence, nullptr);
  void* result = nullptr;
  pthread_join(other, &result);
  spinning = 1;
  pthread_join(one, nullptr);
  printf("preempted: %ld\n", reinterpret_cast<long>(result));
  // One that moves from core to core.
  handled = 0;
  pthread_create(&other, nullptr, be_in_sequence, nullptr);
  while (handled != 2) sched_yield();
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(1, &set);
  pthread_setaffinity_np(other, sizeof set, &set);
  pthread_join(other, &result);
  printf("moved: %ld\n", reinterpret_cast<long>(result));
}

void barriers() {
  printf("# membarrier\n");
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 2, 0));
  SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU, 0));
  handled = 0;
  pthread_t other;
  pthread_create(&other, nullptr, be_in_sequence, nullptr);
  while (handled != 2) sched_yield();
  be_on(1);
  // It is in its sequence soon after it said so.
  bool joined = false;
  for (int i = 0; i < 1000 && !joined; ++i) {
    joined = pthread_tryjoin_np(other, nullptr) == 0;
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0);
    usleep(100);
  }
  printf("started over: %d\n", joined);
}

template <typename F>
void ends(const char* what, F run) {
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("%s: status %d, signal %d\n", what, WEXITSTATUS(status), WTERMSIG(status));
}

void spin_with(const Descriptor& descriptor) {
  alarm_soon();
  _exit(spin_in_sequence(&descriptor, current(), &stop));
}

void bad_words() {
  printf("# bad words\n");
  ends("good", [] { spin_with(good); });
  ends("version", [] { spin_with({.version = 1}); });
  ends("a signature that is not there", [] { spin_with({.abort = good.abort + 1}); });
  ends("an abort within", [] { spin_with({.abort = good.start + 1}); });
  ends("beyond all memory", [] { spin_with({.bytes = ~uint64_t{0} - good.start}); });
  ends("an abort beyond", [] { spin_with({.abort = uint64_t{1} << 63}); });
  ends("no sequence", [] { spin_with(*reinterpret_cast<const Descriptor*>(8)); });
  ends("beyond", [] { spin_with(*reinterpret_cast<const Descriptor*>(uint64_t{1} << 63)); });
}

void others() {
  printf("# forks, threads and programs\n");
  ends("a child has it", [] { _exit(call(own(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0 ? 7 : 8); });
  call(own(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
  ends("a child has none", [] { _exit(call(own(), 32, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0 ? 7 : 8); });
  call(own(), 32, 0, RSEQ_SIG);
  ends("a program has its own", [] {
    char self[] = "/proc/self/exe", word[] = "again";
    char* arguments[] = {self, word, nullptr};
    execv(self, arguments);
  });
}

}  // namespace

int main(int count, char**) {
  setvbuf(stdout, nullptr, _IOFBF, 1 << 16);
  if (count > 1) return static_cast<int>(own()->cpu_id) >= 0 ? 9 : 10;
  registering();
  the_core();
  signals();
  bad_words();
  others();
  threads();
  barriers();
  return 0;
}
