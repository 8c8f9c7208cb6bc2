// SPDX-License-Identifier: Apache-2.0
// timerfd: see timer_file.h.
#include "linux-abi/files/timer_file.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include <cstring>
#include <string_view>

#include "kernel/base/memory.h"
#include "kernel/threads/scheduler.h"
#include "linux-abi/abi/structures.h"

namespace linux_abi {

Answer<OpenFileReference> TimerFile::create(int clock, int flags) {
  auto file = base::make<TimerFile>(clock, O_RDWR | flags);
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

void TimerFile::close() {
  {
    const base::SpinGuard guard(lock_);
    armed_ = false;
  }
  cancel_timer(*this);
  base::Own<TimerFile>(this).reset();
}

void TimerFile::expired() {
  {
    const base::SpinGuard guard(lock_);
    // It may have been set anew while this was on its way.
    if (!armed_ || expired_ || threads::clock().now_ns() < next_ns_) return;
    expired_ = true;
    readers_.wake_all();
  }
  source_.notify(POLLIN | POLLRDNORM);
}

TimerSetting TimerFile::get_locked(std::uint64_t now) const {
  if (!armed_) return {0, interval_ns_};
  if (next_ns_ > now) return {next_ns_ - now, interval_ns_};
  // One that is due but has not been served yet is still armed.
  if (interval_ns_ == 0) return {expired_ ? 0U : 1U, 0};
  return {interval_ns_ - (now - next_ns_) % interval_ns_, interval_ns_};
}

TimerSetting TimerFile::get() {
  const std::uint64_t now = threads::clock().now_ns();
  const base::SpinGuard guard(lock_);
  return get_locked(now);
}

TimerSetting TimerFile::set(std::uint64_t first_ns, std::uint64_t interval_ns) {
  const std::uint64_t now = threads::clock().now_ns();
  const base::SpinGuard guard(lock_);
  const TimerSetting old = get_locked(now);
  expired_ = false;
  interval_ns_ = interval_ns;
  armed_ = first_ns != 0;
  next_ns_ = first_ns;
  // A timer that is still under way when it is disarmed finds so in expired().
  if (armed_) arm_timer(*this, next_ns_);
  return old;
}

Answer<std::size_t> TimerFile::read(std::span<std::byte> to, Caller& caller) {
  if (to.size() < sizeof(std::uint64_t)) return error(EINVAL);
  std::uint64_t count = 0;
  const auto ready = [&] {
    if (!expired_) return non_blocking();
    expired_ = false;
    count = 1;
    if (interval_ns_ == 0) {
      armed_ = false;
      return true;
    }
    const std::uint64_t now = threads::clock().now_ns();
    if (now > next_ns_) count += (now - next_ns_) / interval_ns_;
    next_ns_ = after(next_ns_, count * interval_ns_);
    arm_timer(*this, next_ns_);
    return true;
  };
  TRY(wait_until(caller, lock_, readers_, base::never_ns, ready));
  if (count == 0) return error(EAGAIN);
  std::memcpy(to.data(), &count, sizeof count);
  return sizeof count;
}

Answer<FileStatus> TimerFile::status(Caller&) { return FileStatus{.mode = 0600}; }

std::uint32_t TimerFile::poll_events() {
  const base::SpinGuard guard(lock_);
  return expired_ ? POLLIN | POLLRDNORM : 0;
}

std::size_t TimerFile::describe(std::span<char> to, Caller&) {
  constexpr std::string_view name = "anon_inode:[timerfd]";
  return name.copy(to.data(), to.size());
}

}  // namespace linux_abi
