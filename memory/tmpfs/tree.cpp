// SPDX-License-Identifier: Apache-2.0
// Files of a tree, one at a time: see tree.h.
#include "memory/tmpfs/tree.h"

#include <cstring>

#include "memory/tmpfs/tree_files.h"

namespace memory {

using base::Error;
using base::Result;
using messages::FileType;
using messages::SetAttributes;

namespace {
constexpr std::uint32_t permission_bits = 07777;
constexpr bool has(std::uint32_t mask, SetAttributes bit) { return (mask & static_cast<std::uint32_t>(bit)) != 0; }
}  // namespace

std::uint64_t MemoryTree::IdOf::operator()(const File& file) const { return file.attributes.file; }

Result<base::Own<MemoryTree>> MemoryTree::create(std::uint32_t root_permissions, std::uint64_t max_files,
                                                 std::uint64_t now_ns) {
  auto tree = TRY(base::try_make<MemoryTree>(max_files));
  const auto directory = static_cast<std::uint32_t>(FileType::Directory);
  tree->root_ = TRY(tree->make_file(directory | (root_permissions & permission_bits), now_ns));
  tree->root_->parent = tree->root_;
  tree->root_->attributes.links = 2;
  return tree;
}

MemoryTree::MemoryTree(std::uint64_t max_files) : max_files_(max_files) {}

base::Result<> MemoryTree::set_max_files(std::uint64_t max_files) {
  if (max_files < used_files()) return base::fail(base::Error::InvalidArgument);
  max_files_ = max_files;
  return {};
}
std::uint64_t MemoryTree::files() const { return files_.size(); }

MemoryTree::~MemoryTree() {
  while (!files_.empty()) forget(*files_.begin());
}

base::FileId MemoryTree::root() const { return base::FileId(root_->attributes.file); }

Result<MemoryTree::File*> MemoryTree::make_file(std::uint32_t mode, std::uint64_t now_ns) {
  if (used_files() >= max_files_) return base::fail(Error::NoSpace);
  auto file = TRY(base::try_make<File>());
  FileAttributes& attributes = file->attributes;
  attributes.file = attributes.inode = ++last_id_;
  attributes.mode = mode;
  attributes.access_time_ns = attributes.modify_time_ns = attributes.change_time_ns = now_ns;
  files_.insert(*file);
  return file.release();
}

void MemoryTree::forget(File& file) {
  while (!file.by_name.empty()) {
    Entry& entry = *file.by_name.begin();
    file.by_name.erase(file.by_name.begin());
    file.by_cookie.erase(file.by_cookie.iterator_to(entry));
    base::Own<Entry>(&entry).reset();
  }
  xattr_bytes_ -= file.xattrs.size();
  files_.erase(files_.iterator_to(file));
  base::Own<File>(&file).reset();
}

void MemoryTree::forget_if_unused(File& file) {
  if (file.attributes.links == 0 && !file.held) forget(file);
}

Result<MemoryTree::File*> MemoryTree::find(std::uint64_t id) {
  const auto found = files_.find(id);
  if (found == files_.end()) return base::fail(Error::Stale);
  return &*found;
}

Result<MemoryTree::File*> MemoryTree::find_directory(std::uint64_t id) {
  File* file = TRY(find(id));
  if (!file->is_directory()) return base::fail(Error::NotDirectory);
  return file;
}

Result<MemoryTree::FileAttributes> MemoryTree::attributes(std::uint64_t file) { return TRY(find(file))->attributes; }

Result<MemoryTree::FileAttributes> MemoryTree::set_attributes(const messages::FileSetAttributesRequest& change,
                                                              std::uint64_t now_ns) {
  FileAttributes& attributes = TRY(find(change.file))->attributes;
  const std::uint32_t mask = change.mask;
  if (has(mask, SetAttributes::Mode))
    attributes.mode = (attributes.mode & ~permission_bits) | (change.mode & permission_bits);
  if (has(mask, SetAttributes::Uid)) attributes.uid = change.uid;
  if (has(mask, SetAttributes::Gid)) attributes.gid = change.gid;
  if (has(mask, SetAttributes::AccessTime)) attributes.access_time_ns = change.access_time_ns;
  if (has(mask, SetAttributes::ModifyTime)) attributes.modify_time_ns = change.modify_time_ns;
  attributes.change_time_ns = has(mask, SetAttributes::ChangeTime) ? change.change_time_ns.get() : now_ns;
  return attributes;
}

Result<std::string_view> MemoryTree::read_link(std::uint64_t id) {
  const File* file = TRY(find(id));
  if (messages::file_type(file->attributes.mode) != FileType::SymbolicLink) return base::fail(Error::InvalidArgument);
  return std::string_view(file->target.data(), file->target.size());
}

Result<MemoryTree::FileAttributes> MemoryTree::hold(std::uint64_t id) {
  File* file = TRY(find(id));
  file->held = true;
  return file->attributes;
}

Result<> MemoryTree::release(std::uint64_t id) {
  File* file = TRY(find(id));
  file->held = false;
  forget_if_unused(*file);
  return {};
}

Result<messages::FileReadDirectoryReply> MemoryTree::read_directory(std::uint64_t id, std::uint64_t cookie,
                                                                    std::span<std::byte> to) {
  File* directory = TRY(find_directory(id));
  std::size_t used = 0;
  const auto put = [&](const File& file, std::uint64_t own_cookie, std::string_view name) {
    messages::DirectoryEntry entry{};
    const std::size_t bytes = (sizeof entry + name.size() + 7) / 8 * 8;
    if (bytes > to.size() - used) return false;
    entry.inode = file.attributes.inode;
    entry.cookie = own_cookie;
    entry.entry_bytes = static_cast<std::uint16_t>(bytes);
    entry.type = static_cast<std::uint8_t>((file.attributes.mode & messages::mode_type_mask) >> 12);  // DT_*
    entry.name_bytes = static_cast<std::uint8_t>(name.size());
    std::memset(to.data() + used, 0, bytes);
    std::memcpy(to.data() + used, &entry, sizeof entry);
    std::memcpy(to.data() + used + sizeof entry, name.data(), name.size());
    used += bytes;
    return true;
  };
  bool end = true;
  if (cookie < 1) end = put(*directory, 1, ".");
  if (end && cookie < 2 && directory->parent != nullptr) end = put(*directory->parent, 2, "..");
  for (auto entry = directory->by_cookie.upper_bound(cookie); end && entry != directory->by_cookie.end(); ++entry)
    end = put(*entry->file, entry->cookie, entry->name());
  if (used == 0 && !end) return base::fail(Error::InvalidArgument);
  messages::FileReadDirectoryReply reply;
  reply.bytes = static_cast<std::uint32_t>(used);
  reply.end = end ? 1 : 0;
  return reply;
}

}  // namespace memory
