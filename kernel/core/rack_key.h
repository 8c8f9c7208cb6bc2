// SPDX-License-Identifier: Apache-2.0
// The secret that members of a rack share. It comes by fw_cfg (opt/lego/rack-key) or as a boot module named rack-key,
// never by a command line.
#pragma once

#include <cstddef>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/boot/boot_info.h"

namespace kernel {

inline constexpr std::size_t max_rack_key_bytes = 4096;

// NotFound when nobody gave one; InvalidArgument when it is empty.
base::Result<base::Array<std::byte>> read_rack_key(const BootInfo& boot);

}  // namespace kernel
