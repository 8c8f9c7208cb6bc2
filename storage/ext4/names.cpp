// SPDX-License-Identifier: Apache-2.0
// Looking up, making and removing names: see file_system.h. Renaming is in rename.cpp.
#include <algorithm>
#include <cstring>

#include "storage/ext4/attributes.h"
#include "storage/ext4/block_count.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::Attributes;

namespace {

constexpr std::uint32_t max_links = 65000;
constexpr std::uint32_t set_group_id = 02000;

Result<> check_name(std::string_view name) {
  if (name.size() > storage::max_name_bytes) return fail(Error::NameTooLong);
  const auto bad = [](char c) { return c == '/' || c == 0; };
  if (name.empty() || std::ranges::any_of(name, bad)) return fail(Error::InvalidArgument);
  return {};
}

bool is_dot(std::string_view name) { return name == "." || name == ".."; }

}  // namespace

Result<> FileSystem::writable() const {
  if (read_only()) return fail(Error::ReadOnly);
  return {};
}

Result<InodeRef> FileSystem::directory(base::FileId id) {
  InodeRef inode = TRY(volume_->inodes().find(id));
  if (!inode->is_directory()) return fail(Error::NotDirectory);
  return inode;
}

// The inode that a name leads to, in agreement with the entry.
Result<InodeRef> FileSystem::entry(Directory& directory, std::string_view name, FoundEntry& found) {
  found = TRY(directory.find(name));
  InodeRef inode = TRY(volume_->inodes().get(found.inode));
  if (inode->links() == 0) return fail(Error::IoError);
  return inode;
}

Result<Attributes> FileSystem::lookup(base::FileId directory_id, std::string_view name) {
  TRY(check_name(name));
  const InodeRef parent = TRY(directory(directory_id));
  if (parent->links() == 0) return fail(Error::NotFound);  // removed, but held
  Directory directory(*volume_, *parent);
  FoundEntry found;
  return attributes_of(*volume_, *TRY(entry(directory, name, found)));
}

Result<bool> FileSystem::read_directory(base::FileId id, std::uint64_t cookie, storage::DirectoryVisitor& visitor) {
  const InodeRef inode = TRY(directory(id));
  if (inode->links() == 0) return true;
  return Directory(*volume_, *inode).list(cookie, visitor);
}

void FileSystem::touch_directory(Inode& directory, storage::Time now) {
  volume_->inodes().change(directory);
  set_modify_time(*volume_, directory, now);
  set_change_time(*volume_, directory, now);
}

// A directory with more than max_links subdirectories stops counting, if the image allows that: it has one link then.
Result<> FileSystem::add_link_to_parent(Inode& parent) {
  volume_->inodes().change(parent);
  if (parent.links() == 1) return {};
  if (parent.links() < max_links)
    ++parent.disk.i_links_count;
  else if (ext2fs_has_feature_dir_nlink(volume_->library()->super))
    parent.disk.i_links_count = 1;
  else
    return fail(Error::TooManyLinks);
  return {};
}

void FileSystem::drop_link_to_parent(Inode& parent) {
  volume_->inodes().change(parent);
  if (parent.links() > 2) --parent.disk.i_links_count;
}

Result<> FileSystem::write_target(Inode& inode, std::string_view target) {
  inode.set_size(target.size());
  if (target.size() < sizeof(inode.disk.i_block)) {
    std::memcpy(inode.disk.i_block, target.data(), target.size());
    return {};
  }
  if (ext2fs_has_feature_extents(volume_->library()->super)) ExtentTree(*volume_, inode).initialize();
  FileMap map(*volume_, inode);
  TRY(map.allocate(0, 1, Written::Yes));
  const Mapping mapping = TRY(map.find(0));
  const BlockRef block = TRY(volume_->cache().overwrite(mapping.physical));
  std::memcpy(block.data(), target.data(), target.size());
  return {};
}

