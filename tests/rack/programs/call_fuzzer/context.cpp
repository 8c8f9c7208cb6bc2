// SPDX-License-Identifier: Apache-2.0
// Surviving: see context.h. The handler uses no thread-local storage and no library: FS may be anything.
#include "context.h"

#include <asm/prctl.h>
#include <asm/unistd_64.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

namespace fuzzer {

Context* contexts = nullptr;
Progress* progress = nullptr;

namespace {

constexpr unsigned stack_bytes = 65536;
unsigned char sample[sample_bytes];
std::atomic<bool> sampled{false};

Context* own_context() {
  const long tid = raw_call(__NR_gettid);
  for (unsigned i = 0; i < max_threads; ++i)
    if (contexts[i].tid.load(std::memory_order_relaxed) == tid) return &contexts[i];
  return nullptr;
}

}  // namespace

extern "C" {
long fuzzer_run(void (*function)(Context&), Context* context);
extern char fuzzer_recover[];
}
asm(R"(
  .text
  .globl fuzzer_run, fuzzer_recover
fuzzer_run:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rsi)
  mov %rdi, %rax
  mov %rsi, %rdi
  sub $8, %rsp
  call *%rax
  add $8, %rsp
  xor %eax, %eax
fuzzer_recover:
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
)");

namespace {

void on_fault(int signal, siginfo_t*, void* opaque) {
  Context* context = own_context();
  if (context == nullptr || ++context->recoveries > 100000) raw_call(__NR_exit_group, 1);
  raw_call(__NR_arch_prctl, ARCH_SET_FS, context->fs_base);
  auto& registers = static_cast<ucontext_t*>(opaque)->uc_mcontext.gregs;
  registers[REG_RSP] = static_cast<greg_t>(context->kept_rsp);
  registers[REG_RIP] = reinterpret_cast<greg_t>(fuzzer_recover);
  registers[REG_RAX] = signal;
  registers[REG_EFL] = 0x202;
  registers[REG_CSGSFS] = 0x33 | (greg_t{0x2b} << 48);
}

// Interrupts a call that waits.
void on_nudge(int, siginfo_t*, void* opaque) {
  if (sampled.load(std::memory_order_relaxed)) return;
  memcpy(sample, static_cast<char*>(opaque) - 8, 440);
  const auto* vectors = reinterpret_cast<char*>(static_cast<ucontext_t*>(opaque)->uc_mcontext.fpregs);
  if (vectors != nullptr) memcpy(sample + 512, vectors, 2700);
  sampled.store(true, std::memory_order_relaxed);
}

}  // namespace

void adopt_thread(Context& context) {
  context.tid.store(raw_call(__NR_gettid), std::memory_order_relaxed);
  raw_call(__NR_arch_prctl, ARCH_GET_FS, reinterpret_cast<std::uint64_t>(&context.fs_base));
  void* memory = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stack_t stack{};
  stack.ss_sp = memory, stack.ss_size = stack_bytes;
  sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  action.sa_sigaction = on_fault;
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS}) sigaction(signal, &action, nullptr);
  action.sa_sigaction = on_nudge;
  for (const int signal : {SIGUSR1, SIGALRM, SIGPIPE, SIGIO, SIGHUP, SIGTTOU, SIGTTIN, SIGXFSZ})
    sigaction(signal, &action, nullptr);
}

long run_protected(void (*function)(Context&), Context& context) { return fuzzer_run(function, &context); }

const unsigned char* sample_frame() { return sampled.load(std::memory_order_relaxed) ? sample : nullptr; }

}  // namespace fuzzer
