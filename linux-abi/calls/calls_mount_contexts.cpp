// SPDX-License-Identifier: Apache-2.0
// Mounting in steps: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr. What they make is what
// mount(2) makes; see files/mounting.h.
#include "linux-abi/calls/calls_mount_contexts.h"

#include <linux/fcntl.h>
#include <linux/mount.h>

#include <bit>
#include <optional>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/growing_structure.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/mount_context.h"
#include "linux-abi/files/open_path.h"

namespace linux_abi::calls {
namespace {

constexpr std::uint32_t at_recursive = 0x8000, at_empty_path = 0x1000, at_no_follow = 0x100, at_no_automount = 0x800;

Answer<> check_may_mount(const Call& call) {
  return call.thread.user.may(Capability::Administration) ? Answer<>() : error(EPERM);
}

// A name of Linux's length at most. EFAULT, EINVAL.
Answer<UserPath> read_name(std::uint64_t address) {
  constexpr std::size_t most_bytes = 255;
  UserPath name = TRY(UserPath::read(address));
  return name.text().size() > most_bytes ? error(EINVAL) : Answer<UserPath>(std::move(name));
}

// EBADF, EINVAL.
struct ContextFile {
  OpenFileReference file;
  MountContext* context = nullptr;
};
Answer<ContextFile> context_of(Call& call, std::uint64_t descriptor) {
  ContextFile found{TRY(real_file(call, descriptor))};
  found.context = MountContext::of(*found.file);
  return found.context == nullptr ? error(EINVAL) : Answer<ContextFile>(std::move(found));
}

Answer<PlaceReference> place_at(Call& call, std::uint64_t directory, std::uint64_t path, bool follows,
                                bool may_be_empty) {
  const EmptyPath empty = may_be_empty ? EmptyPath::NamesDescriptor : EmptyPath::Refused;
  Named named =
      TRY(find_named(call, Call::as_int(directory), path, follows ? LastLink::Follow : LastLink::Keep, empty));
  return named.place ? Answer<PlaceReference>(std::move(named.place)) : error(EINVAL);
}

// MOUNT_ATTR_* as flags of a mount; those of access times are apart.
std::uint32_t plain_flags(std::uint64_t attributes) {
  const auto when = [attributes](std::uint64_t attribute, std::uint32_t flag) {
    return (attributes & attribute) != 0 ? flag : 0;
  };
  return when(MOUNT_ATTR_RDONLY, mount_flag::read_only) | when(MOUNT_ATTR_NOSUID, mount_flag::no_set_id) |
         when(MOUNT_ATTR_NODEV, mount_flag::no_devices) | when(MOUNT_ATTR_NOEXEC, mount_flag::no_execution) |
         when(MOUNT_ATTR_NODIRATIME, mount_flag::no_directory_access_times) |
         when(MOUNT_ATTR_NOSYMFOLLOW, mount_flag::no_links);
}
constexpr std::uint64_t known_attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                           MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME |
                                           MOUNT_ATTR_NOSYMFOLLOW;
constexpr std::uint32_t access_time_kinds =
    mount_flag::no_access_times | mount_flag::relative_access_times | mount_flag::strict_access_times;

// EINVAL.
Answer<std::uint32_t> access_times(std::uint64_t attributes) {
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_RELATIME:
      return mount_flag::relative_access_times;
    case MOUNT_ATTR_NOATIME:
      return mount_flag::no_access_times;
    case MOUNT_ATTR_STRICTATIME:
      return mount_flag::strict_access_times;
    default:
      return error(EINVAL);
  }
}

}  // namespace

Answer<std::uint64_t> fsopen(Call& call) {
  TRY(check_may_mount(call));
  if ((call.b() & ~std::uint64_t{FSOPEN_CLOEXEC}) != 0) return error(EINVAL);
  const UserPath type = TRY(read_name(call.a()));
  return install(call, TRY(MountContext::create_new(type.text())), (call.b() & FSOPEN_CLOEXEC) != 0);
}

