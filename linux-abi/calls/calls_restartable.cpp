// SPDX-License-Identifier: Apache-2.0
// rseq(2), with the checks and errors of Linux 6.1 in their order.
#include <linux/rseq.h>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/calls_system.h"

namespace linux_abi::calls {

Answer<std::uint64_t> rseq(Call& call) {
  const std::uint64_t address = call.a();
  const auto bytes = static_cast<std::uint32_t>(call.b()), flags = static_cast<std::uint32_t>(call.c());
  const auto signature = static_cast<std::uint32_t>(call.d());
  const RestartableSequences& own = call.thread.sequences;
  constexpr std::uint32_t unregister = RSEQ_FLAG_UNREGISTER, known_bytes = RestartableSequences::bytes;
  if ((flags & ~unregister) != 0) return error(EINVAL);
  if (own.address != 0 || flags == unregister) {
    if (own.address == 0 || own.address != address || bytes != known_bytes) return error(EINVAL);
    if (own.signature != signature) return error(EPERM);
    if (flags != unregister) return error(EBUSY);
    TRY(unregister_sequences(call.thread));
    return std::uint64_t{0};
  }
  if (address % known_bytes != 0 || bytes != known_bytes) return error(EINVAL);
  if (!arch::is_user_range(base::UserVa(address), bytes)) return error(EFAULT);
  // Nowhere is an address that Linux takes, and nothing comes of it.
  if (address != 0) register_sequences(call.thread, address, signature);
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
