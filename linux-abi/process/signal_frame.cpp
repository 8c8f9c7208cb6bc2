// SPDX-License-Identifier: Apache-2.0
// Signal frames: see signal_frame.h.
#include "linux-abi/process/signal_frame.h"

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/user_mode.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/types.h"

namespace linux_abi {
namespace {

// struct sigcontext of 64-bit programs.
struct UserRegisters {
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error, trap, old_mask, cr2;
  std::uint64_t vector_state;  // address, 0: none
  std::uint64_t reserved[8];
};
static_assert(sizeof(UserRegisters) == 256);

struct UserStack {
  std::uint64_t address;
  std::uint32_t flags, padding;
  std::uint64_t bytes;
};

struct UserContext {
  std::uint64_t flags, link;
  UserStack stack;
  UserRegisters registers;
  std::uint64_t mask;
};
static_assert(sizeof(UserContext) == 304 && offsetof(UserContext, registers) == 40 &&
              offsetof(UserContext, mask) == 296);

struct SignalFrame {
  std::uint64_t return_address;
  UserContext context;
  SignalInformationBytes information;
};
static_assert(sizeof(SignalFrame) == 440);

constexpr std::uint64_t has_vector_state = 1, strict_stack_segment = 6;  // uc_flags: UC_FP_XSTATE, UC_SIGCONTEXT_SS...
constexpr std::uint64_t red_zone_bytes = 128;
constexpr std::uint32_t on_stack = 1, disabled = 2, autodisarm = 1U << 31;  // SS_*

bool on_alternate_stack(const AlternateStack& stack, std::uint64_t address) {
  return (stack.flags & autodisarm) == 0 && address > stack.address && address - stack.address <= stack.bytes;
}

UserRegisters registers_of(const arch::TrapFrame& frame, std::uint64_t mask, std::uint64_t fault_address,
                           std::uint64_t vector_state) {
  UserRegisters r{};
  r.r8 = frame.r8, r.r9 = frame.r9, r.r10 = frame.r10, r.r11 = frame.r11, r.r12 = frame.r12, r.r13 = frame.r13;
  r.r14 = frame.r14, r.r15 = frame.r15, r.rdi = frame.rdi, r.rsi = frame.rsi, r.rbp = frame.rbp, r.rbx = frame.rbx;
  r.rdx = frame.rdx, r.rax = frame.rax, r.rcx = frame.rcx, r.rsp = frame.rsp, r.rip = frame.rip;
  r.rflags = frame.rflags, r.cs = static_cast<std::uint16_t>(frame.cs), r.ss = static_cast<std::uint16_t>(frame.ss);
  if (frame.vector != arch::syscall_vector) r.error = frame.error, r.trap = frame.vector;
  r.old_mask = mask, r.cr2 = fault_address, r.vector_state = vector_state;
  return r;
}

void restore_registers(arch::TrapFrame& frame, const UserRegisters& r) {
  frame.r8 = r.r8, frame.r9 = r.r9, frame.r10 = r.r10, frame.r11 = r.r11, frame.r12 = r.r12, frame.r13 = r.r13;
  frame.r14 = r.r14, frame.r15 = r.r15, frame.rdi = r.rdi, frame.rsi = r.rsi, frame.rbp = r.rbp, frame.rbx = r.rbx;
  frame.rdx = r.rdx, frame.rax = r.rax, frame.rcx = r.rcx, frame.rsp = r.rsp, frame.rip = r.rip;
  frame.rflags = r.rflags;
  arch::sanitize_user_frame(frame);
}

std::uint64_t frame_top(const Thread& thread, const arch::TrapFrame& frame, const SignalAction& action) {
  const AlternateStack& stack = thread.alternate_stack;
  const bool wanted = (action.flags & sig::flag::on_stack) != 0 && (stack.flags & disabled) == 0;
  if (wanted && !on_alternate_stack(stack, frame.rsp)) return stack.address + stack.bytes;
  return frame.rsp - red_zone_bytes;
}

}  // namespace

Answer<> push_signal_frame(Thread& thread, arch::TrapFrame& frame, const SignalInformation& information,
                           const SignalAction& action, SignalSet old_mask) {
  if ((action.flags & sig::flag::restorer) == 0) return error(EFAULT);
  const std::uint64_t top = frame_top(thread, frame, action);
  const std::uint64_t vector_state = base::round_down(top - arch::signal_fpu_bytes(), 64);
  // At the handler's entry the stack is as after a call: 8 below a multiple of 16.
  const std::uint64_t place = base::round_down(vector_state - sizeof(SignalFrame), 16) - 8;
  TRY(arch::write_signal_fpu(thread.kernel_thread().read_fpu(), base::UserVa(vector_state)));
  SignalFrame written{};
  written.return_address = action.restorer;
  const AlternateStack& stack = thread.alternate_stack;
  const std::uint32_t stack_flags =
      stack.flags | ((stack.flags & disabled) == 0 && on_alternate_stack(stack, frame.rsp) ? on_stack : 0U);
  written.context.flags = has_vector_state | strict_stack_segment;
  written.context.stack = {stack.address, stack_flags, 0, stack.bytes};
  const bool fault = synchronous.contains(information.signal) && information.code > 0;
  written.context.registers = registers_of(frame, old_mask.bits(), fault ? information.value : 0, vector_state);
  written.context.mask = old_mask.bits();
  written.information = user_layout(information);
  TRY(arch::UserOut<SignalFrame>(place).write(written));
  if ((stack.flags & autodisarm) != 0) thread.alternate_stack = {};
  frame.rsp = place;
  frame.rip = action.handler;
  frame.rdi = static_cast<std::uint64_t>(information.signal);
  frame.rsi = place + offsetof(SignalFrame, information);
  frame.rdx = place + offsetof(SignalFrame, context);
  frame.rax = 0;
  constexpr std::uint64_t direction = 0x400, resume = 0x10000, trap = 0x100;
  frame.rflags &= ~(direction | resume | trap);
  thread.kernel_thread().write_fpu().reset();
  return {};
}

Answer<RestoredContext> pop_signal_frame(Thread& thread, arch::TrapFrame& frame) {
  // The handler's return took the return address.
  const arch::UserIn<UserContext> place(frame.rsp - 8 + offsetof(SignalFrame, context));
  const UserContext context = TRY(place.read());
  if (context.registers.vector_state != 0)
    TRY(arch::read_signal_fpu(thread.kernel_thread().write_fpu(), base::UserVa(context.registers.vector_state)));
  else
    thread.kernel_thread().write_fpu().reset();
  restore_registers(frame, context.registers);
  if (!on_alternate_stack(thread.alternate_stack, frame.rsp) || (context.stack.flags & autodisarm) != 0)
    thread.alternate_stack = {context.stack.address, context.stack.bytes, context.stack.flags & ~on_stack};
  return RestoredContext{SignalSet(context.mask) & ~unblockable, context.registers.rax};
}

}  // namespace linux_abi