Answer<std::uint64_t> fspick(Call& call) {
  TRY(check_may_mount(call));
  const std::uint64_t flags = call.c() & 0xffffffff;
  constexpr std::uint64_t known = FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH;
  if ((flags & ~known) != 0) return error(EINVAL);
  const PlaceReference root =
      TRY(place_at(call, call.a(), call.b(), (flags & FSPICK_SYMLINK_NOFOLLOW) == 0, (flags & FSPICK_EMPTY_PATH) != 0));
  return install(call, TRY(MountContext::create_for(root)), (flags & FSPICK_CLOEXEC) != 0);
}

namespace {

// What of key, value and number each command has; EINVAL for the others.
Answer<> check_command(Call& call) {
  const bool key = call.c() != 0, value = call.d() != 0;
  const int number = Call::as_int(call.e());
  bool fits = false;
  switch (Call::as_int(call.b())) {
    case FSCONFIG_SET_FLAG:
      fits = key && !value && number == 0;
      break;
    case FSCONFIG_SET_STRING:
      fits = key && value && number == 0;
      break;
    case FSCONFIG_SET_BINARY:
      fits = key && value && number > 0 && number <= 1 << 20;
      break;
    case FSCONFIG_SET_PATH:
    case FSCONFIG_SET_PATH_EMPTY:
      fits = key && value && (number == AT_FDCWD || number >= 0);
      break;
    case FSCONFIG_SET_FD:
      fits = key && !value && number >= 0;
      break;
    case FSCONFIG_CMD_CREATE:
    case FSCONFIG_CMD_RECONFIGURE:
      fits = !key && !value && number == 0;
      break;
    default:
      return error(EOPNOTSUPP);
  }
  return fits ? Answer<>() : error(EINVAL);
}

Answer<> set_parameter(Call& call, MountContext& context) {
  const UserPath name = TRY(read_name(call.c()));
  switch (Call::as_int(call.b())) {
    case FSCONFIG_SET_FLAG:
      return context.set_flag(name.text());
    case FSCONFIG_SET_STRING:
      return context.set_text(name.text(), TRY(read_name(call.d())).text());
    case FSCONFIG_SET_FD:
      TRY(call.thread.descriptors().get(Call::as_int(call.e())));
      return context.set_other(name.text());
    default:
      TRY(UserPath::read(call.d()));
      return context.set_other(name.text());
  }
}

}  // namespace

Answer<std::uint64_t> fsconfig(Call& call) {
  if (Call::as_int(call.a()) < 0) return error(EINVAL);
  TRY(check_command(call));
  const ContextFile found = TRY(context_of(call, call.a()));
  switch (Call::as_int(call.b())) {
    case FSCONFIG_CMD_CREATE:
      TRY(found.context->create(call.thread));
      break;
    case FSCONFIG_CMD_RECONFIGURE:
      TRY(check_may_mount(call));
      TRY(found.context->reconfigure(call.thread));
      break;
    default:
      TRY(set_parameter(call, *found.context));
  }
  return std::uint64_t{0};
}

Answer<std::uint64_t> fsmount(Call& call) {
  TRY(check_may_mount(call));
  const std::uint64_t flags = call.b() & 0xffffffff, attributes = call.c() & 0xffffffff;
  if ((flags & ~std::uint64_t{FSMOUNT_CLOEXEC}) != 0 || (attributes & ~known_attributes) != 0) return error(EINVAL);
  const std::uint32_t mount_flags = plain_flags(attributes) | TRY(access_times(attributes));
  const ContextFile found = TRY(context_of(call, call.a()));
  PlaceReference root = TRY(found.context->mount(call.thread, mount_flags));
  return install(call, TRY(open_place(std::move(root))), (flags & FSMOUNT_CLOEXEC) != 0);
}

