// SPDX-License-Identifier: Apache-2.0
// User threads of the tests and the personality that serves them: see user_task.h.
#include "tests/rack/threads/user_task.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/user_mode.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/assert.h"

namespace image_test {

using arch::TrapFrame;
using threads::Interruptible;

UserTask::~UserTask() {
  if (started_) wait();
}

void UserTask::launch(base::Result<threads::Thread*> thread) {
  LEGO_ASSERT(thread.has_value());
  started_ = true;
  threads::start(**thread);
}

threads::Thread* UserTask::start(Program program, std::array<std::uint64_t, 3> arguments,
                                 threads::ThreadOptions options) {
  TrapFrame frame = arch::initial_user_frame(space_.entry(program), space_.add_stack());
  frame.rdi = arguments[0];
  frame.rsi = arguments[1];
  frame.rdx = arguments[2];
  options.name = "user";
  options.owner = this;
  auto thread = threads::create_user(options, frame, space_.domain());
  launch(thread);
  return *thread;
}

threads::Thread* UserTask::start_in_kernel(void (*entry)(UserTask&), threads::ThreadOptions options) {
  kernel_part_ = entry;
  options.name = "in kernel";
  options.owner = this;
  auto thread = threads::create_user(options, enter_kernel_part, this);
  launch(thread);
  return *thread;
}

void UserTask::enter_kernel_part(void* argument) {
  auto& task = *static_cast<UserTask*>(argument);
  threads::current().set_address_space(&task.space_.domain());
  task.kernel_part_(task);
  threads::current().set_address_space(nullptr);
  task.code_ = 0;
}

void UserTask::start_as_fork_of(threads::Thread& parent) {
  TrapFrame frame = parent.user_frame();
  frame.rax = 0;
  // A stack of its own would need its contents: the program does not use it after the call.
  frame.rsp = space_.add_stack().value();
  auto thread = threads::create_user({.name = "child", .owner = this}, frame, space_.domain());
  LEGO_ASSERT(thread.has_value());
  (*thread)->write_fpu().copy_from(parent.read_fpu());
  (*thread)->set_segment_bases(parent.segment_bases());
  launch(thread);
}

std::uint64_t UserTask::wait() {
  gone_.wait();
  return code_;
}

void UserTask::thread_gone(threads::Thread& thread) {
  times_ = thread.times();
  gone_.set();
}

struct Personality {
  static UserTask& task() { return static_cast<UserTask&>(*threads::current().owner()); }

  [[noreturn]] static void end(UserTask& task, std::uint64_t code) {
    task.code_ = code;
    threads::current().set_address_space(nullptr);
    threads::exit();
  }

  static std::uint64_t change_vector_state(const TrapFrame& frame) {
    threads::Thread& thread = threads::current();
    const base::UserVa buffer(frame.rdi);
    if (!arch::write_signal_fpu(thread.read_fpu(), buffer)) return 1;
    const arch::UserInOut<std::uint64_t> xmm5(buffer + offsetof(arch::FxsaveArea, xmm) + 5 * 16);
    if (xmm5.read() != 0x1212121212121212) return 2;
    if (!xmm5.write(frame.rsi)) return 3;
    if (!arch::read_signal_fpu(thread.write_fpu(), buffer)) return 4;
    return 0;
  }

  static void change_everything(TrapFrame& frame) {
    frame.rbx = 0xb0b0;
    frame.rcx = 0xc0c0;
    frame.r11 = 0xd0d0;
    frame.r15 = 0xe0e0;
    frame.rax = 0xf0f0;
  }

  static void system_call(TrapFrame& frame) {
    UserTask& caller = task();
    ++caller.calls_;
    CHECK(frame.vector == arch::syscall_vector && frame.error == frame.rax && frame.from_user());
    CHECK(arch::interrupts_enabled() && (arch::read_rflags() & (arch::rflags_direction | arch::rflags_trap)) == 0);
    CHECK(&frame == &threads::current().user_frame());
    switch (frame.rax) {
      case 0:
        end(caller, frame.rdi);
      case 1:
        frame.rax = frame.rdi + 1;
        break;
      case 2:
        nap();
        frame.rax = 0;
        break;
      case 3:
        threads::yield();
        frame.rax = 0;
        break;
      case 4:
        change_everything(frame);
        break;
      case 5:
        caller.child->start_as_fork_of(threads::current());
        frame.rax = 1;
        break;
      case 6:
        frame.rax = change_vector_state(frame);
        break;
      case 7:
        break;
      case 8:
        frame.rip = 0x8000'0000'0000'0000;
        frame.rcx = frame.rip;
        break;
      default:
        end(caller, 1000 + frame.rax);
    }
  }

  static arch::FaultOutcome page_fault(TrapFrame&, const arch::PageFault& fault) {
    UserTask& faulting = task();
    ++faulting.faults_;
    CHECK(arch::interrupts_enabled());
    if (fault.address == read_only_address + 0xff8) nap();
    if (fault.present || fault.address < demand_address) return arch::FaultOutcome::Failed;
    nap();  // as a fill over the network does
    return faulting.space().demand_page(fault.address) ? arch::FaultOutcome::Retry : arch::FaultOutcome::Failed;
  }

  static void exception(TrapFrame& frame, std::uint8_t vector, std::uint64_t error, base::UserVa address) {
    CHECK(arch::interrupts_enabled());
    frame.r12 = vector;
    frame.r13 = error;
    frame.r14 = address.value();
    frame.rip = frame.rbx;
    frame.rflags &= ~arch::rflags_trap;
  }

  static void before_user_mode(threads::Thread& thread, TrapFrame& frame) {
    CHECK(arch::interrupts_enabled() && &frame == &thread.user_frame());
    thread.clear_interrupt();
    if (!thread.killed()) return;
    task().killed_ = true;
    end(task(), 0);
  }
};

std::uint64_t cpu_bits() {
  const bool avx = (arch::fpu_layout().features & arch::xfeature::avx) != 0;
  return (avx ? 1u : 0u) | (arch::cpu_features().fsgsbase ? 2u : 0u);
}

void install_personality() {
  arch::UserModeHandlers& handlers = arch::user_mode_handlers();
  handlers.system_call = Personality::system_call;
  handlers.page_fault = Personality::page_fault;
  handlers.exception = Personality::exception;
  threads::set_return_to_user_hook(Personality::before_user_mode);
}

}  // namespace image_test
