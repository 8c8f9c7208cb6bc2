// SPDX-License-Identifier: Apache-2.0
// Changing what files are: modes and owners; see calls_paths.h.
#include <linux/fcntl.h>

#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

namespace {

constexpr std::uint32_t set_gid_program = file_mode::set_gid | 010;

Answer<std::uint64_t> change_mode(Call& call, Place& place, std::uint64_t given) {
  TRY(check_writable(place));
  Node& node = place.node();
  const Credentials& user = call.thread.user;
  const FileStatus status = TRY(node.status(call.thread));
  if (!user.may(Capability::FileOwner) && user.file_uid != status.uid) return error(EPERM);
  std::uint32_t mode = static_cast<std::uint32_t>(given) & file_mode::permissions;
  if (!user.may(Capability::FileSetId) && !user.in_group(status.gid)) mode &= ~file_mode::set_gid;
  TRY(node.change({.set_mode = true, .mode = mode}, call.thread));
  tell_place(place, file_event::attributes);
  return std::uint64_t{0};
}

Answer<std::uint64_t> change_owner(Call& call, Place& place, std::uint64_t given_uid, std::uint64_t given_gid) {
  TRY(check_writable(place));
  Node& node = place.node();
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
  tell_place(place, file_event::attributes);
  return std::uint64_t{0};
}

// The place of a descriptor whose attributes can be changed: a pipe's or socket's cannot.
Answer<PlaceReference> place_of(Call& call, std::uint64_t descriptor) {
  const OpenFileReference file = TRY(real_file(call, descriptor));
  if (file->place() == nullptr) return error(EPERM);
  return PlaceReference(*file->place());
}

Answer<std::uint64_t> change_mode_at(Call& call, int directory, std::uint64_t path, std::uint64_t mode, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const Named named =
      TRY(find_named(call, directory, path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow,
                     (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  if (!named.place) return error(EPERM);
  if (named.place->node().is_link()) return error(EOPNOTSUPP);
  return change_mode(call, *named.place, mode);
}

Answer<std::uint64_t> change_owner_at(Call& call, int directory, std::uint64_t path, std::uint64_t uid,
                                      std::uint64_t gid, int flags) {
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const Named named =
      TRY(find_named(call, directory, path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow,
                     (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  if (!named.place) return error(EPERM);
  return change_owner(call, *named.place, uid, gid);
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
  const PlaceReference place = TRY(place_of(call, call.a()));
  return change_mode(call, *place, call.b());
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
  const PlaceReference place = TRY(place_of(call, call.a()));
  return change_owner(call, *place, call.b(), call.c());
}

}  // namespace linux_abi::calls
