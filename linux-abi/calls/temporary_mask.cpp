// SPDX-License-Identifier: Apache-2.0
// A signal mask for the duration of a call: see temporary_mask.h.
#include "linux-abi/calls/temporary_mask.h"

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi::calls {

Answer<> TemporaryMask::set(std::uint64_t address, std::uint64_t bytes) {
  if (address == 0) return {};
  if (bytes != sizeof(std::uint64_t)) return error(EINVAL);
  const SignalSet mask(TRY(arch::UserIn<std::uint64_t>(address).read()));
  const base::SpinGuard guard(tasks_lock);
  thread_.saved_mask = thread_.blocked;
  thread_.blocked = mask & ~unblockable;
  recalculate_interrupt_locked(thread_);
  set_ = true;
  return {};
}

TemporaryMask::~TemporaryMask() {
  if (!set_) return;
  const base::SpinGuard guard(tasks_lock);
  if (thread_.saved_mask) thread_.blocked = *std::exchange(thread_.saved_mask, std::nullopt);
  recalculate_interrupt_locked(thread_);
}

}  // namespace linux_abi::calls
