// SPDX-License-Identifier: Apache-2.0
// Calls about processes and threads: see calls_process.h.
#include "linux-abi/calls/calls_process.h"

#include <asm/prctl.h>

#include <cstring>

#include "arch/x86_64/user_mode.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/user_text.h"
#include "linux-abi/process/clone.h"
#include "linux-abi/process/exec.h"
#include "linux-abi/process/exit.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

Answer<std::uint64_t> fork(Call& call) { return clone_thread(call.thread, call.frame, {.exit_signal = sig::chld}); }

Answer<std::uint64_t> vfork(Call& call) {
  return clone_thread(call.thread, call.frame, {.flags = clone_flag::vm | clone_flag::vfork, .exit_signal = sig::chld});
}

Answer<std::uint64_t> clone(Call& call) {
  constexpr std::uint64_t signal_mask = 0xff;
  return clone_thread(call.thread, call.frame,
                      {.flags = call.a() & 0xffffffff & ~signal_mask,
                       .exit_signal = static_cast<int>(call.a() & signal_mask),
                       .stack = call.b(),
                       .tls = call.e(),
                       .parent_tid = call.c(),
                       .child_tid = call.d(),
                       .pidfd = call.c()});
}

namespace {
// struct clone_args, as far as version 2 (88 bytes) goes.
struct UserCloneArguments {
  std::uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};
static_assert(sizeof(UserCloneArguments) == 88);
constexpr std::uint64_t first_version_bytes = 64;
}  // namespace

Answer<std::uint64_t> clone3(Call& call) {
  const std::uint64_t bytes = call.b();
  if (bytes < first_version_bytes) return error(EINVAL);
  if (bytes > base::page_bytes) return error(E2BIG);
  UserCloneArguments arguments{};
  const std::size_t known = std::min<std::size_t>(bytes, sizeof arguments);
  TRY(call.thread.copy_in(std::as_writable_bytes(std::span(&arguments, 1)).first(known), call.a()));
  for (std::uint64_t at = sizeof arguments; at < bytes; at += 8)
    if (TRY(UserIn<std::uint64_t>(call.a() + at).read()) != 0) return error(E2BIG);
  if (arguments.set_tid_size != 0 || (arguments.flags & 0xff) != 0 || arguments.exit_signal > 64) return error(EINVAL);
  if ((arguments.stack == 0) != (arguments.stack_size == 0)) return error(EINVAL);
  return clone_thread(call.thread, call.frame,
                      {.flags = arguments.flags,
                       .exit_signal = static_cast<int>(arguments.exit_signal),
                       .stack = arguments.stack + arguments.stack_size,
                       .tls = arguments.tls,
                       .parent_tid = arguments.parent_tid,
                       .child_tid = arguments.child_tid,
                       .pidfd = arguments.pidfd});
}

namespace {

// Appends the strings of a null-terminated array of pointers; returns how many.
Answer<std::uint32_t> read_strings(std::uint64_t array, base::Array<char>& bytes) {
  if (array == 0) return 0;
  std::uint32_t count = 0;
  for (;; ++count) {
    if (count == max_strings) return error(E2BIG);
    const std::uint64_t pointer = TRY(UserIn<std::uint64_t>(array + 8 * std::uint64_t{count}).read());
    if (pointer == 0) return count;
    const std::size_t start = bytes.size();
    std::size_t room = 256;
    while (true) {
      TRY(bytes.resize(start + room));
      const auto length = arch::copy_string_from_user(bytes.span().subspan(start), base::UserVa(pointer));
      if (length) {
        TRY(bytes.resize(start + *length + 1));
        break;
      }
      if (length.error() != base::Error::NameTooLong) return error(EFAULT);
      if (room >= max_string_bytes) return error(E2BIG);
      room *= 4;
    }
    if (bytes.size() > max_strings_bytes) return error(E2BIG);
  }
}

Answer<std::uint64_t> exec_path(Call& call, int directory, std::uint64_t path, std::uint64_t arguments,
                                std::uint64_t environment, int flags) {
  const UserPath name = TRY(UserPath::read(path));
  ProgramStrings strings;
  strings.argument_count = TRY(read_strings(arguments, strings.bytes));
  // Linux runs a program without arguments with one empty one.
  if (strings.argument_count == 0) {
    TRY(strings.bytes.push_back('\0'));
    strings.argument_count = 1;
  }
  strings.environment_count = TRY(read_strings(environment, strings.bytes));
  TRY(execute(call.thread, directory, name.text(), flags, std::move(strings), call.frame));
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> execve(Call& call) {
  constexpr int at_current_directory = -100;
  return exec_path(call, at_current_directory, call.a(), call.b(), call.c(), 0);
}

Answer<std::uint64_t> execveat(Call& call) {
  return exec_path(call, Call::as_int(call.a()), call.b(), call.c(), call.d(), Call::as_int(call.e()));
}

Answer<std::uint64_t> exit(Call& call) { exit_thread(call.thread, static_cast<int>(call.a() & 0xff)); }
Answer<std::uint64_t> exit_group(Call& call) { exit_process(call.thread, static_cast<int>(call.a() & 0xff)); }

Answer<std::uint64_t> set_tid_address(Call& call) {
  call.thread.clear_child_tid = call.a();
  return static_cast<std::uint64_t>(call.thread.tid());
}

Answer<std::uint64_t> personality(Call& call) {
  constexpr std::uint32_t only_ask = 0xffffffff;
  const auto wanted = static_cast<std::uint32_t>(call.a());
  Persona& persona = call.process().persona;
  return std::uint64_t{wanted == only_ask ? persona.bits() : persona.exchange(wanted)};
}

Answer<std::uint64_t> arch_prctl(Call& call) {
  constexpr int get_cpuid = 0x1011, set_cpuid = 0x1012;  // the instruction cannot be made to fault
  threads::Thread& kernel = call.thread.kernel_thread();
  arch::UserSegmentBases bases = kernel.segment_bases();
  switch (Call::as_int(call.a())) {
    case ARCH_SET_FS:
      if (!arch::is_valid_segment_base(call.b())) return error(EPERM);
      bases.fs = call.b();
      kernel.set_segment_bases(bases);
      return std::uint64_t{0};
    case ARCH_SET_GS:
      if (!arch::is_valid_segment_base(call.b())) return error(EPERM);
      bases.gs = call.b();
      kernel.set_segment_bases(bases);
      return std::uint64_t{0};
    case ARCH_GET_FS:
      TRY(UserOut<std::uint64_t>(call.b()).write(bases.fs));
      return std::uint64_t{0};
    case get_cpuid:
      return std::uint64_t{1};
    case set_cpuid:
      return error(ENODEV);
    case ARCH_GET_GS:
      TRY(UserOut<std::uint64_t>(call.b()).write(bases.gs));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
