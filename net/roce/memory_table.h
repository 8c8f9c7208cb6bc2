// SPDX-License-Identifier: Apache-2.0
// Registered memory of an engine. A key (lkey and rkey are the same number) holds an index and a generation: the key of
// a region that is gone opens nothing, also when its place is taken again.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/random.h"
#include "net/verbs/verbs.h"

namespace roce {

using base::Error;
using base::Result;

enum class MemoryFault : std::uint8_t { None, Key, Bounds, Access, Domain };

class MemoryTable {
 public:
  Result<> initialize(std::uint32_t regions, base::Random& random);

  // The key of a new region. Exhausted: the table is full.
  Result<std::uint32_t> add(const void* domain, std::uint64_t address, std::uint64_t length, verbs::Access access);
  void remove(std::uint32_t key);

  // May [address, address + length) be used so? `access` None asks for local reading.
  MemoryFault check(std::uint32_t key, const void* domain, std::uint64_t address, std::uint64_t length,
                    verbs::Access access) const;

 private:
  struct Region {
    std::uint32_t generation = 0;
    bool live = false;
    verbs::Access access = verbs::Access::None;
    const void* domain = nullptr;
    std::uint64_t address = 0;
    std::uint64_t length = 0;
    std::uint32_t next_free = 0;
  };
  std::uint32_t index_mask() const { return (std::uint32_t{1} << index_bits_) - 1; }
  const Region* find(std::uint32_t key) const;

  base::Array<Region> regions_;
  std::uint32_t index_bits_ = 0;
  std::uint32_t free_ = 0;  // == regions_.size(): none
};

}  // namespace roce
