// SPDX-License-Identifier: Apache-2.0
// libext2fs's error codes as ours, and ours through libext2fs: what our I/O channel answers comes back unchanged.
#pragma once

#include <ext2fs/ext2fs.h>

#include "kernel/base/error.h"

namespace ext4 {

base::Error from_library(errcode_t code);
errcode_t to_library(base::Error error);

inline base::Result<> check(errcode_t code) {
  if (code != 0) return base::fail(from_library(code));
  return {};
}

}  // namespace ext4
