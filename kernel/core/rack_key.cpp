// SPDX-License-Identifier: Apache-2.0
// The rack key: see rack_key.h.
#include "kernel/core/rack_key.h"

#include <span>

#include "kernel/core/fw_cfg.h"
#include "kernel/memory/kernel_map.h"

namespace kernel {
namespace {

base::Result<base::Array<std::byte>> read_module(const BootModule& module) {
  if (module.bytes > max_rack_key_bytes) return base::fail(base::Error::TooBig);
  const auto* bytes = TRY(map_device(module.start, module.bytes, arch::CacheMode::WriteBack));
  base::Array<std::byte> key;
  TRY(key.append(std::span(bytes, module.bytes)));
  return key;
}

}  // namespace

base::Result<base::Array<std::byte>> read_rack_key(const BootInfo& boot) {
  const BootModule* module = boot.find_module("rack-key");
  auto key = module != nullptr ? read_module(*module) : read_fw_cfg("opt/lego/rack-key", max_rack_key_bytes);
  if (!key) return base::fail(key.error() == base::Error::NoDevice ? base::Error::NotFound : key.error());
  if (key->empty()) return base::fail(base::Error::InvalidArgument);
  return key;
}

}  // namespace kernel
