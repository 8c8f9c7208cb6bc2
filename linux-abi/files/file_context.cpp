// SPDX-License-Identifier: Apache-2.0
// Where a process is in the tree of files: see file_context.h.
#include "linux-abi/files/file_context.h"

#include <linux/fcntl.h>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/open_path.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {

using processor::Reference;

Answer<Reference<FileContext>> FileContext::create(Reference<FileTree> tree) {
  auto context = base::make<FileContext>();
  if (!context) return error(ENOMEM);
  context->root_ = context->working_directory_ = root_of(*tree);
  context->tree_ = std::move(tree);
  return Reference<FileContext>(*context.release());
}

Answer<Reference<FileContext>> FileContext::copy() {
  auto context = base::make<FileContext>();
  if (!context) return error(ENOMEM);
  context->tree_ = tree_;
  const base::SpinGuard guard(lock_);
  context->root_ = root_;
  context->working_directory_ = working_directory_;
  context->umask_ = umask_;
  return Reference<FileContext>(*context.release());
}

void FileContext::last_reference_gone() { base::Own<FileContext>(this).reset(); }

FileTree& FileContext::tree() const { return *tree_; }

PlaceReference FileContext::working_directory() {
  const base::SpinGuard guard(lock_);
  return working_directory_;
}

void FileContext::set_working_directory(PlaceReference place) {
  const base::SpinGuard guard(lock_);
  std::swap(working_directory_, place);
  // The old one is let go of after the lock: `place` outlives the guard.
}

PlaceReference FileContext::root() {
  const base::SpinGuard guard(lock_);
  return root_;
}

void FileContext::set_root(PlaceReference place) {
  const base::SpinGuard guard(lock_);
  std::swap(root_, place);
}

std::uint32_t FileContext::umask() {
  const base::SpinGuard guard(lock_);
  return umask_;
}

std::uint32_t FileContext::set_umask(std::uint32_t umask) {
  const base::SpinGuard guard(lock_);
  return std::exchange(umask_, umask & 0777);
}

Answer<OpenFileReference> open_path(Caller& caller, std::string_view path, int flags, std::uint32_t mode) {
  return open_at(caller, at_current_directory, path, flags, mode);
}

Answer<> change_directory(Caller& caller, std::string_view path) {
  PlaceReference place = TRY(walk(caller, at_current_directory, path, LastLink::Follow));
  if (!place->node().is_directory()) return error(ENOTDIR);
  TRY(check_access(caller, place->node(), 1));
  caller.file_context().set_working_directory(std::move(place));
  return {};
}

Answer<OpenFileReference> open_program(Caller& caller, int directory_descriptor, std::string_view path, int flags) {
  constexpr int empty_path = 0x1000, no_follow = 0x100;  // AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
  if ((flags & ~(empty_path | no_follow)) != 0) return error(EINVAL);
  PlaceReference place;
  if (path.empty() && (flags & empty_path) != 0)
    place = TRY(start_of_walk(caller, directory_descriptor, path));
  else
    place = TRY(walk(caller, directory_descriptor, path, (flags & no_follow) != 0 ? LastLink::Keep : LastLink::Follow));
  Node& node = place->node();
  if (node.is_link()) return error(ELOOP);
  if (node.type() != file_mode::regular) return error(EACCES);
  if (place->mount() != nullptr && place->mount()->has(mount_flag::no_execution)) return error(EACCES);
  TRY(check_access(caller, node, 1));
  OpenFileReference file = TRY(node.open(O_RDONLY, place, caller));
  TRY(file->execute());
  file->opened();
  tell_file(*file, file_event::access);
  return file;
}

}  // namespace linux_abi
