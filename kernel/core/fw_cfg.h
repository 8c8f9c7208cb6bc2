// SPDX-License-Identifier: Apache-2.0
// QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU): small files that the host's command line gives to
// this machine (-fw_cfg name=...,file=...). During start-up, by the boot core.
#pragma once

#include <cstddef>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace kernel {

// NoDevice: not under QEMU. NotFound: no such file. TooBig: larger than `limit`.
base::Result<base::Array<std::byte>> read_fw_cfg(std::string_view name, std::size_t limit);

}  // namespace kernel
