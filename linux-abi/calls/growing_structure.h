// SPDX-License-Identifier: Apache-2.0
// Structures of calls that grow from version to version and come with their size (openat2, mount_setattr): what is not
// known here must be zero.
#pragma once

#include <algorithm>
#include <cstring>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "kernel/base/array.h"
#include "linux-abi/abi/errno.h"

namespace linux_abi::calls {

// EINVAL: smaller than its first version, which is what is known here; E2BIG: something is in what is not known.
template <typename Known>
Answer<Known> read_growing(std::uint64_t address, std::uint64_t bytes) {
  constexpr std::uint64_t most_bytes = 4096;
  if (bytes > most_bytes) return error(E2BIG);
  if (bytes < sizeof(Known)) return error(EINVAL);
  base::Array<std::byte> given;
  TRY(given.resize(bytes));
  if (arch::copy_from_user_partial(given.span(), base::UserVa(address)) < bytes) return error(EFAULT);
  const auto rest = given.span().subspan(sizeof(Known));
  if (std::any_of(rest.begin(), rest.end(), [](std::byte each) { return each != std::byte{0}; })) return error(E2BIG);
  Known known{};
  std::memcpy(&known, given.data(), sizeof known);
  return known;
}

}  // namespace linux_abi::calls
