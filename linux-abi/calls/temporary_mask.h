// SPDX-License-Identifier: Apache-2.0
// The signal mask that ppoll, pselect6 and epoll_pwait have for their duration. When a signal ended the call, the mask
// stays until it was delivered (Thread::saved_mask); otherwise the old one comes back at once.
#pragma once

#include "linux-abi/process/thread.h"

namespace linux_abi::calls {

class TemporaryMask {
 public:
  explicit TemporaryMask(Thread& thread) : thread_(thread) {}
  TemporaryMask(const TemporaryMask&) = delete;
  TemporaryMask& operator=(const TemporaryMask&) = delete;
  ~TemporaryMask();

  // Address 0: no mask. EINVAL for a size that is not a sigset_t's, EFAULT.
  Answer<> set(std::uint64_t address, std::uint64_t bytes);
  // A signal ended the call.
  void interrupted() { set_ = false; }

 private:
  Thread& thread_;
  bool set_ = false;
};

}  // namespace linux_abi::calls
