// SPDX-License-Identifier: Apache-2.0
// The inodes that something is left to do for: those without a name that are held or not yet freed, and those whose
// blocks behind their size are not yet freed. On the disk they are a list through the inodes' deletion times, which
// the next mount (ours, Linux's or e2fsck's) works off if this one does not.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace ext4 {

class Inode;
class Volume;

class Orphans {
 public:
  explicit Orphans(Volume& volume) : volume_(volume) {}

  bool contains(std::uint32_t inode) const;
  // Part of the transaction under way. Adding one that is there, and removing one that is not, does nothing.
  base::Result<> add(Inode& inode);
  base::Result<> remove(Inode& inode);
  // The list as the disk has it, in a transaction: cut off where it is damaged.
  base::Result<> load();
  std::span<const std::uint32_t> list() const { return list_.span(); }
  std::size_t count() const { return list_.size(); }

  void commit() { before_.clear(), changed_ = false; }
  void abort();

 private:
  base::Result<> save();

  Volume& volume_;
  base::Array<std::uint32_t> list_;  // the last one is the head on the disk
  base::Array<std::uint32_t> before_;
  bool changed_ = false;  // by the transaction under way; before_ is the list without it
};

}  // namespace ext4
