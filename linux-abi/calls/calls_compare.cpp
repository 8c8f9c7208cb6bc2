// SPDX-License-Identifier: Apache-2.0
// kcmp: whether two processes share something of the kernel's. The order that it tells is that of addresses, mixed so
// that they are not given away.
#include <linux/kcmp.h>

#include "kernel/core/entropy.h"
#include "linux-abi/calls/calls_process.h"
#include "linux-abi/process/inspection.h"

namespace linux_abi::calls {
namespace {

std::uint64_t mixed(const void* address) {
  static const std::uint64_t secret = [] {
    std::uint64_t random = 0;
    kernel::fill_random(std::as_writable_bytes(std::span(&random, 1)));
    return random | 1;
  }();
  return (reinterpret_cast<std::uint64_t>(address) ^ secret) * secret;
}

std::uint64_t order(const void* one, const void* other) {
  if (one == other) return 0;
  return mixed(one) < mixed(other) ? 1 : 2;
}

Answer<OpenFileReference> file_of(const Inspected& process, std::uint64_t descriptor) {
  if (!process.descriptors) return error(EBADF);
  return process.descriptors->get(Call::as_int(descriptor));
}

}  // namespace

Answer<std::uint64_t> kcmp(Call& call) {
  const Inspected one = TRY(inspect(call.thread, Call::as_int(call.a()), InspectFor::Permitted));
  const Inspected other = TRY(inspect(call.thread, Call::as_int(call.b()), InspectFor::Permitted));
  switch (Call::as_int(call.c())) {
    case KCMP_FILE: {
      const OpenFileReference first = TRY(file_of(one, call.d()));
      const OpenFileReference second = TRY(file_of(other, call.e()));
      return order(first.get(), second.get());
    }
    case KCMP_VM:
      return order(one.space.get(), other.space.get());
    case KCMP_FILES:
      return order(one.descriptors.get(), other.descriptors.get());
    case KCMP_FS:
      return order(one.files.get(), other.files.get());
    case KCMP_SIGHAND:
      return order(one.actions.get(), other.actions.get());
    case KCMP_IO:
    case KCMP_SYSVSEM:
      return std::uint64_t{0};  // nobody has such a thing
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
