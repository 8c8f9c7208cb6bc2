// SPDX-License-Identifier: Apache-2.0
// Renaming, with all of Linux's rules about what may take whose place: see file_system.h.
#include <utility>

#include "storage/ext4/attributes.h"
#include "storage/ext4/file_system.h"

namespace ext4 {

using base::Error;
using base::fail;
using base::Result;
using storage::RenameMode;

namespace {

constexpr unsigned deepest_directory = 65536;  // steps towards the root before a circle is assumed

Result<> check_rename_name(std::string_view name) {
  if (name.size() > storage::max_name_bytes) return fail(Error::NameTooLong);
  if (name.empty() || name.contains('/') || name.contains('\0')) return fail(Error::InvalidArgument);
  if (name == "." || name == "..") return fail(Error::Busy);
  return {};
}

}  // namespace

// A name in a directory, and what it leads to, if anything.
struct FileSystem::RenameSide {
  InodeRef parent;
  std::string_view name;
  FoundEntry found;
  InodeRef inode;

  bool is_directory() const { return inode && inode->is_directory(); }
};

// The inode is the ancestor or one of its descendants.
Result<bool> FileSystem::lies_below(std::uint32_t inode, std::uint32_t ancestor) {
  for (unsigned step = 0; step < deepest_directory; ++step) {
    if (inode == ancestor) return true;
    if (inode == EXT2_ROOT_INO) return false;
    const InodeRef directory = TRY(volume_->inodes().get(inode));
    if (!directory->is_directory()) return fail(Error::IoError);
    inode = TRY(Directory(*volume_, *directory).find("..")).inode;
  }
  return fail(Error::IoError);
}

Result<> FileSystem::check_rename(RenameSide& from, RenameSide& to, RenameMode mode) {
  const bool moved = &*from.parent != &*to.parent;
  if (from.is_directory() && moved && TRY(lies_below(to.parent->number(), from.inode->number())))
    return fail(Error::InvalidArgument);
  if (mode == RenameMode::NoReplace && to.inode) return fail(Error::Exists);
  if (to.inode && &*from.inode == &*to.inode) return {};
  if (mode == RenameMode::Exchange) {
    if (!to.inode) return fail(Error::NotFound);
    if (to.is_directory() && moved && TRY(lies_below(from.parent->number(), to.inode->number())))
      return fail(Error::InvalidArgument);
    return {};
  }
  if (!to.inode) return {};
  if (to.is_directory() && moved && TRY(lies_below(from.parent->number(), to.inode->number())))
    return fail(Error::NotEmpty);
  if (from.is_directory() && !to.is_directory()) return fail(Error::NotDirectory);
  if (!from.is_directory() && to.is_directory()) return fail(Error::IsDirectory);
  if (to.is_directory() && !TRY(Directory(*volume_, *to.inode).is_empty())) return fail(Error::NotEmpty);
  return {};
}

Result<> FileSystem::replace_entries(RenameSide& from, RenameSide& to, storage::Time now, std::uint32_t& left_over) {
  Directory source(*volume_, *from.parent), target(*volume_, *to.parent);
  const bool moved = &*from.parent != &*to.parent;
  const FileType type = file_type_of_mode(from.inode->mode());
  if (to.inode)
    TRY(target.replace(to.found, from.inode->number(), type));
  else
    TRY(target.add(to.name, from.inode->number(), type));
  TRY(source.remove(from.name, from.found));
  if (from.is_directory() && (moved || to.inode)) {
    drop_link_to_parent(*from.parent);
    if (!to.inode) TRY(add_link_to_parent(*to.parent));
    if (moved) TRY(Directory(*volume_, *from.inode).set_parent(to.parent->number()));
  }
  volume_->inodes().change(*from.inode);
  set_change_time(*volume_, *from.inode, now);
  return to.inode ? drop_link(*to.inode, now, left_over) : Result<>{};
}

Result<> FileSystem::exchange_entries(RenameSide& from, RenameSide& to, storage::Time now) {
  Directory source(*volume_, *from.parent), target(*volume_, *to.parent);
  TRY(target.replace(to.found, from.inode->number(), file_type_of_mode(from.inode->mode())));
  TRY(source.replace(from.found, to.inode->number(), file_type_of_mode(to.inode->mode())));
  if (&*from.parent != &*to.parent) {
    if (from.is_directory()) TRY(Directory(*volume_, *from.inode).set_parent(to.parent->number()));
    if (to.is_directory()) TRY(Directory(*volume_, *to.inode).set_parent(from.parent->number()));
    if (from.is_directory() != to.is_directory()) {
      Inode& loses = from.is_directory() ? *from.parent : *to.parent;
      Inode& gains = from.is_directory() ? *to.parent : *from.parent;
      drop_link_to_parent(loses);
      TRY(add_link_to_parent(gains));
    }
  }
  for (const RenameSide* side : {&from, &to}) {
    volume_->inodes().change(*side->inode);
    set_change_time(*volume_, *side->inode, now);
  }
  return {};
}

Result<std::optional<storage::Attributes>> FileSystem::rename(base::FileId old_directory, std::string_view old_name,
                                                              base::FileId new_directory, std::string_view new_name,
                                                              RenameMode mode, const storage::Request& request) {
  TRY(writable());
  TRY(check_rename_name(old_name));
  TRY(check_rename_name(new_name));
  std::uint32_t left_over = 0;
  std::optional<storage::Attributes> replaced;
  {
    Transaction transaction(*volume_, request);
    RenameSide from, to;
    from.parent = TRY(directory(old_directory));
    to.parent = TRY(directory(new_directory));
    from.name = old_name;
    to.name = new_name;
    if (from.parent->links() == 0 || to.parent->links() == 0) return fail(Error::NotFound);
    Directory source(*volume_, *from.parent), target(*volume_, *to.parent);
    from.inode = TRY(entry(source, old_name, from.found));
    if (auto existing = entry(target, new_name, to.found))
      to.inode = std::move(*existing);
    else if (existing.error() != Error::NotFound)
      return fail(existing.error());
    TRY(check_rename(from, to, mode));
    if (to.inode && &*from.inode == &*to.inode) return replaced;  // two names of one file: nothing happens
    touch_directory(*from.parent, request.now);
    touch_directory(*to.parent, request.now);
    if (mode == RenameMode::Exchange) {
      TRY(exchange_entries(from, to, request.now));
    } else {
      if (to.inode) replaced = attributes_without_a_name(*volume_, *to.inode, request.now);
      TRY(replace_entries(from, to, request.now, left_over));
    }
    to.inode = InodeRef();
    TRY(transaction.commit());
  }
  if (left_over != 0) TRY(free_left_over(left_over, request));
  return replaced;
}

}  // namespace ext4
