// SPDX-License-Identifier: Apache-2.0
// Names in the directories of a tree: see tree.h. A directory's size is that of its entries as tmpfs counts them.
#include <utility>

#include "memory/tmpfs/tree.h"
#include "memory/tmpfs/tree_files.h"

namespace memory {

using base::Error;
using base::Result;
using messages::FileType;
using messages::RenameFlags;

namespace {
constexpr std::uint64_t entry_bytes = 20;
constexpr bool is_dots(std::string_view name) { return name == "." || name == ".."; }
}  // namespace

Result<base::Own<MemoryTree::Entry>> MemoryTree::make_entry(std::string_view name, File& file) {
  auto entry = TRY(base::try_make<Entry>(file));
  TRY(entry->text.append(std::span(name)));
  return entry;
}

void MemoryTree::insert(File& directory, base::Own<Entry> entry, std::uint64_t now_ns) {
  entry->cookie = ++last_cookie_;
  File& file = *entry->file;
  if (file.is_directory()) {
    file.parent = &directory;
    directory.attributes.links = directory.attributes.links + 1;
  }
  file.attributes.change_time_ns = now_ns;
  directory.by_name.insert(*entry);
  directory.by_cookie.insert(*entry);
  entry.release();
  directory.attributes.size = directory.attributes.size + entry_bytes;
  directory.attributes.modify_time_ns = directory.attributes.change_time_ns = now_ns;
}

// The entry alone: what it named keeps its count of links.
void MemoryTree::remove(File& directory, Entry& entry, std::uint64_t now_ns) {
  if (entry.file->is_directory()) directory.attributes.links = directory.attributes.links - 1;
  directory.by_name.erase(directory.by_name.iterator_to(entry));
  directory.by_cookie.erase(directory.by_cookie.iterator_to(entry));
  base::Own<Entry>(&entry).reset();
  directory.attributes.size = directory.attributes.size - entry_bytes;
  directory.attributes.modify_time_ns = directory.attributes.change_time_ns = now_ns;
}

void MemoryTree::drop_name(File& file, std::uint64_t now_ns) {
  if (file.is_directory()) {
    file.attributes.links = 0;
    file.parent = nullptr;
  } else {
    if (file.attributes.links > 1) --further_names_;
    file.attributes.links = file.attributes.links - 1;
  }
  file.attributes.change_time_ns = now_ns;
}

Result<MemoryTree::FileAttributes> MemoryTree::look_up(std::uint64_t id, std::string_view name) {
  File* directory = TRY(find_directory(id));
  if (name == ".") return directory->attributes;
  if (name == "..") {
    if (directory->parent == nullptr) return base::fail(Error::NotFound);
    return directory->parent->attributes;
  }
  const Entry* entry = directory->find_entry(name);
  if (entry == nullptr) return base::fail(Error::NotFound);
  return entry->file->attributes;
}

Result<MemoryTree::FileAttributes> MemoryTree::create_file(const messages::FileCreateRequest& request,
                                                           std::string_view name, std::string_view target,
                                                           std::uint64_t now_ns) {
  File* directory = TRY(find_directory(request.directory));
  if (directory->parent == nullptr) return base::fail(Error::NotFound);  // removed
  if (request.is_unnamed()) return create_unnamed(request, *directory, now_ns);
  if (is_dots(name) || directory->find_entry(name) != nullptr) return base::fail(Error::Exists);
  File* file = TRY(make_file(request.mode, now_ns));
  const auto prepared = [&]() -> Result<base::Own<Entry>> {
    TRY(file->target.append(std::span(target)));
    return make_entry(name, *file);
  };
  auto entry = prepared();
  if (!entry) {
    forget(*file);
    return base::fail(entry.error());
  }
  FileAttributes& attributes = file->attributes;
  set_owner(*file, *directory, request);
  attributes.device = request.device;
  attributes.links = file->is_directory() ? 2 : 1;
  if (!target.empty()) attributes.size = target.size();
  file->held = request.hold != 0;
  insert(*directory, std::move(*entry), now_ns);
  return attributes;
}

// A directory with the set-group bit hands its group on, and to directories the bit.
void MemoryTree::set_owner(File& file, const File& directory, const messages::FileCreateRequest& request) {
  constexpr std::uint32_t set_group = 02000;
  const bool inherits = (directory.attributes.mode & set_group) != 0;
  file.attributes.uid = request.uid;
  file.attributes.gid = inherits ? directory.attributes.gid : request.gid;
  if (inherits && file.is_directory()) file.attributes.mode = file.attributes.mode | set_group;
}

Result<MemoryTree::FileAttributes> MemoryTree::create_unnamed(const messages::FileCreateRequest& request,
                                                              const File& directory, std::uint64_t now_ns) {
  File* file = TRY(make_file(request.mode, now_ns));
  set_owner(*file, directory, request);
  file->held = true;
  file->linkable = request.is_linkable();
  return file->attributes;
}

Result<MemoryTree::FileAttributes> MemoryTree::unlink(std::uint64_t id, std::string_view name, bool remove_directory,
                                                      std::uint64_t now_ns) {
  File* directory = TRY(find_directory(id));
  if (name == ".") return base::fail(remove_directory ? Error::InvalidArgument : Error::IsDirectory);
  if (name == "..") return base::fail(remove_directory ? Error::NotEmpty : Error::IsDirectory);
  Entry* entry = directory->find_entry(name);
  if (entry == nullptr) return base::fail(Error::NotFound);
  File& file = *entry->file;
  if (remove_directory && !file.is_directory()) return base::fail(Error::NotDirectory);
  if (!remove_directory && file.is_directory()) return base::fail(Error::IsDirectory);
  if (remove_directory && !file.by_name.empty()) return base::fail(Error::NotEmpty);
  remove(*directory, *entry, now_ns);
  drop_name(file, now_ns);
  const FileAttributes attributes = file.attributes;
  forget_if_unused(file);
  return attributes;
}

Result<MemoryTree::FileAttributes> MemoryTree::link(std::uint64_t id, std::uint64_t directory_id, std::string_view name,
                                                    std::uint64_t now_ns) {
  File* file = TRY(find(id));
  File* directory = TRY(find_directory(directory_id));
  if (file->is_directory()) return base::fail(Error::NotPermitted);
  // A file that lost its last name gets no other, as Linux has it.
  const bool may_have_name = file->attributes.links > 0 || file->linkable;
  if (directory->parent == nullptr || !may_have_name) return base::fail(Error::NotFound);
  if (is_dots(name) || directory->find_entry(name) != nullptr) return base::fail(Error::Exists);
  const bool further = file->attributes.links > 0;
  if (further && used_files() >= max_files_) return base::fail(Error::NoSpace);
  insert(*directory, TRY(make_entry(name, *file)), now_ns);
  if (further) ++further_names_;
  file->attributes.links = file->attributes.links + 1;
  file->linkable = false;
  return file->attributes;
}

bool MemoryTree::lies_below(const File& file, const File& ancestor) {
  for (const File* at = &file;; at = at->parent) {
    if (at == &ancestor) return true;
    if (at->parent == at || at->parent == nullptr) return false;
  }
}

Result<> MemoryTree::check_rename(const File& from, const File& source, const Entry* taken, const File& target,
                                  std::uint32_t flags) {
  if (source.is_directory() && lies_below(target, source)) return base::fail(Error::InvalidArgument);
  if (flags == static_cast<std::uint32_t>(RenameFlags::Exchange)) {
    if (taken == nullptr) return base::fail(Error::NotFound);
    if (taken->file->is_directory() && lies_below(from, *taken->file)) return base::fail(Error::InvalidArgument);
    return {};
  }
  if (taken == nullptr) return {};
  const File& replaced = *taken->file;
  if (flags == static_cast<std::uint32_t>(RenameFlags::NoReplace)) return base::fail(Error::Exists);
  if (&replaced == &source) return {};
  if (replaced.is_directory() && lies_below(from, replaced)) return base::fail(Error::NotEmpty);
  if (source.is_directory() && !replaced.is_directory()) return base::fail(Error::NotDirectory);
  if (!source.is_directory() && replaced.is_directory()) return base::fail(Error::IsDirectory);
  if (!replaced.by_name.empty()) return base::fail(Error::NotEmpty);
  return {};
}

Result<std::optional<MemoryTree::FileAttributes>> MemoryTree::rename(const messages::FileRenameRequest& request,
                                                                     std::string_view name, std::string_view new_name,
                                                                     std::uint64_t now_ns) {
  File* from = TRY(find_directory(request.old_directory));
  File* to = TRY(find_directory(request.new_directory));
  if (is_dots(name) || is_dots(new_name)) return base::fail(Error::Busy);
  Entry* moved = from->find_entry(name);
  if (moved == nullptr || to->parent == nullptr) return base::fail(Error::NotFound);
  Entry* taken = to->find_entry(new_name);
  File& source = *moved->file;
  TRY(check_rename(*from, source, taken, *to, request.flags));
  if (taken != nullptr && taken->file == &source) return std::optional<FileAttributes>();  // two names of one file
  auto entry = TRY(make_entry(new_name, source));
  if (request.flags == static_cast<std::uint32_t>(RenameFlags::Exchange)) {
    File& other = *taken->file;
    auto back = TRY(make_entry(name, other));
    remove(*from, *moved, now_ns);
    remove(*to, *taken, now_ns);
    insert(*from, std::move(back), now_ns);
    insert(*to, std::move(entry), now_ns);
    return std::optional<FileAttributes>();
  }
  std::optional<FileAttributes> lost;
  remove(*from, *moved, now_ns);
  if (taken != nullptr) {
    File& replaced = *taken->file;
    remove(*to, *taken, now_ns);
    drop_name(replaced, now_ns);
    lost = replaced.attributes;
    forget_if_unused(replaced);
  }
  insert(*to, std::move(entry), now_ns);
  return lost;
}

}  // namespace memory
