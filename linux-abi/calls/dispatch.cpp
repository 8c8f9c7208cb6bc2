// SPDX-License-Identifier: Apache-2.0
// From SYSCALL to a handler and back: see table.h.
#include "linux-abi/calls/table.h"
#include "linux-abi/files/file_owner.h"
#include "linux-abi/trace/call_trace.h"

namespace linux_abi {
namespace {

bool restarts(int number) {
  return number == restart_always || number == restart_no_handler || number == restart_block;
}

}  // namespace

void dispatch_call(arch::TrapFrame& frame) {
  Thread& thread = Thread::current();
  const std::uint64_t number = frame.rax;
  const std::size_t slot = number < call_numbers ? number : call_numbers - 1;
  call_counts[slot].fetch_add(1, std::memory_order_relaxed);  // a counter: pairs with nothing
  const CallEntry* entry = find_call(number);
  Call call(thread, frame);
  TraceLine trace(thread, entry, number, frame);
  const Answer<std::uint64_t> result = entry == nullptr ? error(ENOSYS) : entry->handler(call);
  if (has_file_signals()) send_file_signals();
  if (result) {
    frame.rax = *result;
  } else {
    const int code = result.error().number();
    // Decided on the way back to user mode, when it is known whether a handler runs.
    thread.restart_code = restarts(code) ? code : 0;
    if (thread.restart_code != 0) thread.kernel_thread().request_return_hook();
    frame.rax = static_cast<std::uint64_t>(-static_cast<std::int64_t>(restarts(code) ? EINTR : code));
  }
  trace.finished(result);
}

}  // namespace linux_abi
