// SPDX-License-Identifier: Apache-2.0
// Pages to ask for before they are touched: `count` of them, `stride` pages apart, in an address space, an object, or
// both (a mapping of the object).
#pragma once

#include <cstdint>

#include "kernel/base/types.h"

namespace excache {

class Space;

struct PrefetchPlan {
  unsigned count = 0;
  std::int64_t stride = 1;
  Space* space = nullptr;  // nullptr: the object is read, not mapped
  std::uint64_t page = 0;  // the first, in the space
  base::ObjectId object;   // 0: private memory
  std::uint64_t object_page = 0;
};

}  // namespace excache