Result<> FileSystem::fill_new(Inode& inode, const Inode& parent, const storage::NewFile& file, storage::Time now) {
  const std::uint32_t type = file.mode & storage::mode::type_mask;
  const bool inherit_group = (parent.mode() & set_group_id) != 0;
  inode.disk.i_mode = static_cast<std::uint16_t>(file.mode);
  if (inherit_group && type == storage::mode::directory) inode.disk.i_mode |= set_group_id;
  set_owner(inode, file.uid, inherit_group ? inode_gid(parent.disk) : file.gid);
  inode.disk.i_links_count = type == storage::mode::directory ? 2 : 1;
  set_access_time(*volume_, inode, now);
  set_modify_time(*volume_, inode, now);
  set_change_time(*volume_, inode, now);
  set_creation_time(*volume_, inode, now);
  switch (type) {
    case storage::mode::regular:
    case storage::mode::directory:
      if (ext2fs_has_feature_extents(volume_->library()->super)) ExtentTree(*volume_, inode).initialize();
      if (type == storage::mode::directory) return Directory(*volume_, inode).initialize(parent.number());
      return {};
    case storage::mode::symlink:
      return write_target(inode, file.target);
    case storage::mode::character_device:
    case storage::mode::block_device:
      set_device(inode, file.device);
      return {};
    case storage::mode::fifo:
    case storage::mode::socket:
      return {};
    default:
      return fail(Error::InvalidArgument);
  }
}

Result<Attributes> FileSystem::create(base::FileId directory_id, std::string_view name, const storage::NewFile& file,
                                      const storage::Request& request) {
  TRY(writable());
  TRY(check_name(name));
  const bool is_directory = (file.mode & storage::mode::type_mask) == storage::mode::directory;
  if ((file.mode & storage::mode::type_mask) == storage::mode::symlink) {
    if (file.target.empty()) return fail(Error::NotFound);
    if (file.target.size() >= volume_->block_bytes()) return fail(Error::NameTooLong);
    if (file.target.contains('\0')) return fail(Error::InvalidArgument);
  }
  Transaction transaction(*volume_, request);
  const InodeRef parent = TRY(directory(directory_id));
  if (parent->links() == 0) return fail(Error::NotFound);
  Directory directory(*volume_, *parent);
  if (auto taken = directory.find(name); taken || taken.error() != Error::NotFound)
    return fail(taken ? Error::Exists : taken.error());
  if (is_directory) TRY(add_link_to_parent(*parent));
  const InodeRef inode = TRY(volume_->inodes().create(parent->number(), is_directory));
  TRY(fill_new(*inode, *parent, file, request.now));
  TRY(directory.add(name, inode->number(), file_type_of_mode(file.mode)));
  touch_directory(*parent, request.now);
  TRY(transaction.commit());
  return attributes_of(*volume_, *inode);
}

// On the list of orphans from the start: after a crash it is gone.
Result<Attributes> FileSystem::create_unnamed(base::FileId directory_id, const storage::NewFile& file, bool linkable,
                                              const storage::Request& request) {
  TRY(writable());
  if ((file.mode & storage::mode::type_mask) != storage::mode::regular) return fail(Error::InvalidArgument);
  Transaction transaction(*volume_, request);
  const InodeRef parent = TRY(directory(directory_id));
  if (parent->links() == 0) return fail(Error::NotFound);
  const InodeRef inode = TRY(volume_->inodes().create(parent->number(), false));
  TRY(fill_new(*inode, *parent, file, request.now));
  inode->disk.i_links_count = 0;
  TRY(volume_->orphans().add(*inode));
  TRY(transaction.commit());
  inode->holds = 1;
  inode->linkable = linkable;
  return attributes_of(*volume_, *inode);
}

