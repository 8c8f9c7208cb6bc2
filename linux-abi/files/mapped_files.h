// SPDX-License-Identifier: Apache-2.0
// What the objects behind mappings are called: /proc/PID/maps asks by the object's id long after the descriptor that
// was mapped is closed. Paths are those at the time of mapping. The oldest is forgotten where too many are known. Has a
// lock of its own, of rank Process.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "kernel/base/types.h"

namespace linux_abi {

class MappedFiles {
 public:
  struct Name {
    base::Array<char> path;  // without a zero byte
    std::uint64_t device = 0, inode = 0;
  };
  static constexpr std::size_t most = 1024;

  bool knows(base::ObjectId object);
  // Without memory it stays unknown.
  void add(base::ObjectId object, std::string_view path, std::uint64_t device, std::uint64_t inode);
  // A copy; empty path: unknown.
  Name find(base::ObjectId object);

 private:
  struct Entry {
    base::ObjectId object;
    Name name;
  };
  const Entry* find_locked(base::ObjectId object) const;

  base::SpinLock lock_{base::LockRank::Process};  // guards all below
  base::Array<Entry> entries_;
  std::size_t next_replaced_ = 0;
};

}  // namespace linux_abi
