// SPDX-License-Identifier: Apache-2.0
// prctl: names, signals, slack and privileges of a process or thread.
#include <linux/prctl.h>

#include <cstring>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_capabilities.h"
#include "linux-abi/calls/calls_process.h"

namespace linux_abi::calls {

using arch::UserOut;

namespace {

Answer<std::uint64_t> set_name(Call& call) {
  std::array<char, 16> name{};
  const auto read = arch::copy_string_from_user(name, base::UserVa(call.b()));
  if (!read && read.error() != base::Error::NameTooLong) return error(EFAULT);
  name.back() = 0;
  call.thread.kernel_thread().set_name(name.data());
  if (call.thread.is_leader) {
    const base::SpinGuard guard(tasks_lock);
    call.process().name = name;
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> get_name(Call& call) {
  std::array<char, 16> name{};
  const std::string_view text = call.thread.kernel_thread().name();
  std::memcpy(name.data(), text.data(), std::min(text.size(), name.size() - 1));
  TRY(call.thread.copy_out(call.b(), std::as_bytes(std::span(name))));
  return std::uint64_t{0};
}

bool any_argument_from(Call& call, unsigned first) {
  const std::uint64_t arguments[] = {call.b(), call.c(), call.d(), call.e()};
  for (unsigned i = first; i < std::size(arguments); ++i)
    if (arguments[i] != 0) return true;
  return false;
}

// What processors do about speculation is not ours to change.
Answer<std::uint64_t> speculation(Call& call) {
  if (call.c() != 0 || call.d() != 0 || call.e() != 0) return error(EINVAL);
  return call.b() <= PR_SPEC_L1D_FLUSH ? std::uint64_t{PR_SPEC_NOT_AFFECTED} : Answer<std::uint64_t>(error(ENODEV));
}

// How a process hears of broken memory, which is never told here: remembered.
Answer<std::uint64_t> memory_error_policy(Call& call) {
  if (call.d() != 0 || call.e() != 0) return error(EINVAL);
  if (call.b() == PR_MCE_KILL_CLEAR && call.c() == 0) {
    call.thread.memory_error_policy = PR_MCE_KILL_DEFAULT;
  } else if (call.b() == PR_MCE_KILL_SET && call.c() <= PR_MCE_KILL_DEFAULT) {
    call.thread.memory_error_policy = static_cast<std::uint8_t>(call.c());
  } else {
    return error(EINVAL);
  }
  return std::uint64_t{0};
}

// Of who serves a file system's or a device's requests: its memory is had without asking them, as all memory here is.
Answer<std::uint64_t> io_flusher(Call& call, bool sets) {
  if (!call.thread.user.may(Capability::Resources)) return error(EPERM);
  if (any_argument_from(call, sets ? 1 : 0) || call.b() > 1) return error(EINVAL);
  if (!sets) return std::uint64_t{call.thread.is_io_flusher ? 1U : 0U};
  call.thread.is_io_flusher = call.b() != 0;
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> prctl(Call& call) {
  if (const auto done = capability_prctl(call)) return *done;
  Process& process = call.process();
  switch (Call::as_int(call.a())) {
    case PR_SET_NAME:
      return set_name(call);
    case PR_GET_NAME:
      return get_name(call);
    case PR_SET_PDEATHSIG:
      if (call.b() > max_signal) return error(EINVAL);
      process.parent_death_signal = static_cast<int>(call.b());
      return std::uint64_t{0};
    case PR_GET_PDEATHSIG:
      TRY(UserOut<std::int32_t>(call.b()).write(process.parent_death_signal));
      return std::uint64_t{0};
    case PR_SET_DUMPABLE:
      if (call.b() > 1) return error(EINVAL);
      process.dumpable = static_cast<int>(call.b());
      return std::uint64_t{0};
    case PR_GET_DUMPABLE:
      return static_cast<std::uint64_t>(process.dumpable);
    case PR_SET_CHILD_SUBREAPER:
      process.child_subreaper = call.b() != 0;
      return std::uint64_t{0};
    case PR_GET_CHILD_SUBREAPER:
      TRY(UserOut<std::int32_t>(call.b()).write(process.child_subreaper ? 1 : 0));
      return std::uint64_t{0};
    case PR_SET_NO_NEW_PRIVS:
      if (call.b() != 1 || call.c() != 0 || call.d() != 0 || call.e() != 0) return error(EINVAL);
      call.thread.no_new_privileges = 1;
      return std::uint64_t{0};
    case PR_GET_NO_NEW_PRIVS:
      if (any_argument_from(call, 0)) return error(EINVAL);
      return call.thread.no_new_privileges;
    case PR_SET_TIMERSLACK: {
      // 0 and what does not fit mean the value that the thread was made with.
      const auto wanted = static_cast<std::int64_t>(call.b());
      call.thread.timer_slack_ns = wanted <= 0 ? call.thread.first_timer_slack_ns : call.b();
      return std::uint64_t{0};
    }
    case PR_GET_TIMERSLACK:
      return call.thread.timer_slack_ns;
    case PR_SET_THP_DISABLE:  // there are no huge pages to be kept from
      if (any_argument_from(call, 1)) return error(EINVAL);
      process.huge_pages_disabled = call.b() != 0;
      return std::uint64_t{0};
    case PR_GET_THP_DISABLE:
      if (any_argument_from(call, 0)) return error(EINVAL);
      return std::uint64_t{process.huge_pages_disabled ? 1U : 0U};
    case PR_GET_TSC:
      TRY(UserOut<std::int32_t>(call.b()).write(PR_TSC_ENABLE));
      return std::uint64_t{0};
    case PR_SET_TSC:  // cannot be taken away
      return Call::as_int(call.b()) == PR_TSC_ENABLE ? std::uint64_t{0} : Answer<std::uint64_t>(error(EINVAL));
    case PR_MCE_KILL:
      return memory_error_policy(call);
    case PR_MCE_KILL_GET:
      if (any_argument_from(call, 0)) return error(EINVAL);
      return std::uint64_t{call.thread.memory_error_policy};
    case PR_SET_IO_FLUSHER:
      return io_flusher(call, true);
    case PR_GET_IO_FLUSHER:
      return io_flusher(call, false);
    case PR_GET_TIMING:
      return std::uint64_t{0};
    case PR_GET_SECCOMP:
      return static_cast<std::uint64_t>(call.thread.filters.mode);
    case PR_SET_SECCOMP:
      return set_filters(call);
    case PR_SET_TIMING:
      return call.b() == PR_TIMING_STATISTICAL ? std::uint64_t{0} : Answer<std::uint64_t>(error(EINVAL));
    case PR_GET_SPECULATION_CTRL:
      return speculation(call);
    case PR_GET_TID_ADDRESS:
      TRY(UserOut<std::uint64_t>(call.b()).write(call.thread.clear_child_tid));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
