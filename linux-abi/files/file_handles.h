// SPDX-License-Identifier: Apache-2.0
// File handles (name_to_handle_at(2)): names of files that stay good while the file is there, wherever it is moved, and
// until the vNode ends. A handle is a file's number at its home with a mark that only this component can make, so that
// no number of anything else is taken for one. Pure.
#pragma once

#include <array>
#include <cstdint>

namespace linux_abi {

struct FileHandle {
  std::uint64_t file = 0;
  std::uint64_t mark = 0;
};
static_assert(sizeof(FileHandle) == 16);
inline constexpr std::int32_t file_handle_type = 1;

using HandleKey = std::array<std::uint64_t, 2>;

// SipHash-2-4 of the two numbers.
std::uint64_t handle_mark(const HandleKey& key, std::uint64_t file, std::uint64_t device);

}  // namespace linux_abi