Answer<std::uint64_t> open_tree(Call& call) {
  const auto flags = static_cast<std::uint32_t>(call.c());
  constexpr std::uint32_t known = at_empty_path | at_no_automount | at_recursive | at_no_follow | OPEN_TREE_CLONE |
                                  static_cast<std::uint32_t>(OPEN_TREE_CLOEXEC);
  if ((flags & ~known) != 0 || (flags & (at_recursive | OPEN_TREE_CLONE)) == at_recursive) return error(EINVAL);
  const bool clones = (flags & OPEN_TREE_CLONE) != 0;
  if (clones) TRY(check_may_mount(call));
  PlaceReference place =
      TRY(place_at(call, call.a(), call.b(), (flags & at_no_follow) == 0, (flags & at_empty_path) != 0));
  if (clones) place = TRY(copy_mount(call.thread, place, (flags & at_recursive) != 0 ? Below::Yes : Below::No));
  return install(call, TRY(open_place(std::move(place))), (flags & OPEN_TREE_CLOEXEC) != 0);
}

Answer<std::uint64_t> move_mount(Call& call) {
  TRY(check_may_mount(call));
  const auto flags = static_cast<std::uint32_t>(call.e());
  constexpr std::uint32_t known = MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_F_EMPTY_PATH |
                                  MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS | MOVE_MOUNT_T_EMPTY_PATH;
  if ((flags & ~known) != 0) return error(EINVAL);
  const PlaceReference root = TRY(
      place_at(call, call.a(), call.b(), (flags & MOVE_MOUNT_F_SYMLINKS) != 0, (flags & MOVE_MOUNT_F_EMPTY_PATH) != 0));
  const PlaceReference at = TRY(
      place_at(call, call.c(), call.d(), (flags & MOVE_MOUNT_T_SYMLINKS) != 0, (flags & MOVE_MOUNT_T_EMPTY_PATH) != 0));
  if (is_nowhere(call.thread, *root))
    TRY(attach_mount(call.thread, root, at));
  else
    TRY(linux_abi::move_mount(call.thread, root, at));
  return std::uint64_t{0};
}

namespace {

Answer<FlagChange> change_of(const ::mount_attr& given) {
  if (((given.attr_set | given.attr_clr) & ~known_attributes) != 0) return error(EINVAL);
  // Without namespaces it makes no difference which one it is.
  constexpr std::uint64_t kinds = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
  if ((given.propagation & ~kinds) != 0 || std::popcount(given.propagation) > 1) return error(EINVAL);
  FlagChange change{plain_flags(given.attr_set), plain_flags(given.attr_clr)};
  const std::uint64_t cleared = given.attr_clr & MOUNT_ATTR__ATIME;
  // What was there is cleared as a whole, and only then can there be another.
  if (cleared != 0 && cleared != MOUNT_ATTR__ATIME) return error(EINVAL);
  if (cleared == 0) return (given.attr_set & MOUNT_ATTR__ATIME) != 0 ? error(EINVAL) : Answer<FlagChange>(change);
  change.clear |= access_time_kinds;
  change.set |= TRY(access_times(given.attr_set));
  return change;
}

}  // namespace

Answer<std::uint64_t> mount_setattr(Call& call) {
  const auto flags = static_cast<std::uint32_t>(call.c());
  if ((flags & ~(at_empty_path | at_recursive | at_no_follow | at_no_automount)) != 0) return error(EINVAL);
  if (call.e() > base::page_bytes) return error(E2BIG);
  if (call.e() < sizeof(::mount_attr)) return error(EINVAL);
  TRY(check_may_mount(call));
  const auto given = TRY(read_growing<::mount_attr>(call.d(), call.e()));
  if ((given.attr_set | given.attr_clr | given.propagation) == 0) return std::uint64_t{0};
  const FlagChange change = TRY(change_of(given));
  const PlaceReference root =
      TRY(place_at(call, call.a(), call.b(), (flags & at_no_follow) == 0, (flags & at_empty_path) != 0));
  TRY(change_flags(call.thread, root, change, (flags & at_recursive) != 0 ? Below::Yes : Below::No));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
