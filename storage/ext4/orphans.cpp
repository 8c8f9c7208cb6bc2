// SPDX-License-Identifier: Apache-2.0
// The list of orphans: see orphans.h.
#include "storage/ext4/orphans.h"

#include <algorithm>
#include <utility>

#include "kernel/base/log.h"
#include "storage/ext4/volume.h"

namespace ext4 {

using base::Result;

namespace {
constexpr std::size_t max_orphans = 65536;  // taken over from an earlier mount
}

bool Orphans::contains(std::uint32_t inode) const { return std::ranges::find(list_, inode) != list_.end(); }

Result<> Orphans::save() {
  if (changed_) return {};
  TRY(before_.append(std::as_const(list_).span()));
  changed_ = true;
  return {};
}

Result<> Orphans::add(Inode& inode) {
  if (contains(inode.number())) return {};
  TRY(save());
  TRY(list_.push_back(inode.number()));
  volume_.inodes().change(inode);
  inode.disk.i_dtime = volume_.super().s_last_orphan;
  volume_.super().s_last_orphan = inode.number();
  return {};
}

Result<> Orphans::remove(Inode& inode) {
  const auto found = std::ranges::find(list_, inode.number());
  if (found == list_.end()) return {};
  TRY(save());
  const auto index = static_cast<std::size_t>(found - list_.begin());
  if (index + 1 == list_.size()) {
    volume_.super().s_last_orphan = inode.disk.i_dtime;
  } else {
    const InodeRef before = TRY(volume_.inodes().get(list_[index + 1]));
    volume_.inodes().change(*before);
    before->disk.i_dtime = inode.disk.i_dtime;
  }
  volume_.inodes().change(inode);
  inode.disk.i_dtime = 0;
  list_.erase(index);
  return {};
}

Result<> Orphans::load() {
  TRY(save());
  list_.clear();
  std::uint32_t next = volume_.super().s_last_orphan;
  while (next != 0) {
    const auto inode = volume_.inodes().get(next);
    if (!inode || contains(next) || next == EXT2_ROOT_INO || list_.size() == max_orphans) break;
    TRY(list_.push_back(next));
    next = (*inode)->disk.i_dtime;
  }
  if (next != 0) {
    base::log_warning("storage", "ext4: the list of orphans is damaged at inode {}", next);
    if (list_.empty()) {
      volume_.super().s_last_orphan = 0;
    } else {
      const InodeRef last = TRY(volume_.inodes().get(list_.back()));
      volume_.inodes().change(*last);
      last->disk.i_dtime = 0;
    }
  }
  std::reverse(list_.begin(), list_.end());
  return {};
}

void Orphans::abort() {
  if (changed_) std::swap(list_, before_);
  commit();
}

}  // namespace ext4
