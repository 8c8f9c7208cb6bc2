// SPDX-License-Identifier: Apache-2.0
// futex(2) and robust lists: see calls_system.h.
#include <linux/futex.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_system.h"
#include "linux-abi/futex/futex.h"
#include "linux-abi/process/inspection.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

constexpr std::uint32_t every_bit = ~std::uint32_t{0};
constexpr auto command_bits = static_cast<std::uint32_t>(FUTEX_CMD_MASK);

// The deadline on the monotonic clock: FUTEX_WAIT's time-out is relative, FUTEX_WAIT_BITSET's is a time.
Answer<std::uint64_t> deadline_of(Call& call, bool is_time, bool realtime) {
  if (call.d() == 0) return base::never_ns;
  const UserTimespec time = TRY(UserIn<UserTimespec>(call.d()).read());
  if (!is_valid(time)) return error(EINVAL);
  if (!is_time) return after(call.thread.now_ns(), to_ns(time));
  const std::uint64_t at = to_ns(time), offset = realtime ? wall_clock_offset_ns() : 0;
  return at > offset ? at - offset : 0;
}

// A futex that processes share is known by the memory behind it, so there must be some: EFAULT. A private one is known
// by its address.
Answer<> check_shared(std::uint32_t operation, std::uint64_t address) {
  if ((operation & FUTEX_PRIVATE_FLAG) != 0 || address % sizeof(std::uint32_t) != 0) return {};
  TRY(UserIn<std::uint32_t>(address).read());
  return {};
}

Answer<std::uint64_t> wait(Call& call, bool with_bits, bool realtime) {
  FutexWait request;
  request.address = call.a();
  request.expected = static_cast<std::uint32_t>(call.c());
  if (with_bits) request.bits = static_cast<std::uint32_t>(call.f());
  request.deadline_ns = TRY(deadline_of(call, with_bits, realtime));
  const Answer<> waited = futex_wait(call.thread, request);
  if (waited) return std::uint64_t{0};
  // A relative time-out cannot simply start over: Linux goes on with the rest of it, programs see EINTR as often.
  if (waited.error() == restart_always && !with_bits && call.d() != 0) return error(EINTR);
  return std::unexpected(waited.error());
}

}  // namespace

Answer<std::uint64_t> futex(Call& call) {
  const auto operation = static_cast<std::uint32_t>(call.b());
  const bool realtime = (operation & FUTEX_CLOCK_REALTIME) != 0;
  const auto count = static_cast<std::uint32_t>(call.c()), second_count = static_cast<std::uint32_t>(call.d());
  switch (operation & command_bits) {
    case FUTEX_WAIT:
      return wait(call, false, realtime);
    case FUTEX_WAIT_BITSET:
      return wait(call, true, realtime);
    case FUTEX_WAKE:
      TRY(check_shared(operation, call.a()));
      return TRY(futex_wake(call.thread, call.a(), count, every_bit));
    case FUTEX_WAKE_BITSET:
      TRY(check_shared(operation, call.a()));
      return TRY(futex_wake(call.thread, call.a(), count, static_cast<std::uint32_t>(call.f())));
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
      if (Call::as_int(call.c()) < 0 || Call::as_int(call.d()) < 0) return error(EINVAL);
      TRY(check_shared(operation, call.a()));
      TRY(check_shared(operation, call.e()));
      return TRY(futex_requeue(call.thread, {.from = call.a(),
                                             .to = call.e(),
                                             .wake = count,
                                             .requeue = second_count,
                                             .compare = (operation & command_bits) == FUTEX_CMP_REQUEUE,
                                             .expected = static_cast<std::uint32_t>(call.f())}));
    case FUTEX_WAKE_OP:
      return TRY(futex_wake_operation(call.thread, call.a(), call.e(), count, second_count,
                                      static_cast<std::uint32_t>(call.f())));
    default:
      return error(ENOSYS);  // priority inheritance: callers fall back or say so
  }
}

namespace {
// struct futex_waitv
struct UserWait {
  std::uint64_t expected, address;
  std::uint32_t flags, reserved;
};
}  // namespace

Answer<std::uint64_t> futex_waitv(Call& call) {
  constexpr std::uint32_t word_of_32_bits = 2;  // FUTEX_32
  constexpr int realtime_clock = 0, monotonic_clock = 1;
  const std::uint64_t count = call.b() & 0xffffffff;
  if ((call.c() & 0xffffffff) != 0 || count == 0 || count > most_futex_waits || call.a() == 0) return error(EINVAL);
  std::uint64_t deadline_ns = base::never_ns;
  if (call.d() != 0) {
    const int clock = Call::as_int(call.e());
    if (clock != realtime_clock && clock != monotonic_clock) return error(EINVAL);
    deadline_ns = TRY(deadline_of(call, true, clock == realtime_clock));
  }
  base::Array<FutexWait> waits;
  for (std::uint64_t i = 0; i < count; ++i) {
    const UserWait given = TRY(UserIn<UserWait>(call.a() + i * sizeof(UserWait)).read());
    const std::uint32_t flags = given.flags & ~std::uint32_t{FUTEX_PRIVATE_FLAG};
    if (flags != word_of_32_bits || given.reserved != 0) return error(EINVAL);
    TRY(check_shared(given.flags, given.address));
    TRY(waits.push_back({.address = given.address, .expected = static_cast<std::uint32_t>(given.expected)}));
  }
  return static_cast<std::uint64_t>(TRY(futex_wait_for_any(call.thread, waits.span(), deadline_ns)));
}

Answer<std::uint64_t> set_robust_list(Call& call) {
  constexpr std::uint64_t head_bytes = 24;
  if (call.b() != head_bytes) return error(EINVAL);
  call.thread.robust_list = call.a();
  return std::uint64_t{0};
}

Answer<std::uint64_t> get_robust_list(Call& call) {
  std::uint64_t head = call.thread.robust_list;
  if (const int tid = Call::as_int(call.a()); tid != 0) {
    const base::SpinGuard guard(tasks_lock);
    if (tid == kernel_pid && may_inspect_init(call.thread))
      head = 0;
    else
      head = TRY(find_inspectable_locked(call.thread, tid))->robust_list;
  }
  TRY(UserOut<std::uint64_t>(call.b()).write(head));
  TRY(UserOut<std::uint64_t>(call.c()).write(24));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
