// SPDX-License-Identifier: Apache-2.0
// wait4 and waitid: see calls_process.h.
#include <linux/wait.h>

#include <utility>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/files/process_file.h"
#include "linux-abi/process/wait.h"

namespace linux_abi::calls {
namespace {

constexpr std::uint64_t stopped_children = 2, all_kinds = 0x40000000, clones = 0x80000000;

void set_kinds(WaitRequest& request, std::uint64_t options) {
  request.all_kinds = (options & all_kinds) != 0;
  request.clone_only = (options & clones) != 0;
  request.no_hang = (options & WNOHANG) != 0;
  request.stopped = (options & stopped_children) != 0;  // WUNTRACED is WSTOPPED
  request.continued = (options & WCONTINUED) != 0;
}

Answer<> write_usage(std::uint64_t address, const WaitResult& result) {
  if (address == 0) return {};
  UserResourceUsage usage{};
  usage.user = to_timeval(result.times.user_ns);
  usage.system = to_timeval(result.times.system_ns);
  usage.max_resident_kib = resident_kib(result.most_resident);
  TRY(arch::UserOut<UserResourceUsage>(address).write(usage));
  return {};
}

// P_PIDFD; whether the descriptor is one that does not wait.
Answer<bool> name_by_descriptor(Call& call, WaitRequest& request) {
  if (request.number < 0) return error(EINVAL);
  const OpenFileReference file = TRY(call.thread.descriptors().get(request.number));
  ProcessFile* named = file->process_file();
  if (named == nullptr) return error(EBADF);
  const base::SpinGuard guard(tasks_lock);
  const Process* process = named->find_locked();
  if (process == nullptr) return error(ECHILD);
  request.whom = WaitFor::Pid;
  request.number = process->pid();
  return file->non_blocking();
}

}  // namespace

Answer<std::uint64_t> wait4(Call& call) {
  const int pid = Call::as_int(call.a());
  const std::uint64_t options = call.c() & 0xffffffff;
  if ((options & ~(WNOHANG | stopped_children | WCONTINUED | all_kinds | clones | __WNOTHREAD)) != 0)
    return error(EINVAL);
  WaitRequest request;
  set_kinds(request, options);
  if (pid == -0x7fffffff - 1) return error(ESRCH);
  if (pid > 0) request.whom = WaitFor::Pid, request.number = pid;
  if (pid == 0) request.whom = WaitFor::Group;
  if (pid < -1) request.whom = WaitFor::Group, request.number = -pid;
  const WaitResult result = TRY(wait_for_child(call.thread, request));
  if (result.pid == 0) return std::uint64_t{0};
  if (call.b() != 0) TRY(arch::UserOut<std::int32_t>(call.b()).write(result.status.encoded()));
  TRY(write_usage(call.d(), result));
  return static_cast<std::uint64_t>(result.pid);
}

Answer<std::uint64_t> waitid(Call& call) {
  const std::uint64_t options = call.d() & 0xffffffff;
  constexpr std::uint64_t kinds = WEXITED | WSTOPPED | WCONTINUED;
  if ((options & kinds) == 0 || (options & ~(kinds | WNOHANG | WNOWAIT | all_kinds | clones | __WNOTHREAD)) != 0)
    return error(EINVAL);
  WaitRequest request;
  set_kinds(request, options);
  request.exited = (options & WEXITED) != 0;
  request.keep = (options & WNOWAIT) != 0;
  request.number = Call::as_int(call.b());
  bool waits_not = false;  // PIDFD_NONBLOCK
  switch (Call::as_int(call.a())) {
    case 0:
      request.whom = WaitFor::Any;
      break;
    case 1:
      request.whom = WaitFor::Pid;
      if (request.number <= 0) return error(EINVAL);
      break;
    case 2:
      request.whom = WaitFor::Group;
      if (request.number < 0) return error(EINVAL);
      break;
    case 3:
      waits_not = TRY(name_by_descriptor(call, request));
      break;
    default:
      return error(EINVAL);
  }
  const bool asks_only = std::exchange(request.no_hang, request.no_hang || waits_not);
  const WaitResult result = TRY(wait_for_child(call.thread, request));
  if (result.pid == 0 && !asks_only) return error(EAGAIN);
  if (call.c() != 0) {
    SignalInformation information;
    if (result.pid != 0)
      information = {.signal = sig::chld,
                     .code = result.status.code,
                     .pid = result.pid,
                     .value = static_cast<std::uint64_t>(static_cast<std::uint32_t>(result.status.value))};
    TRY(call.thread.copy_out(call.c(), user_layout(information)));
  }
  TRY(write_usage(call.e(), result));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
