// SPDX-License-Identifier: Apache-2.0
// The counter of an eventfd: writes add to it, reads take it (or one of it) and wait while it is 0. Pure, with its own
// lock (rank Process); eventfd's file is around it.
#pragma once

#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"

namespace linux_abi {

class EventCounter {
 public:
  enum class Takes : std::uint8_t { All, One };  // One: EFD_SEMAPHORE
  EventCounter(std::uint64_t count, Takes takes) : count_(count), takes_(takes) {}

  // EAGAIN when non_blocking and 0.
  Answer<std::uint64_t> take(bool non_blocking, Caller& caller);
  // Waits while the sum would be more than 2^64 - 2. EINVAL for 2^64 - 1.
  Answer<> add(std::uint64_t value, bool non_blocking, Caller& caller);
  std::uint32_t events();
  std::uint64_t count();
  PollSource& source() { return source_; }

 private:
  base::SpinLock lock_{base::LockRank::Process};  // guards all below but source_
  std::uint64_t count_;
  const Takes takes_;
  base::WaitQueue readers_, writers_;
  PollSource source_;
};

}  // namespace linux_abi
