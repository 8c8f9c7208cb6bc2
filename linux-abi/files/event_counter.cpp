// SPDX-License-Identifier: Apache-2.0
// The counter of an eventfd: see event_counter.h.
#include "linux-abi/files/event_counter.h"

#include <asm/poll.h>

namespace linux_abi {

namespace {
constexpr std::uint64_t most = ~std::uint64_t{0} - 1;
}

Answer<std::uint64_t> EventCounter::take(bool non_blocking, Caller& caller) {
  std::uint64_t taken = 0;
  const auto ready = [&] {
    if (count_ > 0) {
      taken = takes_ == Takes::One ? 1 : count_;
      count_ -= taken;
      writers_.wake_all();
      return true;
    }
    return non_blocking;
  };
  TRY(wait_until(caller, lock_, readers_, base::never_ns, ready));
  if (taken == 0) return error(EAGAIN);
  source_.notify(POLLOUT | POLLWRNORM);
  return taken;
}

Answer<> EventCounter::add(std::uint64_t value, bool non_blocking, Caller& caller) {
  if (value > most) return error(EINVAL);
  bool added = false;
  const auto ready = [&] {
    if (value <= most - count_) {
      count_ += value;
      added = true;
      readers_.wake_all();
      return true;
    }
    return non_blocking;
  };
  TRY(wait_until(caller, lock_, writers_, base::never_ns, ready));
  if (!added) return error(EAGAIN);
  source_.notify(POLLIN | POLLRDNORM);
  return {};
}

std::uint32_t EventCounter::events() {
  const base::SpinGuard guard(lock_);
  std::uint32_t events = 0;
  if (count_ > 0) events |= POLLIN | POLLRDNORM;
  if (count_ < most) events |= POLLOUT | POLLWRNORM;
  return events;
}

std::uint64_t EventCounter::count() {
  const base::SpinGuard guard(lock_);
  return count_;
}

}  // namespace linux_abi
