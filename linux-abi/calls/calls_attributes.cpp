// SPDX-License-Identifier: Apache-2.0
// Changing what files are: modes, owners, times; extended attributes, which there are none of; mounting, which nobody
// may. See calls_paths.h.
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"

namespace linux_abi::calls {

namespace {

constexpr std::uint32_t set_gid_program = file_mode::set_gid | 010;

Answer<std::uint64_t> change_mode(Call& call, Node& node, std::uint64_t given) {
  const Credentials& user = call.thread.user;
  const FileStatus status = TRY(node.status(call.thread));
  if (!user.may(Capability::FileOwner) && user.file_uid != status.uid) return error(EPERM);
  std::uint32_t mode = static_cast<std::uint32_t>(given) & file_mode::permissions;
  if (!user.may(Capability::FileSetId) && !user.in_group(status.gid)) mode &= ~file_mode::set_gid;
  TRY(node.change({.set_mode = true, .mode = mode}, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> change_owner(Call& call, Node& node, std::uint64_t given_uid, std::uint64_t given_gid) {
  constexpr std::uint32_t unchanged = ~std::uint32_t{0};
  const auto uid = static_cast<std::uint32_t>(given_uid), gid = static_cast<std::uint32_t>(given_gid);
  const Credentials& user = call.thread.user;
  const FileStatus status = TRY(node.status(call.thread));
  AttributeChange change{.set_uid = uid != unchanged, .set_gid = gid != unchanged, .uid = uid, .gid = gid};
  if (!user.may(Capability::Chown)) {
    const bool owner = user.file_uid == status.uid;
    if (change.set_uid && !(owner && uid == status.uid)) return error(EPERM);
    if (change.set_gid && !(owner && (gid == status.gid || user.in_group(gid)))) return error(EPERM);
  }
  // A program does not stay set-user or set-group under another owner.
  std::uint32_t drops = 0;
  if (!node.is_directory()) {
    drops = status.mode & file_mode::set_uid;
    if ((status.mode & set_gid_program) == set_gid_program) drops |= file_mode::set_gid;
  }
  if (drops != 0) {
    change.set_mode = true;
    change.mode = status.mode & file_mode::permissions & ~drops;
  }
  if (!change.set_uid && !change.set_gid && !change.set_mode) return std::uint64_t{0};
  TRY(node.change(change, call.thread));
  return std::uint64_t{0};
}

// The node of a descriptor whose attributes can be changed: a pipe's or socket's cannot.
Answer<NodeReference> node_of(Call& call, std::uint64_t descriptor) {
  const OpenFileReference file = TRY(real_file(call, descriptor));
  if (file->node() == nullptr) return error(EPERM);
  return NodeReference(*file->node());
}

Answer<std::uint64_t> change_mode_at(Call& call, int directory, std::uint64_t path, std::uint64_t mode, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const Named named =
      TRY(find_named(call, directory, path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow,
                     (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  if (!named.place) return error(EPERM);
  if (named.place->node().is_link()) return error(EOPNOTSUPP);
  return change_mode(call, named.place->node(), mode);
}

Answer<std::uint64_t> change_owner_at(Call& call, int directory, std::uint64_t path, std::uint64_t uid,
                                      std::uint64_t gid, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const Named named =
      TRY(find_named(call, directory, path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow,
                     (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  if (!named.place) return error(EPERM);
  return change_owner(call, named.place->node(), uid, gid);
}

}  // namespace

Answer<std::uint64_t> chmod(Call& call) { return change_mode_at(call, at_current_directory, call.a(), call.b(), 0); }
Answer<std::uint64_t> fchmodat(Call& call) {
  return change_mode_at(call, Call::as_int(call.a()), call.b(), call.c(), 0);
}
Answer<std::uint64_t> fchmodat2(Call& call) {
  return change_mode_at(call, Call::as_int(call.a()), call.b(), call.c(), Call::as_int(call.d()));
}
Answer<std::uint64_t> fchmod(Call& call) {
  const NodeReference node = TRY(node_of(call, call.a()));
  return change_mode(call, *node, call.b());
}
Answer<std::uint64_t> chown(Call& call) {
  return change_owner_at(call, at_current_directory, call.a(), call.b(), call.c(), 0);
}
Answer<std::uint64_t> lchown(Call& call) {
  return change_owner_at(call, at_current_directory, call.a(), call.b(), call.c(), AT_SYMLINK_NOFOLLOW);
}
Answer<std::uint64_t> fchownat(Call& call) {
  return change_owner_at(call, Call::as_int(call.a()), call.b(), call.c(), call.d(), Call::as_int(call.e()));
}
Answer<std::uint64_t> fchown(Call& call) {
  const NodeReference node = TRY(node_of(call, call.a()));
  return change_owner(call, *node, call.b(), call.c());
}

Answer<std::uint64_t> mount(Call&) { return error(EPERM); }
Answer<std::uint64_t> umount2(Call&) { return error(EPERM); }

namespace {

// An attribute's name: ERANGE when it is empty or too long.
Answer<> check_attribute_name(std::uint64_t address) {
  std::array<char, XATTR_NAME_MAX + 1> name;
  const auto length = arch::copy_string_from_user(name, base::UserVa(address));
  if (!length) return error(length.error() == base::Error::NameTooLong ? ERANGE : EFAULT);
  return *length == 0 ? error(ERANGE) : Answer<>();
}

enum class Attribute : std::uint8_t { Get, Set, Remove };

// After the file was found and the name read: no file system here has any.
Answer<std::uint64_t> no_attribute(Call& call, Attribute what) {
  if (what == Attribute::Set) {
    if ((Call::as_int(call.e()) & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) return error(EINVAL);
    TRY(check_attribute_name(call.b()));
    if (call.d() > XATTR_SIZE_MAX) return error(E2BIG);
  } else {
    TRY(check_attribute_name(call.b()));
  }
  return error(EOPNOTSUPP);
}

Answer<std::uint64_t> attribute_of_path(Call& call, LastLink last, Attribute what) {
  TRY(find_place(call, at_current_directory, call.a(), last));
  return no_attribute(call, what);
}
Answer<std::uint64_t> attribute_of_file(Call& call, Attribute what) {
  TRY(real_file(call, call.a()));
  return no_attribute(call, what);
}

}  // namespace

Answer<std::uint64_t> setxattr(Call& call) { return attribute_of_path(call, LastLink::Follow, Attribute::Set); }
Answer<std::uint64_t> lsetxattr(Call& call) { return attribute_of_path(call, LastLink::Keep, Attribute::Set); }
Answer<std::uint64_t> fsetxattr(Call& call) { return attribute_of_file(call, Attribute::Set); }
Answer<std::uint64_t> getxattr(Call& call) { return attribute_of_path(call, LastLink::Follow, Attribute::Get); }
Answer<std::uint64_t> lgetxattr(Call& call) { return attribute_of_path(call, LastLink::Keep, Attribute::Get); }
Answer<std::uint64_t> fgetxattr(Call& call) { return attribute_of_file(call, Attribute::Get); }
Answer<std::uint64_t> removexattr(Call& call) { return attribute_of_path(call, LastLink::Follow, Attribute::Remove); }
Answer<std::uint64_t> lremovexattr(Call& call) { return attribute_of_path(call, LastLink::Keep, Attribute::Remove); }
Answer<std::uint64_t> fremovexattr(Call& call) { return attribute_of_file(call, Attribute::Remove); }

// The list of none.
Answer<std::uint64_t> listxattr(Call& call) {
  TRY(find_place(call, at_current_directory, call.a(), LastLink::Follow));
  return std::uint64_t{0};
}
Answer<std::uint64_t> llistxattr(Call& call) {
  TRY(find_place(call, at_current_directory, call.a(), LastLink::Keep));
  return std::uint64_t{0};
}
Answer<std::uint64_t> flistxattr(Call& call) {
  TRY(real_file(call, call.a()));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
