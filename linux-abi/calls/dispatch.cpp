// SPDX-License-Identifier: Apache-2.0
// From SYSCALL to a handler and back: see table.h.
#include "linux-abi/calls/table.h"
#include "linux-abi/files/file_owner.h"
#include "linux-abi/process/tracing.h"
#include "linux-abi/trace/call_trace.h"

namespace linux_abi {
namespace {

bool restarts(int number) {
  return number == restart_always || number == restart_no_handler || number == restart_block;
}

}  // namespace

namespace {

constexpr std::uint64_t no_call = ~std::uint64_t{0};

// What the tracer sees and changes before the call is made: its number and arguments, and a result in case the number
// becomes -1. Returns the number.
std::uint64_t show_to_tracer(Thread& thread, arch::TrapFrame& frame) {
  frame.error = frame.rax;
  frame.rax = static_cast<std::uint64_t>(-ENOSYS);
  report_call(thread, frame, Traced::Call::Entry);
  return frame.error;
}

bool is_filtered_out(Thread& thread, arch::TrapFrame& frame, std::uint64_t& number) {
  return thread.filters.mode != CallFilters::Mode::None && !pass_filters(thread, frame, number);
}

// execve has made all registers anew.
void show_result_to_tracer(Thread& thread, arch::TrapFrame& frame, std::uint64_t number) {
  frame.vector = arch::syscall_vector;
  frame.error = number;
  report_call(thread, frame, Traced::Call::Exit);
}

}  // namespace

void dispatch_call(arch::TrapFrame& frame) {
  Thread& thread = Thread::current();
  const bool traced = thread.traced != nullptr;
  std::uint64_t number = traced ? show_to_tracer(thread, frame) : frame.rax;
  if ((traced && number == no_call) || is_filtered_out(thread, frame, number)) {
    if (traced) show_result_to_tracer(thread, frame, number);
    return;
  }
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
    frame.rax = static_cast<std::uint64_t>(-static_cast<std::int64_t>(code));
  }
  trace.finished(result);
  if (thread.traced != nullptr) show_result_to_tracer(thread, frame, number);
}

}  // namespace linux_abi
