// SPDX-License-Identifier: Apache-2.0
// Linux's error numbers, which exist only in linux-abi/: an Errno is made from a number of <asm/errno.h>, or from a
// base::Error by the one mapping in errno.cpp, so that TRY passes errors of the layers below up as errnos.
// Answer<T> is what a system call's parts return; a call's own result is Answer<std::uint64_t>.
#pragma once

#include <asm/errno.h>

#include <cstdint>
#include <expected>

#include "kernel/base/error.h"

namespace linux_abi {

// Never seen by a program: how an interrupted call goes on after a signal handler (Linux's numbers).
inline constexpr int restart_always = 512;      // ERESTARTSYS: again if SA_RESTART, else EINTR
inline constexpr int restart_no_handler = 514;  // ERESTARTNOHAND: again only if no handler ran
inline constexpr int restart_block = 516;       // ERESTART_RESTARTBLOCK: restart_syscall with the thread's restart

class Errno {
 public:
  constexpr explicit Errno(int number) : number_(number) {}
  Errno(base::Error error);
  constexpr int number() const { return number_; }
  constexpr bool operator==(const Errno&) const = default;
  constexpr bool operator==(int number) const { return number_ == number; }

 private:
  int number_;
};

template <typename T = void>
using Answer = std::expected<T, Errno>;

inline std::unexpected<Errno> error(int number) { return std::unexpected(Errno(number)); }

// "EINVAL"; for --trace. Empty for a number that Linux does not have.
const char* errno_name(int number);

}  // namespace linux_abi
