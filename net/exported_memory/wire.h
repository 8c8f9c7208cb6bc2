// SPDX-License-Identifier: Apache-2.0
// What a component that exports memory tells whoever connects (by librdmacm, to this port): the private data of its
// answer. All keys are for the same memory.
#pragma once

#include <cstdint>

#include "kernel/base/endian.h"

namespace exported_memory {

inline constexpr std::uint16_t port = 7480;
inline constexpr std::uint32_t magic = 0x5058454c;  // "LEXP"

struct Export {
  base::le32 magic_number{magic};
  base::le32 key;            // for RDMA READ and WRITE
  base::le32 read_only_key;  // for RDMA READ
  base::le32 stale_key;      // of a memory region that is not there any more: refused
  base::le64 address;
  base::le64 bytes;
};
static_assert(sizeof(Export) == 32);

}  // namespace exported_memory
