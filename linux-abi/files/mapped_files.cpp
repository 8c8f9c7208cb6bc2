// SPDX-License-Identifier: Apache-2.0
// Names of mapped files: see mapped_files.h.
#include "linux-abi/files/mapped_files.h"

#include <utility>

namespace linux_abi {

const MappedFiles::Entry* MappedFiles::find_locked(base::ObjectId object) const {
  for (std::size_t i = entries_.size(); i-- > 0;)
    if (entries_[i].object == object) return &entries_[i];
  return nullptr;
}

bool MappedFiles::knows(base::ObjectId object) {
  const base::SpinGuard guard(lock_);
  return find_locked(object) != nullptr;
}

void MappedFiles::add(base::ObjectId object, std::string_view path, std::uint64_t device, std::uint64_t inode) {
  Entry added{object, {{}, device, inode}};
  if (!added.name.path.append(std::span(path))) return;
  const base::SpinGuard guard(lock_);
  if (find_locked(object) != nullptr) return;
  if (entries_.size() < most) {
    (void)entries_.push_back(std::move(added));
    return;
  }
  std::swap(entries_[next_replaced_], added);
  next_replaced_ = (next_replaced_ + 1) % most;
}

MappedFiles::Name MappedFiles::find(base::ObjectId object) {
  Name copy;
  const base::SpinGuard guard(lock_);
  const Entry* entry = find_locked(object);
  if (entry == nullptr) return copy;
  if (!copy.path.append(std::span<const char>(entry->name.path.data(), entry->name.path.size()))) return {};
  copy.device = entry->name.device;
  copy.inode = entry->name.inode;
  return copy;
}

}  // namespace linux_abi