Result<Attributes> FileSystem::link(base::FileId file, base::FileId directory_id, std::string_view name,
                                    const storage::Request& request) {
  TRY(writable());
  TRY(check_name(name));
  Transaction transaction(*volume_, request);
  const InodeRef parent = TRY(directory(directory_id));
  const InodeRef inode = TRY(volume_->inodes().find(file));
  if (inode->is_directory()) return fail(Error::NotPermitted);
  if ((inode->links() == 0 && !inode->linkable) || parent->links() == 0) return fail(Error::NotFound);
  if (inode->links() >= max_links) return fail(Error::TooManyLinks);
  Directory directory(*volume_, *parent);
  if (auto taken = directory.find(name); taken || taken.error() != Error::NotFound)
    return fail(taken ? Error::Exists : taken.error());
  TRY(directory.add(name, inode->number(), file_type_of_mode(inode->mode())));
  if (inode->links() == 0) TRY(volume_->orphans().remove(*inode));
  volume_->inodes().change(*inode);
  ++inode->disk.i_links_count;
  set_change_time(*volume_, *inode, request.now);
  touch_directory(*parent, request.now);
  TRY(transaction.commit());
  inode->linkable = false;
  return attributes_of(*volume_, *inode);
}

Result<Attributes> FileSystem::remove_entry(base::FileId directory_id, std::string_view name, Kind kind,
                                            const storage::Request& request) {
  TRY(writable());
  TRY(check_name(name));
  if (kind == Kind::Directory && is_dot(name)) return fail(name == "." ? Error::InvalidArgument : Error::NotEmpty);
  if (is_dot(name)) return fail(Error::IsDirectory);
  std::uint32_t left_over = 0;
  Attributes attributes;
  {
    Transaction transaction(*volume_, request);
    const InodeRef parent = TRY(directory(directory_id));
    if (parent->links() == 0) return fail(Error::NotFound);
    Directory directory(*volume_, *parent);
    FoundEntry found;
    InodeRef inode = TRY(entry(directory, name, found));
    if (inode->is_directory() != (kind == Kind::Directory))
      return fail(inode->is_directory() ? Error::IsDirectory : Error::NotDirectory);
    if (inode->is_directory() && !TRY(Directory(*volume_, *inode).is_empty())) return fail(Error::NotEmpty);
    TRY(directory.remove(name, found));
    touch_directory(*parent, request.now);
    if (inode->is_directory()) drop_link_to_parent(*parent);
    attributes = attributes_without_a_name(*volume_, *inode, request.now);
    TRY(drop_link(*inode, request.now, left_over));
    inode = InodeRef();
    TRY(transaction.commit());
  }
  if (left_over != 0) TRY(free_left_over(left_over, request));
  return attributes;
}

Result<Attributes> FileSystem::unlink(base::FileId directory, std::string_view name, const storage::Request& request) {
  return remove_entry(directory, name, Kind::Other, request);
}

Result<Attributes> FileSystem::remove_directory(base::FileId directory, std::string_view name,
                                                const storage::Request& request) {
  return remove_entry(directory, name, Kind::Directory, request);
}

Result<std::string_view> FileSystem::read_link(base::FileId file, std::span<char> into) {
  const InodeRef inode = TRY(volume_->inodes().find(file));
  if (!inode->is_symlink()) return fail(Error::InvalidArgument);
  const std::size_t bytes = inode->size();
  if (bytes > into.size()) return fail(Error::NameTooLong);
  if (inode->is_short_symlink(volume_->block_bytes())) {
    if (bytes >= sizeof(inode->disk.i_block)) return fail(Error::IoError);
    std::memcpy(into.data(), inode->disk.i_block, bytes);
  } else {
    const Mapping mapping = TRY(FileMap(*volume_, *inode).find(0));
    if (mapping.physical == 0) return fail(Error::IoError);
    const BlockRef block = TRY(volume_->cache().read(mapping.physical));
    std::memcpy(into.data(), block.data(), bytes);
  }
  const std::string_view target(into.data(), bytes);
  if (target.contains('\0')) return fail(Error::IoError);
  return target;
}

}  // namespace ext4
