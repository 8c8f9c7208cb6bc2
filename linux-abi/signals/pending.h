// SPDX-License-Identifier: Apache-2.0
// Signals that were sent and not yet taken, of a thread or of a process. An ordinary signal is kept once; realtime ones
// are queued, up to a limit; the lowest number comes first, synchronous ones before all. Not locked.
#pragma once

#include <array>

#include "kernel/base/array.h"
#include "linux-abi/abi/errno.h"
#include "linux-abi/signals/information.h"

namespace linux_abi {

class PendingSignals {
 public:
  SignalSet set() const { return set_; }
  static constexpr std::size_t max_queued = 1024;
  // EAGAIN when a realtime signal finds so many in the queue. Without memory an ordinary signal comes without information.
  Answer<> add(const SignalInformation& information, std::uint64_t most = max_queued);
  // Takes the first that is in `wanted`; signal 0: none is.
  SignalInformation take(SignalSet wanted);
  void discard(SignalSet signals);
  // A signal of the same timer waits to be taken: the overruns of `again`, and one for itself, are added to it.
  bool has_from_timer(const SignalInformation& again);

 private:
  SignalSet set_;
  base::Array<SignalInformation> queue_;  // in order of arrival
};

}  // namespace linux_abi
