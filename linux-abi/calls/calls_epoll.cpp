// SPDX-License-Identifier: Apache-2.0
// epoll, eventfd and timerfd: see calls_poll.h.
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/timerfd.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_poll.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/temporary_mask.h"
#include "linux-abi/files/epoll.h"
#include "linux-abi/files/event_file.h"
#include "linux-abi/files/signal_file.h"
#include "linux-abi/files/timer_file.h"
#include "linux-abi/time/clocks.h"
#include "linux-abi/time/wall_clock.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

Answer<std::uint64_t> epoll_create(Call& call) {
  if (Call::as_int(call.a()) <= 0) return error(EINVAL);
  return install(call, TRY(Epoll::create()), false);
}

Answer<std::uint64_t> epoll_create1(Call& call) {
  if ((Call::as_int(call.a()) & ~EPOLL_CLOEXEC) != 0) return error(EINVAL);
  return install(call, TRY(Epoll::create()), call.a() != 0);
}

Answer<std::uint64_t> epoll_ctl(Call& call) {
  const int operation = Call::as_int(call.b()), descriptor = Call::as_int(call.c());
  EpollEvent event;
  if (operation != EPOLL_CTL_DEL) event = TRY(UserIn<EpollEvent>(call.d()).read());
  const OpenFileReference set = TRY(real_file(call, call.a())), file = TRY(real_file(call, call.c()));
  if (file->poll_source() == nullptr) return error(EPERM);
  if (set->epoll() == nullptr) return error(EINVAL);
  switch (operation) {
    case EPOLL_CTL_ADD:
      TRY(set->epoll()->add(*file, descriptor, event));
      return std::uint64_t{0};
    case EPOLL_CTL_MOD:
      TRY(set->epoll()->modify(*file, descriptor, event));
      return std::uint64_t{0};
    case EPOLL_CTL_DEL:
      TRY(set->epoll()->remove(*file, descriptor));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

namespace {

Answer<std::uint64_t> wait_for_events(Call& call, std::uint64_t deadline) {
  const int wanted = Call::as_int(call.c());
  if (wanted <= 0 || static_cast<std::size_t>(wanted) > 0x7fffffff / sizeof(EpollEvent)) return error(EINVAL);
  const OpenFileReference set = TRY(real_file(call, call.a()));
  if (set->epoll() == nullptr) return error(EINVAL);
  // Hardly ever more than the process has descriptors; if there are, the program comes again.
  const std::uint32_t most_at_once = std::max(512U, call.thread.descriptors().capacity());
  base::Array<EpollEvent> events;
  TRY(events.resize(std::min(static_cast<std::uint32_t>(wanted), most_at_once)));
  const std::size_t count = TRY(set->epoll()->wait(events.span(), deadline, call.thread));
  TRY(call.thread.copy_out(call.b(), std::as_bytes(events.span().first(count))));
  return count;
}

std::uint64_t deadline_of(Call& call, std::uint64_t duration_ns) {
  return duration_ns == 0 ? 0 : after(call.thread.now_ns(), duration_ns);
}
std::uint64_t deadline_of_milliseconds(Call& call, int milliseconds) {
  if (milliseconds < 0) return base::never_ns;
  return deadline_of(call, static_cast<std::uint64_t>(milliseconds) * 1'000'000);
}

Answer<std::uint64_t> wait_with_mask(Call& call, std::uint64_t deadline) {
  TemporaryMask mask(call.thread);
  TRY(mask.set(call.e(), call.f()));
  const auto result = wait_for_events(call, deadline);
  if (!result && result.error() == EINTR) mask.interrupted();
  return result;
}

}  // namespace

Answer<std::uint64_t> epoll_wait(Call& call) {
  return wait_for_events(call, deadline_of_milliseconds(call, Call::as_int(call.d())));
}

Answer<std::uint64_t> epoll_pwait(Call& call) {
  return wait_with_mask(call, deadline_of_milliseconds(call, Call::as_int(call.d())));
}

Answer<std::uint64_t> epoll_pwait2(Call& call) {
  std::uint64_t deadline = base::never_ns;
  if (call.d() != 0) {
    const UserTimespec timeout = TRY(UserIn<UserTimespec>(call.d()).read());
    if (!is_valid(timeout)) return error(EINVAL);
    deadline = deadline_of(call, to_ns(timeout));
  }
  return wait_with_mask(call, deadline);
}

namespace {
Answer<std::uint64_t> make_counter(Call& call, int flags) {
  constexpr int semaphore = 1;  // EFD_SEMAPHORE
  if ((flags & ~(semaphore | O_CLOEXEC | O_NONBLOCK)) != 0) return error(EINVAL);
  const auto takes = (flags & semaphore) != 0 ? EventCounter::Takes::One : EventCounter::Takes::All;
  return install(call, TRY(make_event_file(static_cast<std::uint32_t>(call.a()), takes, flags & O_NONBLOCK)),
                 (flags & O_CLOEXEC) != 0);
}
}  // namespace

Answer<std::uint64_t> eventfd(Call& call) { return make_counter(call, 0); }
Answer<std::uint64_t> eventfd2(Call& call) { return make_counter(call, Call::as_int(call.b())); }

namespace {
// A new signalfd, or another set of signals for one that is there.
Answer<std::uint64_t> make_signal_file(Call& call, int flags) {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) != 0 || call.c() != sizeof(std::uint64_t)) return error(EINVAL);
  const SignalSet wanted = SignalSet(TRY(UserIn<std::uint64_t>(call.b()).read())) & ~unblockable;
  if (Call::as_int(call.a()) == -1)
    return install(call, TRY(SignalFile::create(wanted, flags & O_NONBLOCK)), (flags & O_CLOEXEC) != 0);
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (file->signal_file() == nullptr) return error(EINVAL);
  file->signal_file()->set_wanted(wanted);
  return call.a();
}
}  // namespace

