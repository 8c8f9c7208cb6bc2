// SPDX-License-Identifier: Apache-2.0
// A timerfd: reads tell how often a timer expired since the last one. The kernel's timer runs once for each read, not
// once for each period, so that a short period costs nothing while nobody reads. Lock: rank Process.
#pragma once

#include "linux-abi/files/open_file.h"
#include "linux-abi/time/interval_timers.h"
#include "linux-abi/time/timer_service.h"

namespace linux_abi {

class TimerFile final : public OpenFile, private KernelTimer {
 public:
  static Answer<OpenFileReference> create(int clock, int flags);
  TimerFile(int clock, int flags) : OpenFile(flags), clock_(clock) {}

  int clock() const { return clock_; }
  // first_ns: on threads::clock(), also in the past; 0 disarms. Returns the setting before, its value from now.
  TimerSetting set(std::uint64_t first_ns, std::uint64_t interval_ns);
  TimerSetting get();

  // 8 bytes: how many times it expired. EAGAIN, EINVAL for less room.
  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override;
  Answer<FileStatus> status(Caller& caller) override;
  std::uint32_t poll_events() override;
  PollSource* poll_source() override { return &source_; }
  std::size_t describe(std::span<char> to, Caller& caller) override;
  TimerFile* timer() override { return this; }

 private:
  void expired() override;
  void close() override;
  TimerSetting get_locked(std::uint64_t now) const;

  const int clock_;
  base::SpinLock lock_{base::LockRank::Process};  // guards all below but source_
  bool armed_ = false;
  bool expired_ = false;       // and not read yet; periods go on from next_ns_
  std::uint64_t next_ns_ = 0;  // when it expires, or expired first since the last read
  std::uint64_t interval_ns_ = 0;
  base::WaitQueue readers_;
  PollSource source_;
};

}  // namespace linux_abi
