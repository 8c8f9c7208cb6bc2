// SPDX-License-Identifier: Apache-2.0
// ptrace(2): see process/tracing.h. Everything about a thread but attaching to it asks that it has stopped for the
// caller's process, and happens under tasks_lock, so that it stays so; user memory is copied before or after.
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/uio.h>

#include <cstring>

#include "arch/x86_64/fpu.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/memory.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/process/signal_sending.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/process/user_registers.h"

namespace linux_abi::calls {
namespace {

using State = Traced::State;
using Request = Answer<std::uint64_t>;
using arch::UserIn;
using arch::UserOut;

// ESRCH. Traced by the caller's process; `stopped`: and waiting for it.
Answer<Traced*> find_locked(Call& call, bool stopped = true) {
  const PidEntry* entry = call.process().vnode().pids.find(Call::as_int(call.b()));
  if (entry == nullptr || entry->thread == nullptr) return error(ESRCH);
  Traced* traced = traced_of(*entry->thread);
  if (traced == nullptr || traced->tracer != &call.process()) return error(ESRCH);
  if (stopped && traced->state != State::Stopped) return error(ESRCH);
  return traced;
}

Request trace_me(Call& call) {
  auto record = base::make<Traced>();
  if (!record) return error(ENOMEM);
  const base::SpinGuard guard(tasks_lock);
  Process* parent = call.process().parent;
  if (parent == nullptr || traced_of(call.thread) != nullptr) return error(EPERM);
  attach_locked(*parent, call.thread, record.release());
  return std::uint64_t{0};
}

Answer<> check_options(std::uint64_t options) {
  return (options & ~std::uint64_t{trace_event::known_options}) != 0 ? error(EINVAL) : Answer<>();
}

Request attach(Call& call, bool seize) {
  if (seize) {
    if (call.c() != 0) return error(EIO);
    if (!check_options(call.d())) return error(EIO);
  }
  auto record = base::make<Traced>();
  if (!record) return error(ENOMEM);
  const base::SpinGuard guard(tasks_lock);
  const PidEntry* entry = call.process().vnode().pids.find(Call::as_int(call.b()));
  if (entry == nullptr) return error(Call::as_int(call.b()) == kernel_pid ? EPERM : ESRCH);
  Thread* thread = entry->thread;
  if (thread == nullptr) return error(entry->process == nullptr ? ESRCH : EPERM);
  if (&thread->process() == &call.process() || !may_inspect_locked(call.thread, *thread)) return error(EPERM);
  if (thread->exiting || traced_of(*thread) != nullptr) return error(EPERM);
  record->seized = seize;
  if (seize) record->options = static_cast<std::uint32_t>(call.d());
  attach_locked(call.process(), *thread, record.release());
  if (!seize) (void)send_to_thread_locked(*thread, {.signal = sig::stop, .code = sig::code::user});
  // One of a stopped process stops for its tracer as well.
  thread->process().state_changes.wake_all();
  return std::uint64_t{0};
}

Request interrupt(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  Traced* traced = TRY(find_locked(call, false));
  if (!traced->seized) return error(EIO);
  traced->interrupt = true;
  traced->thread->process().state_changes.wake_all();
  traced->thread->kernel_thread().interrupt();
  return std::uint64_t{0};
}

Request listen(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  Traced* traced = TRY(find_locked(call));
  if (!traced->seized || traced->code >> 8 != trace_event::stop) return error(EIO);
  // What is over by now is told at once.
  traced->state = State::Listening;
  traced->leaves_stop = false;
  traced->thread->process().state_changes.wake_all();
  return std::uint64_t{0};
}

Request go_on(Call& call, std::uint64_t request) {
  if (call.d() > max_signal) return error(EIO);
  const base::SpinGuard guard(tasks_lock);
  Traced* traced = TRY(find_locked(call));
  traced->stops_at_calls = request == PTRACE_SYSCALL;
  traced->steps = request == PTRACE_SINGLESTEP;
  resume_locked(*traced, static_cast<int>(call.d()));
  return std::uint64_t{0};
}

Request detach(Call& call) {
  if (call.d() > max_signal) return error(EIO);
  const base::SpinGuard guard(tasks_lock);
  Traced* traced = TRY(find_locked(call, false));
  if (traced->state == State::Running) return error(ESRCH);
  let_go_locked(*traced, static_cast<int>(call.d()));
  return std::uint64_t{0};
}

Request kill(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  const Traced* traced = TRY(find_locked(call, false));
  (void)send_to_process_locked(traced->thread->process(), {.signal = sig::kill, .code = sig::code::user});
  return std::uint64_t{0};
}

Answer<processor::Reference<processor::AddressSpace>> space_of(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return TRY(find_locked(call))->thread->process().share_space();
}

Request peek(Call& call) {
  const auto space = TRY(space_of(call));
  std::uint64_t word = 0;
  const auto bytes = std::as_writable_bytes(std::span(&word, 1));
  if (force_read(space, call.c(), bytes, call.thread.sleeper()) != bytes.size()) return error(EIO);
  TRY(UserOut<std::uint64_t>(call.d()).write(word));
  return std::uint64_t{0};
}

Request poke(Call& call) {
  const auto space = TRY(space_of(call));
  const std::uint64_t word = call.d();
  const auto bytes = std::as_bytes(std::span(&word, 1));
  if (force_write(space, call.c(), bytes, call.thread.sleeper()) != bytes.size()) return error(EIO);
  return std::uint64_t{0};
}

core::Registers registers_locked(const Thread& thread) {
  return registers_of(thread.kernel_thread().user_frame(), thread.kernel_thread().segment_bases());
}

Answer<core::Registers> read_registers(Call& call) {
  const base::SpinGuard guard(tasks_lock);
  return registers_locked(*TRY(find_locked(call))->thread);
}

// A call that was interrupted is made again where the registers say so, and is not where they say that there is none:
// debuggers put away the registers of a call and bring them back.
void write_registers_locked(Thread& thread, const core::Registers& registers) {
  arch::TrapFrame& frame = thread.kernel_thread().user_frame();
  const auto number = static_cast<std::int64_t>(registers.orig_rax);
  const bool in_call = number >= 0;
  frame.vector = in_call ? arch::syscall_vector : 0;
  set_registers(frame, registers);
  const auto result = static_cast<std::int64_t>(registers.rax);
  thread.restart_code = 0;
  if (in_call && (result == -restart_always || result == -restart_no_handler || result == -restart_block))
    thread.restart_code = static_cast<int>(-result);
}

Answer<> write_registers(Call& call, const core::Registers& registers) {
  if (!arch::is_valid_segment_base(registers.fs_base) || !arch::is_valid_segment_base(registers.gs_base))
    return error(EIO);
  const base::SpinGuard guard(tasks_lock);
  Thread& thread = *TRY(find_locked(call))->thread;
  write_registers_locked(thread, registers);
  thread.kernel_thread().set_segment_bases({registers.fs_base, registers.gs_base});
  return {};
}

// struct user begins with the registers; debug registers are all 0.
constexpr std::uint64_t user_bytes = 912, first_debug_register = 848;

Request peek_user(Call& call) {
  const std::uint64_t offset = call.c();
  if (offset % 8 != 0 || offset >= user_bytes) return error(EIO);
  const core::Registers registers = TRY(read_registers(call));
  std::uint64_t word = 0;
  if (offset < sizeof registers)
    std::memcpy(&word, reinterpret_cast<const std::byte*>(&registers) + offset, sizeof word);
  TRY(UserOut<std::uint64_t>(call.d()).write(word));
  return std::uint64_t{0};
}

Request poke_user(Call& call) {
  const std::uint64_t offset = call.c();
  if (offset % 8 != 0 || offset >= user_bytes) return error(EIO);
  core::Registers registers = TRY(read_registers(call));
  if (offset >= sizeof registers) {
    // Nobody watches with debug registers; turning them off is fine.
    if (offset >= first_debug_register && call.d() != 0) return error(EINVAL);
    return std::uint64_t{0};
  }
  std::memcpy(reinterpret_cast<std::byte*>(&registers) + offset, &call.frame.r10, sizeof call.frame.r10);
  TRY(write_registers(call, registers));
  return std::uint64_t{0};
}

// The vector registers as of now.
Answer<base::Array<std::byte>> read_vectors(Call& call) {
  base::Array<std::byte> image;
  TRY(image.resize(arch::fpu_layout().state_bytes));
  {
    const base::SpinGuard guard(tasks_lock);
    const auto bytes = TRY(find_locked(call))->thread->kernel_thread().read_fpu().bytes();
    std::memcpy(image.data(), bytes.data(), std::min(bytes.size(), image.size()));
  }
  if (arch::fpu_layout().xsave) core::note_features(image.span(), arch::fpu_layout().features);
  return image;
}

// The first bytes of an image; the others stay.
Answer<> write_vectors(Call& call, std::uint64_t from, std::size_t bytes) {
  base::Array<std::byte> image = TRY(read_vectors(call));
  bytes = std::min(bytes, image.size());
  TRY(arch::copy_from_user(image.span().first(bytes), base::UserVa(from)));
  TRY(arch::make_loadable(image.span(), image.size(), arch::fpu_layout()));
  const base::SpinGuard guard(tasks_lock);
  const auto place = TRY(find_locked(call))->thread->kernel_thread().write_fpu().bytes();
  std::memcpy(place.data(), image.data(), std::min(place.size(), image.size()));
  return {};
}

enum class Way : std::uint8_t { Get, Set };

Request registers(Call& call, Way way) {
  if (way == Way::Get) {
    const core::Registers values = TRY(read_registers(call));
    TRY(UserOut<core::Registers>(call.d()).write(values));
  } else {
    const core::Registers values = TRY(UserIn<core::Registers>(call.d()).read());
    TRY(write_registers(call, values));
  }
  return std::uint64_t{0};
}

Request vectors(Call& call, Way way) {
  if (way == Way::Set) {
    TRY(write_vectors(call, call.d(), core::fxsave_bytes));
    return std::uint64_t{0};
  }
  const base::Array<std::byte> image = TRY(read_vectors(call));
  TRY(arch::copy_to_user(base::UserVa(call.d()), image.span().first(core::fxsave_bytes)));
  return std::uint64_t{0};
}

struct UserRange {
  std::uint64_t address, bytes;
};

Answer<std::uint64_t> get_set(Call& call, const UserRange& range) {
  std::span<const std::byte> source;
  core::Registers registers{};
  base::Array<std::byte> image;
  if (call.c() == NT_PRSTATUS) {
    registers = TRY(read_registers(call));
    source = std::as_bytes(std::span(&registers, 1));
  } else {
    image = TRY(read_vectors(call));
    source = call.c() == NT_PRFPREG ? image.span().first(core::fxsave_bytes) : image.span();
  }
  const std::size_t bytes = std::min<std::uint64_t>(range.bytes, source.size());
  TRY(arch::copy_to_user(base::UserVa(range.address), source.first(bytes)));
  return std::uint64_t{bytes};
}

Answer<std::uint64_t> set_set(Call& call, const UserRange& range) {
  if (call.c() != NT_PRSTATUS) {
    const std::size_t all = call.c() == NT_PRFPREG ? core::fxsave_bytes : arch::fpu_layout().state_bytes;
    const std::size_t bytes = std::min<std::uint64_t>(range.bytes, all);
    TRY(write_vectors(call, range.address, bytes));
    return std::uint64_t{bytes};
  }
  core::Registers registers = TRY(read_registers(call));
  const std::size_t bytes = std::min<std::uint64_t>(range.bytes, sizeof registers);
  TRY(arch::copy_from_user(std::as_writable_bytes(std::span(&registers, 1)).first(bytes), base::UserVa(range.address)));
  TRY(write_registers(call, registers));
  return std::uint64_t{bytes};
}

Request register_set(Call& call, Way way) {
  const auto place = arch::UserInOut<UserRange>(call.d());
  UserRange range = TRY(place.read());
  const bool known =
      call.c() == NT_PRSTATUS || call.c() == NT_PRFPREG || (call.c() == NT_X86_XSTATE && arch::fpu_layout().xsave);
  if (!known || range.bytes % sizeof(std::uint64_t) != 0) return error(EINVAL);
  range.bytes = TRY(way == Way::Get ? get_set(call, range) : set_set(call, range));
  TRY(place.write(range));
  return std::uint64_t{0};
}

Request set_options(Call& call) {
  TRY(check_options(call.d()));
  const base::SpinGuard guard(tasks_lock);
  TRY(find_locked(call))->options = static_cast<std::uint32_t>(call.d());
  return std::uint64_t{0};
}

Request get_message(Call& call) {
  std::uint64_t message = 0;
  {
    const base::SpinGuard guard(tasks_lock);
    message = TRY(find_locked(call))->message;
  }
  TRY(UserOut<std::uint64_t>(call.d()).write(message));
  return std::uint64_t{0};
}

Request signal_information(Call& call, Way way) {
  SignalInformation information;
  if (way == Way::Set) information = from_user_layout(TRY(UserIn<SignalInformationBytes>(call.d()).read()));
  {
    const base::SpinGuard guard(tasks_lock);
    Traced* traced = TRY(find_locked(call));
    // The stop of a whole process has none, for who did not seize.
    if (traced->group_stop && !traced->seized) return error(EINVAL);
    if (way == Way::Get)
      information = traced->information;
    else
      traced->information = information;
  }
  if (way == Way::Get) TRY(UserOut<SignalInformationBytes>(call.d()).write(user_layout(information)));
  return std::uint64_t{0};
}

Request signal_mask(Call& call, Way way) {
  if (call.c() != sizeof(std::uint64_t)) return error(EINVAL);
  std::uint64_t mask = 0;
  if (way == Way::Set) mask = TRY(UserIn<std::uint64_t>(call.d()).read());
  {
    const base::SpinGuard guard(tasks_lock);
    Thread& thread = *TRY(find_locked(call))->thread;
    if (way == Way::Set)
      thread.blocked = SignalSet(mask) & ~unblockable;
    else
      mask = thread.blocked.bits();
  }
  if (way == Way::Get) TRY(UserOut<std::uint64_t>(call.d()).write(mask));
  return std::uint64_t{0};
}

// struct ptrace_syscall_info
struct CallInformation {
  std::uint8_t operation = 0, padding[3]{};
  std::uint32_t architecture = 0xc000003e;  // AUDIT_ARCH_X86_64
  std::uint64_t instruction = 0, stack = 0;
  std::uint64_t number = 0;  // or the result
  std::array<std::uint64_t, 6> arguments{};
  std::uint32_t data = 0, padding_end = 0;  // of a filter
};
static_assert(sizeof(CallInformation) == 88);

Request call_information(Call& call) {
  constexpr std::size_t without = 24, of_exit = 33, of_entry = 80, of_filter = 84;
  CallInformation information;
  std::size_t bytes = without;
  {
    const base::SpinGuard guard(tasks_lock);
    const Traced* traced = TRY(find_locked(call));
    const arch::TrapFrame& frame = traced->thread->kernel_thread().user_frame();
    information.instruction = frame.rip;
    information.stack = frame.rsp;
    const bool by_filter = traced->code == (sig::trap | trace_event::filter << 8);
    if (by_filter || traced->call == Traced::Call::Entry) {
      information.operation = by_filter ? 3 : 1;
      information.number = frame.error;
      information.arguments = {frame.rdi, frame.rsi, frame.rdx, frame.r10, frame.r8, frame.r9};
      information.data = static_cast<std::uint32_t>(traced->message);
      bytes = by_filter ? of_filter : of_entry;
    } else if (traced->call == Traced::Call::Exit) {
      constexpr std::uint64_t last_error = static_cast<std::uint64_t>(-4095);
      information.operation = 2;
      information.number = frame.rax;
      information.arguments[0] = frame.rax >= last_error ? 1 : 0;
      bytes = of_exit;
    }
  }
  const std::size_t copied = std::min<std::uint64_t>(call.c(), bytes);
  TRY(arch::copy_to_user(base::UserVa(call.d()), std::as_bytes(std::span(&information, 1)).first(copied)));
  return std::uint64_t{bytes};
}

}  // namespace

Answer<std::uint64_t> ptrace(Call& call) {
  switch (const std::uint64_t request = call.a()) {
    case PTRACE_TRACEME:
      return trace_me(call);
    case PTRACE_ATTACH:
    case PTRACE_SEIZE:
      return attach(call, request == PTRACE_SEIZE);
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      return peek(call);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return poke(call);
    case PTRACE_PEEKUSR:
      return peek_user(call);
    case PTRACE_POKEUSR:
      return poke_user(call);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
      return go_on(call, request);
    case PTRACE_KILL:
      return kill(call);
    case PTRACE_DETACH:
      return detach(call);
    case PTRACE_INTERRUPT:
      return interrupt(call);
    case PTRACE_LISTEN:
      return listen(call);
    case PTRACE_GETREGS:
    case PTRACE_SETREGS:
      return registers(call, request == PTRACE_GETREGS ? Way::Get : Way::Set);
    case PTRACE_GETFPREGS:
    case PTRACE_SETFPREGS:
      return vectors(call, request == PTRACE_GETFPREGS ? Way::Get : Way::Set);
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return register_set(call, request == PTRACE_GETREGSET ? Way::Get : Way::Set);
    case PTRACE_SETOPTIONS:
      return set_options(call);
    case PTRACE_GETEVENTMSG:
      return get_message(call);
    case PTRACE_GETSIGINFO:
    case PTRACE_SETSIGINFO:
      return signal_information(call, request == PTRACE_GETSIGINFO ? Way::Get : Way::Set);
    case PTRACE_GETSIGMASK:
    case PTRACE_SETSIGMASK:
      return signal_mask(call, request == PTRACE_GETSIGMASK ? Way::Get : Way::Set);
    case PTRACE_GET_SYSCALL_INFO:
      return call_information(call);
    default: {
      const base::SpinGuard guard(tasks_lock);
      TRY(find_locked(call));
      return error(EIO);
    }
  }
}

}  // namespace linux_abi::calls
