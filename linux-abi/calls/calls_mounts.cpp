// SPDX-License-Identifier: Apache-2.0
// mount(2), umount2(2): see calls_paths.h. There is one tree for a vNode, so mounts are seen by all its processes; that
// a mount is shared, private or a slave makes no difference then.
#include <linux/mount.h>

#include <bit>

#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/mounting.h"

namespace linux_abi::calls {

namespace {

constexpr std::uint32_t propagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
constexpr std::uint64_t force = 1, detach = 2, expire = 4, no_follow = 8;  // MNT_*, UMOUNT_NOFOLLOW

// A string that need not be there.
Answer<UserPath> optional_text(std::uint64_t address) {
  if (address == 0) return UserPath();
  auto text = UserPath::read(address);
  if (!text && text.error() == ENAMETOOLONG) return error(EINVAL);
  return text;
}

Answer<> change_propagation(Place& place, std::uint32_t flags) {
  if (std::popcount(flags & propagation) != 1 || (flags & ~(propagation | MS_REC | MS_SILENT)) != 0)
    return error(EINVAL);
  return is_mount_root(place) ? Answer<>() : error(EINVAL);
}

// Where a bind or a move begins.
Answer<PlaceReference> source_of(Call& call, std::string_view path) {
  if (path.empty()) return error(EINVAL);
  return walk(call.thread, at_current_directory, path, LastLink::Follow);
}

Answer<> mount_any(Call& call, const PlaceReference& at, const MountText& text, std::uint32_t flags) {
  const Remount what = (flags & MS_BIND) != 0 ? Remount::OfMount : Remount::OfSystem;
  if ((flags & MS_REMOUNT) != 0) return remount(call.thread, at, text.options, flags, what);
  if ((flags & MS_BIND) != 0) {
    const PlaceReference source = TRY(source_of(call, text.source));
    return mount_again(call.thread, source, at, (flags & MS_REC) != 0 ? Below::Yes : Below::No);
  }
  if ((flags & propagation) != 0) return change_propagation(*at, flags);
  if ((flags & MS_MOVE) != 0) return move_mount(call.thread, TRY(source_of(call, text.source)), at);
  if (text.type.empty()) return error(EINVAL);
  return mount_new(call.thread, at, text, flags);
}

}  // namespace

Answer<std::uint64_t> mount(Call& call) {
  constexpr std::uint64_t magic_mask = 0xffff0000, magic = 0xc0ed0000;
  std::uint64_t flags = call.d();
  if ((flags & magic_mask) == magic) flags &= ~magic_mask;
  const UserPath type = TRY(optional_text(call.c())), source = TRY(optional_text(call.a())),
                 options = TRY(optional_text(call.e()));
  const PlaceReference at = TRY(find_place(call, at_current_directory, call.b(), LastLink::Follow));
  if (!call.thread.user.may(Capability::Administration)) return error(EPERM);
  const MountText text{.source = source.text(), .type = type.text(), .options = options.text()};
  TRY(mount_any(call, at, text, static_cast<std::uint32_t>(flags)));
  return std::uint64_t{0};
}

Answer<std::uint64_t> umount2(Call& call) {
  const std::uint64_t flags = static_cast<std::uint32_t>(call.b());
  if ((flags & ~(force | detach | expire | no_follow)) != 0) return error(EINVAL);
  PlaceReference root = TRY(
      find_place(call, at_current_directory, call.a(), (flags & no_follow) != 0 ? LastLink::Keep : LastLink::Follow));
  if (!call.thread.user.may(Capability::Administration)) return error(EPERM);
  if ((flags & expire) != 0 && (flags & (force | detach)) != 0) return error(EINVAL);
  const Unmounting how = (flags & detach) != 0   ? Unmounting::Lazy
                         : (flags & expire) != 0 ? Unmounting::Expired
                                                 : Unmounting::Unused;
  TRY(unmount(call.thread, std::move(root), how));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
