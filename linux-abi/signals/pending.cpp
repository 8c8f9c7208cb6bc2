// SPDX-License-Identifier: Apache-2.0
// Signals that were sent and not yet taken: see pending.h.
#include "linux-abi/signals/pending.h"

#include <algorithm>
#include <limits>

namespace linux_abi {

Answer<> PendingSignals::add(const SignalInformation& information, std::uint64_t most) {
  const int signal = information.signal;
  const bool realtime = signal >= first_realtime_signal;
  if (!realtime && set_.contains(signal)) return {};
  if (queue_.size() >= std::min<std::uint64_t>(most, max_queued) && realtime) return error(EAGAIN);
  if (!queue_.push_back(information) && realtime) return error(EAGAIN);
  set_.add(signal);
  return {};
}

SignalInformation PendingSignals::take(SignalSet wanted) {
  const SignalSet candidates = set_ & wanted;
  if (candidates.empty()) return {};
  const SignalSet urgent = candidates & synchronous;
  const int signal = (urgent.empty() ? candidates : urgent).lowest();
  SignalInformation taken{.signal = signal, .code = sig::code::user};
  bool found = false, more = false;
  for (std::size_t i = 0; i < queue_.size() && !more;) {
    if (queue_[i].signal != signal) {
      ++i;
    } else if (found) {
      more = true;
    } else {
      taken = queue_[i];
      queue_.erase(i);
      found = true;
    }
  }
  if (!more) set_.remove(signal);
  return taken;
}

bool PendingSignals::has_from_timer(const SignalInformation& again) {
  if (!set_.contains(again.signal)) return false;
  // setitimer's signals say nothing of where they come from, so that any other stands for them.
  if (again.code != sig::code::timer) return true;
  for (SignalInformation& queued : queue_) {
    if (queued.signal != again.signal || queued.code != again.code || queued.timer != again.timer) continue;
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    queued.overrun = queued.overrun > most - again.overrun - 1 ? most : queued.overrun + again.overrun + 1;
    return true;
  }
  return again.signal < first_realtime_signal;
}

void PendingSignals::discard(SignalSet signals) {
  for (std::size_t i = 0; i < queue_.size();) {
    if (signals.contains(queue_[i].signal))
      queue_.erase(i);
    else
      ++i;
  }
  set_ = set_ & ~signals;
}

}  // namespace linux_abi