Answer<std::uint64_t> signalfd(Call& call) { return make_signal_file(call, 0); }
Answer<std::uint64_t> signalfd4(Call& call) { return make_signal_file(call, Call::as_int(call.d())); }

Answer<std::uint64_t> timerfd_create(Call& call) {
  const int clock = Call::as_int(call.a()), flags = Call::as_int(call.b());
  const bool wakes = clock == clock_id::realtime_alarm || clock == clock_id::boottime_alarm;
  if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0) return error(EINVAL);
  if (!wakes && clock != clock_id::realtime && clock != clock_id::monotonic && clock != clock_id::boottime)
    return error(EINVAL);
  if (wakes && !call.thread.user.may(Capability::Wake)) return error(EPERM);
  return install(call, TRY(TimerFile::create(clock, flags & TFD_NONBLOCK)), (flags & TFD_CLOEXEC) != 0);
}

namespace {

Answer<OpenFileReference> timer_file(Call& call) {
  OpenFileReference file = TRY(real_file(call, call.a()));
  if (file->timer() == nullptr) return error(EINVAL);
  return file;
}

// When a timer expires first, on the monotonic clock; 0: never.
std::uint64_t first_expiry(Call& call, int clock, const UserTimespec& value, bool absolute) {
  const std::uint64_t given = to_ns(value);
  if (given == 0) return 0;
  if (!absolute) return after(call.thread.now_ns(), given);
  if (clock != clock_id::realtime && clock != clock_id::realtime_alarm) return given;
  return given > wall_clock_offset_ns() ? given - wall_clock_offset_ns() : 1;
}

UserIntervalTimespec as_user(const TimerSetting& setting) {
  return {to_timespec(setting.interval_ns), to_timespec(setting.value_ns)};
}

}  // namespace

Answer<std::uint64_t> timerfd_settime(Call& call) {
  const int flags = Call::as_int(call.b());
  const UserIntervalTimespec given = TRY(UserIn<UserIntervalTimespec>(call.c()).read());
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) return error(EINVAL);
  if (!is_valid(given.value) || !is_valid(given.interval)) return error(EINVAL);
  const OpenFileReference file = TRY(timer_file(call));
  TimerFile& timer = *file->timer();
  const std::uint64_t first = first_expiry(call, timer.clock(), given.value, (flags & TFD_TIMER_ABSTIME) != 0);
  const TimerSetting old = timer.set(first, to_ns(given.interval));
  if (call.d() != 0) TRY(UserOut<UserIntervalTimespec>(call.d()).write(as_user(old)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> timerfd_gettime(Call& call) {
  const OpenFileReference file = TRY(timer_file(call));
  TRY(UserOut<UserIntervalTimespec>(call.b()).write(as_user(file->timer()->get())));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
