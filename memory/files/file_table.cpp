// SPDX-License-Identifier: Apache-2.0
// The files that this home knows: see file_table.h.
#include "memory/files/file_table.h"

namespace memory {

using base::Error;
using base::Result;

FileTable::~FileTable() {
  while (!files_.empty()) forget(files_.begin()->file);
}

Result<FileObject*> FileTable::get(base::VNodeId vnode, StoredFile stored, std::uint64_t bytes,
                                   std::uint64_t modify_time_ns, MemoryUse* memory) {
  if (const auto found = files_.find(stored); found != files_.end()) {
    if (found->file.vnode() != vnode) return base::fail(Error::NotPermitted);
    return &found->file;
  }
  auto file = TRY(base::try_make<FileObject>(holders_.new_id(), vnode, store_, loop_, stored, bytes, memory));
  auto entry = TRY(base::try_make<Entry>(*file));
  file->modify_time_ns = modify_time_ns;
  files_.insert(*entry.release());
  return &static_cast<FileObject&>(holders_.add(std::move(file)));
}

Result<FileObject*> FileTable::find(std::uint64_t object, base::VNodeId vnode) {
  PageHolder* holder = TRY(holders_.find(object, vnode));
  if (holder->kind() != HolderKind::File) return base::fail(Error::NotPermitted);
  return static_cast<FileObject*>(holder);
}

namespace {
FileHold* hold_of(FileObject& file, base::NodeId processor) {
  for (FileHold& hold : file.holds)
    if (hold.processor == processor) return &hold;
  return nullptr;
}
}  // namespace

Result<> FileTable::hold(FileObject& file, base::NodeId processor) {
  FileHold* hold = hold_of(file, processor);
  if (hold == nullptr) return file.holds.push_back({processor, 1});
  ++hold->count;
  return {};
}

Result<> FileTable::release(FileObject& file, base::NodeId processor, std::uint64_t count) {
  FileHold* hold = hold_of(file, processor);
  if (hold == nullptr || hold->count < count) return base::fail(Error::InvalidArgument);
  hold->count -= count;
  if (hold->count == 0) release_all(file, processor);
  return {};
}

bool FileTable::release_all(FileObject& file, base::NodeId processor) {
  FileHold* hold = hold_of(file, processor);
  if (hold == nullptr) return false;
  file.holds.erase(static_cast<std::size_t>(hold - file.holds.begin()));
  forget_if_unused(file);
  return true;
}

void FileTable::unlinked(FileObject& file) {
  file.unlinked = true;
  forget_if_unused(file);
}

void FileTable::forget_if_unused(FileObject& file) {
  if (file.unlinked && file.holds.empty() && file.pins == 0) forget(file);
}

void FileTable::forget(FileObject& file) {
  const auto found = files_.find(file.file());
  LEGO_ASSERT(found != files_.end());
  Entry& entry = *found;
  files_.erase(found);
  base::Own<Entry>(&entry).reset();
  cache_.discard(file);
  holders_.remove(file);
}

void FileTable::forget_volume(const FileVolume* volume) {
  for (auto entry = files_.begin(); entry != files_.end();) {
    FileObject& file = (entry++)->file;
    if (file.file().volume != volume) continue;
    file.unlinked = true;
    while (!file.holds.empty()) file.holds.pop_back();
    forget_if_unused(file);
  }
}

FileObject* FileTable::next_held(base::NodeId processor, std::uint64_t after_object) {
  for (PageHolder* holder = holders_.after(after_object); holder != nullptr; holder = holders_.after(holder->id())) {
    if (holder->kind() != HolderKind::File) continue;
    auto& file = static_cast<FileObject&>(*holder);
    if (hold_of(file, processor) != nullptr) return &file;
  }
  return nullptr;
}

bool FileTable::knows_files_of(const FileVolume* volume) const {
  const auto first = files_.lower_bound(StoredFile{const_cast<FileVolume*>(volume), base::FileId(0)});
  return first != files_.end() && first->file.file().volume == volume;
}

FileObject* FileTable::next_dirty(const FileVolume* volume, std::uint64_t after_object) {
  for (PageHolder* holder = holders_.after(after_object); holder != nullptr; holder = holders_.after(holder->id())) {
    if (holder->kind() != HolderKind::File) continue;
    auto& file = static_cast<FileObject&>(*holder);
    if (file.dirty() && (volume == nullptr || file.file().volume == volume)) return &file;
  }
  return nullptr;
}

}  // namespace memory
