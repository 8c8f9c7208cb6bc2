// SPDX-License-Identifier: Apache-2.0
// A path that a system call was given: at most 4095 bytes, in memory of its own.
#pragma once

#include <string_view>

#include "arch/x86_64/user_copy.h"
#include "kernel/base/array.h"
#include "linux-abi/abi/errno.h"

namespace linux_abi {

class UserPath {
 public:
  static constexpr std::size_t max_bytes = 4096;  // PATH_MAX, with the final zero
  // EFAULT, ENAMETOOLONG.
  static Answer<UserPath> read(std::uint64_t address) {
    UserPath path;
    // Most paths are short: the long buffer is taken only when it is needed.
    for (const std::size_t room : {std::size_t{240}, max_bytes}) {
      TRY(path.bytes_.resize(room));
      const auto length = arch::copy_string_from_user(path.bytes_.span(), base::UserVa(address));
      if (length) {
        path.length_ = *length;
        return path;
      }
      if (length.error() != base::Error::NameTooLong) return error(EFAULT);
    }
    return error(ENAMETOOLONG);
  }
  std::string_view text() const { return {bytes_.data(), length_}; }

 private:
  base::Array<char> bytes_;
  std::size_t length_ = 0;
};

}  // namespace linux_abi
