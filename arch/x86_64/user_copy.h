// SPDX-License-Identifier: Apache-2.0
// Copies between kernel and user memory of the current address space. User addresses are checked against the lower
// half; a page fault on the way runs the page-fault handler of user_mode.h, which may sleep, and if that fails the copy
// returns Error::BadAddress. Callers hold no spinlock, unless they say FaultPolicy::NoFault: then a page that is not
// mapped is Error::BadAddress at once (let go of the lock, touch the page with fault_in, start over).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace arch {

// One past the last user address. The last page of the lower half is never mapped: a SYSCALL instruction at its end
// would return to a non-canonical address.
inline constexpr std::uint64_t user_space_end = 0x7fff'ffff'f000;

constexpr bool is_user_range(base::UserVa start, std::uint64_t bytes) {
  return bytes <= user_space_end && start.value() <= user_space_end - bytes;
}

enum class FaultPolicy : std::uint8_t { MayFault, NoFault };

// All or BadAddress; after an error the destination may have been written in part.
[[nodiscard]] base::Result<> copy_from_user(std::span<std::byte> to, base::UserVa from,
                                            FaultPolicy policy = FaultPolicy::MayFault);
[[nodiscard]] base::Result<> copy_to_user(base::UserVa to, std::span<const std::byte> from,
                                          FaultPolicy policy = FaultPolicy::MayFault);
[[nodiscard]] base::Result<> clear_user(base::UserVa to, std::size_t bytes);

// As read(2) and write(2) need it: how many bytes were copied before the first bad address, possibly 0.
[[nodiscard]] std::size_t copy_from_user_partial(std::span<std::byte> to, base::UserVa from);
[[nodiscard]] std::size_t copy_to_user_partial(base::UserVa to, std::span<const std::byte> from);

// Copies up to and including the zero byte; returns the length without it. NameTooLong when `to` ends first.
[[nodiscard]] base::Result<std::size_t> copy_string_from_user(std::span<char> to, base::UserVa from);

// Makes the page of this address present (and writable, if asked), without changing it. It may be gone again at return.
enum class TouchFor : std::uint8_t { Read, Write };
[[nodiscard]] base::Result<> fault_in(base::UserVa address, TouchFor purpose);

// 32-bit words of user memory as futexes use them; InvalidArgument unless aligned to 4.
[[nodiscard]] base::Result<std::uint32_t> load_user_u32(base::UserVa address,
                                                        FaultPolicy policy = FaultPolicy::MayFault);
// Sequentially consistent. Returns what was there before; it was replaced if that equals `expected`.
[[nodiscard]] base::Result<std::uint32_t> compare_exchange_user_u32(base::UserVa address, std::uint32_t expected,
                                                                    std::uint32_t desired,
                                                                    FaultPolicy policy = FaultPolicy::MayFault);

}  // namespace arch
