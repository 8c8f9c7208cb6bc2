// SPDX-License-Identifier: Apache-2.0
// Making and removing names: see calls_paths.h.
#include <linux/fcntl.h>

#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/name_changes.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/mode_of_new.h"
#include "linux-abi/files/special_files.h"

namespace linux_abi::calls {

namespace {

Answer<std::uint64_t> make_node(Call& call, const ParentWalk& parent, std::uint32_t mode, std::uint64_t device) {
  const std::uint64_t changes = names_of(call).changes();
  const std::uint32_t masked = TRY(mode_of_new(call.thread, parent.directory->node(), mode));
  auto node = TRY(parent.directory->node().create(parent.name(), masked, device, call.thread));
  name_made(call, parent, std::move(node), changes);
  return std::uint64_t{0};
}

Answer<std::uint64_t> make_directory_at(Call& call, int directory, std::uint64_t path, std::uint64_t mode) {
  constexpr std::uint32_t settable = 01777;
  const UserPath given = TRY(UserPath::read(path));
  const ParentWalk parent = TRY(walk_to_probably_new_name(call, directory, given.text(), NewKind::Directory));
  return make_node(call, parent, file_mode::directory | (static_cast<std::uint32_t>(mode) & settable), 0);
}

Answer<std::uint64_t> make_node_at(Call& call, int directory, std::uint64_t path, std::uint64_t given_mode,
                                   std::uint64_t device) {
  auto mode = static_cast<std::uint32_t>(given_mode) & (file_mode::type_mask | file_mode::permissions);
  std::uint32_t type = mode & file_mode::type_mask;
  if (type == 0) {
    type = file_mode::regular;
    mode |= type;
  }
  const bool is_device = type == file_mode::character || type == file_mode::block;
  if (type == file_mode::directory) return error(EPERM);
  if (!is_device && type != file_mode::regular && type != file_mode::fifo && type != file_mode::socket)
    return error(EINVAL);
  const UserPath path_text = TRY(UserPath::read(path));
  const ParentWalk parent = TRY(walk_to_new_name(call, directory, path_text.text(), NewKind::Other));
  if (is_device && !call.thread.user.may(Capability::MakeNode)) return error(EPERM);
  return make_node(call, parent, mode, is_device ? static_cast<std::uint32_t>(device) : 0);
}

}  // namespace

Answer<std::uint64_t> mkdir(Call& call) { return make_directory_at(call, at_current_directory, call.a(), call.b()); }
Answer<std::uint64_t> mkdirat(Call& call) {
  return make_directory_at(call, Call::as_int(call.a()), call.b(), call.c());
}
Answer<std::uint64_t> mknod(Call& call) {
  return make_node_at(call, at_current_directory, call.a(), call.b(), call.c());
}
Answer<std::uint64_t> mknodat(Call& call) {
  return make_node_at(call, Call::as_int(call.a()), call.b(), call.c(), call.d());
}

namespace {

Answer<std::uint64_t> remove_directory(Call& call, int directory, std::uint64_t path) {
  const UserPath given = TRY(UserPath::read(path));
  const ParentWalk parent = TRY(walk_to_parent(call.thread, directory, given.text()));
  if (parent.name().empty()) return error(EBUSY);
  if (parent.name() == "..") return error(ENOTEMPTY);
  if (parent.name() == ".") return error(EINVAL);
  TRY(check_writable(*parent.directory));
  const PlaceReference place = TRY(find_last(call, parent));
  TRY(check_removal(call, parent.directory->node(), place->node(), true));
  if (is_mount_point(parent.directory, place)) return error(EBUSY);
  TRY(parent.directory->node().unlink(parent.name(), true, call.thread));
  name_removed(call, parent, *place);
  return std::uint64_t{0};
}

Answer<std::uint64_t> remove_file(Call& call, int directory, std::uint64_t path) {
  const UserPath given = TRY(UserPath::read(path));
  const ParentWalk parent = TRY(walk_to_parent(call.thread, directory, given.text()));
  if (parent.is_special()) return error(EISDIR);
  TRY(check_writable(*parent.directory));
  const PlaceReference place = TRY(find_last(call, parent));
  if (parent.must_be_directory) return error(place->node().is_directory() ? EISDIR : ENOTDIR);
  TRY(check_removal(call, parent.directory->node(), place->node(), false));
  if (is_mount_point(parent.directory, place)) return error(EBUSY);
  TRY(parent.directory->node().unlink(parent.name(), false, call.thread));
  name_removed(call, parent, *place);
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> rmdir(Call& call) { return remove_directory(call, at_current_directory, call.a()); }
Answer<std::uint64_t> unlink(Call& call) { return remove_file(call, at_current_directory, call.a()); }
Answer<std::uint64_t> unlinkat(Call& call) {
  const int flags = Call::as_int(call.c());
  if ((flags & ~AT_REMOVEDIR) != 0) return error(EINVAL);
  if (flags != 0) return remove_directory(call, Call::as_int(call.a()), call.b());
  return remove_file(call, Call::as_int(call.a()), call.b());
}

namespace {

// As Linux with fs.protected_hardlinks: others' files get a second name only from who may read and write them, and
// special or set-user files not at all.
Answer<> check_hard_link(Call& call, Node& node) {
  const Credentials& user = call.thread.user;
  if (user.may(Capability::FileOwner)) return {};
  const FileStatus status = TRY(node.status(call.thread));
  if (status.uid == user.file_uid) return {};
  constexpr std::uint32_t set_gid_program = file_mode::set_gid | 010;
  const bool safe = node.type() == file_mode::regular && (status.mode & file_mode::set_uid) == 0 &&
                    (status.mode & set_gid_program) != set_gid_program &&
                    user.may_access(status.mode, status.uid, status.gid, 4 | 2);
  return safe ? Answer<>() : error(EPERM);
}

Answer<> check_second_name(Call& call, const Named& old, const Place& directory) {
  if (!old.place || old.place->mount() != directory.mount()) return error(EXDEV);
  if (old.place->node().domain() != directory.node().domain()) return error(EXDEV);
  Node& node = old.place->node();
  TRY(check_hard_link(call, node));
  return node.is_directory() ? error(EPERM) : Answer<>();
}

Answer<std::uint64_t> link_at(Call& call, int old_directory, std::uint64_t old_path, int new_directory,
                              std::uint64_t new_path, int flags) {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const bool empty = (flags & AT_EMPTY_PATH) != 0;
  if (empty && !call.thread.user.may(Capability::DacReadSearch)) return error(ENOENT);
  const LastLink last = (flags & AT_SYMLINK_FOLLOW) != 0 ? LastLink::Follow : LastLink::Keep;
  const Named old =
      TRY(find_named(call, old_directory, old_path, last, empty ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  const UserPath given = TRY(UserPath::read(new_path));
  const ParentWalk parent = TRY(walk_to_probably_new_name(call, new_directory, given.text(), NewKind::Other));
  Node& directory = parent.directory->node();
  if (Answer<> allowed = check_second_name(call, old, *parent.directory); !allowed) {
    TRY(check_is_new(call, parent));
    return std::unexpected(allowed.error());
  }
  Node& node = old.place->node();
  const std::uint64_t changes = names_of(call).changes();
  TRY(directory.link(parent.name(), node, call.thread));
  tell_node(node, file_event::attributes);
  name_made(call, parent, NodeReference(node), changes);
  return std::uint64_t{0};
}

Answer<std::uint64_t> symbolic_link_at(Call& call, std::uint64_t target, int directory, std::uint64_t path) {
  const UserPath text = TRY(UserPath::read(target));
  if (text.text().empty()) return error(ENOENT);
  const UserPath given = TRY(UserPath::read(path));
  const ParentWalk parent = TRY(walk_to_probably_new_name(call, directory, given.text(), NewKind::Other));
  TRY(parent.directory->node().create_link(parent.name(), text.text(), call.thread));
  names_of(call).forget(*parent.directory, parent.name());
  tell_name(parent.directory->node(), parent.name(), file_event::created);
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> link(Call& call) {
  return link_at(call, at_current_directory, call.a(), at_current_directory, call.b(), 0);
}
Answer<std::uint64_t> linkat(Call& call) {
  return link_at(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), call.d(), Call::as_int(call.e()));
}
Answer<std::uint64_t> symlink(Call& call) { return symbolic_link_at(call, call.a(), at_current_directory, call.b()); }
Answer<std::uint64_t> symlinkat(Call& call) {
  return symbolic_link_at(call, call.a(), Call::as_int(call.b()), call.c());
}

}  // namespace linux_abi::calls
