// SPDX-License-Identifier: Apache-2.0
// ioperm and iopl: programs have no ports of I/O, and cannot get any. To ask for none is no error.
#include "linux-abi/calls/calls_system.h"

namespace linux_abi::calls {

Answer<std::uint64_t> iopl(Call& call) {
  constexpr std::uint64_t highest = 3;
  const std::uint64_t level = call.a() & 0xffffffff;
  if (level > highest) return error(EINVAL);
  return level == 0 ? std::uint64_t{0} : Answer<std::uint64_t>(error(EPERM));
}

Answer<std::uint64_t> ioperm(Call& call) {
  constexpr std::uint64_t ports = 65536;
  const std::uint64_t from = call.a(), end = from + call.b();
  if (end <= from || end > ports) return error(EINVAL);
  return Call::as_int(call.c()) == 0 ? std::uint64_t{0} : Answer<std::uint64_t>(error(EPERM));
}

}  // namespace linux_abi::calls
