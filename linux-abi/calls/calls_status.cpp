// SPDX-License-Identifier: Apache-2.0
// What files are, and whether they may be used: stat, statx, access, statfs; see calls_paths.h.
#include <asm/stat.h>
#include <asm/statfs.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/mounting.h"

namespace linux_abi::calls {

using arch::UserOut;

namespace {

LastLink last_link(int flags) { return (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow; }
EmptyPath empty_path(int flags) {
  return (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused;
}

Answer<FileStatus> status_of(Call& call, const Named& named) {
  return named.file ? named.file->status(call.thread) : named.place->node().status(call.thread);
}

// A file's time, which is negative before 1970; the nanoseconds never are.
struct SplitTime {
  explicit SplitTime(std::uint64_t ns) {
    const auto whole = static_cast<std::int64_t>(ns);
    constexpr std::int64_t second = ns_per_second;
    seconds = whole / second - (whole % second < 0 ? 1 : 0);
    nanoseconds = static_cast<std::uint32_t>(whole - seconds * second);
  }
  std::int64_t seconds;
  std::uint32_t nanoseconds;
};

Answer<std::uint64_t> write_status(std::uint64_t to, const FileStatus& status) {
  struct ::stat laid_out = {};
  laid_out.st_dev = status.device;
  laid_out.st_ino = status.inode;
  laid_out.st_nlink = status.links;
  laid_out.st_mode = status.mode;
  laid_out.st_uid = status.uid;
  laid_out.st_gid = status.gid;
  laid_out.st_rdev = status.special_device;
  laid_out.st_size = static_cast<std::int64_t>(status.bytes);
  laid_out.st_blksize = status.block_bytes;
  laid_out.st_blocks = static_cast<std::int64_t>(status.blocks);
  const SplitTime accessed(status.access_time_ns), modified(status.modify_time_ns), changed(status.change_time_ns);
  laid_out.st_atime = static_cast<std::uint64_t>(accessed.seconds);
  laid_out.st_atime_nsec = accessed.nanoseconds;
  laid_out.st_mtime = static_cast<std::uint64_t>(modified.seconds);
  laid_out.st_mtime_nsec = modified.nanoseconds;
  laid_out.st_ctime = static_cast<std::uint64_t>(changed.seconds);
  laid_out.st_ctime_nsec = changed.nanoseconds;
  TRY(UserOut<struct ::stat>(to).write(laid_out));
  return std::uint64_t{0};
}

::statx_timestamp timestamp(std::uint64_t ns) {
  ::statx_timestamp time = {};
  const SplitTime split(ns);
  time.tv_sec = split.seconds;
  time.tv_nsec = split.nanoseconds;
  return time;
}
constexpr std::uint32_t major_of(std::uint64_t device) { return static_cast<std::uint32_t>(device >> 8) & 0xfff; }
constexpr std::uint32_t minor_of(std::uint64_t device) {
  return static_cast<std::uint32_t>((device & 0xff) | (device >> 12 & 0xfffff00));
}

}  // namespace

Answer<std::uint64_t> stat(Call& call) {
  const PlaceReference place = TRY(find_place(call, at_current_directory, call.a(), LastLink::Follow));
  return write_status(call.b(), TRY(place->node().status(call.thread)));
}

Answer<std::uint64_t> lstat(Call& call) {
  const PlaceReference place = TRY(find_place(call, at_current_directory, call.a(), LastLink::Keep));
  return write_status(call.b(), TRY(place->node().status(call.thread)));
}

Answer<std::uint64_t> fstat(Call& call) {
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  return write_status(call.b(), TRY(file->status(call.thread)));
}

Answer<std::uint64_t> newfstatat(Call& call) {
  const int flags = Call::as_int(call.d());
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0)
    return error(EINVAL);
  const Named named = TRY(find_named(call, Call::as_int(call.a()), call.b(), last_link(flags), empty_path(flags)));
  return write_status(call.c(), TRY(status_of(call, named)));
}

Answer<std::uint64_t> statx(Call& call) {
  const int flags = Call::as_int(call.c());
  if ((static_cast<std::uint32_t>(call.d()) & STATX__RESERVED) != 0) return error(EINVAL);
  if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE) return error(EINVAL);
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) != 0)
    return error(EINVAL);
  const Named named = TRY(find_named(call, Call::as_int(call.a()), call.b(), last_link(flags), empty_path(flags)));
  const FileStatus status = TRY(status_of(call, named));
  struct ::statx laid_out = {};
  laid_out.stx_mask = STATX_BASIC_STATS;
  laid_out.stx_blksize = status.block_bytes;
  laid_out.stx_nlink = status.links;
  laid_out.stx_uid = status.uid;
  laid_out.stx_gid = status.gid;
  laid_out.stx_mode = static_cast<std::uint16_t>(status.mode);
  laid_out.stx_ino = status.inode;
  laid_out.stx_size = status.bytes;
  laid_out.stx_blocks = status.blocks;
  laid_out.stx_atime = timestamp(status.access_time_ns);
  laid_out.stx_mtime = timestamp(status.modify_time_ns);
  laid_out.stx_ctime = timestamp(status.change_time_ns);
  laid_out.stx_rdev_major = major_of(status.special_device);
  laid_out.stx_rdev_minor = minor_of(status.special_device);
  laid_out.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT;
  if (named.place && is_mount_root(*named.place)) laid_out.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
  laid_out.stx_dev_major = major_of(status.device);
  laid_out.stx_dev_minor = minor_of(status.device);
  TRY(UserOut<struct ::statx>(call.e()).write(laid_out));
  return std::uint64_t{0};
}

namespace {

// access(2) asks for the real user: for its duration the thread's file ids are the real ones, on the whole path,
// and its capabilities those that this user has.
class RealUser {
 public:
  explicit RealUser(Credentials& user)
      : user_(user), uid_(user.file_uid), gid_(user.file_gid), effective_(user.capabilities.effective) {
    user.file_uid = user.uid;
    user.file_gid = user.gid;
    user.capabilities.effective = user.uid == 0 ? user.capabilities.permitted : 0;
  }
  RealUser(const RealUser&) = delete;
  RealUser& operator=(const RealUser&) = delete;
  ~RealUser() {
    user_.file_uid = uid_;
    user_.file_gid = gid_;
    user_.capabilities.effective = effective_;
  }

 private:
  Credentials& user_;
  std::uint32_t uid_, gid_;
  std::uint64_t effective_;
};

Answer<std::uint64_t> check_mode(Call& call, int directory, std::uint64_t path, int mode, int flags) {
  constexpr int all_modes = 7;
  if ((mode & ~all_modes) != 0) return error(EINVAL);
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  std::optional<RealUser> real;
  if ((flags & AT_EACCESS) == 0) real.emplace(call.thread.user);
  const Named named = TRY(find_named(call, directory, path, last_link(flags), empty_path(flags)));
  if (mode == 0) return std::uint64_t{0};
  if (named.place) {
    const Mount* mount = named.place->mount();
    const bool runs = (mode & 1) != 0 && named.place->node().type() == file_mode::regular;
    if (runs && mount != nullptr && mount->has(mount_flag::no_execution)) return error(EACCES);
    if ((mode & 2) != 0) TRY(check_content_writable(*named.place));
    TRY(check_access(call.thread, named.place->node(), static_cast<std::uint32_t>(mode)));
    return std::uint64_t{0};
  }
  const FileStatus status = TRY(named.file->status(call.thread));
  if (!call.thread.user.may_access(status.mode, status.uid, status.gid, static_cast<std::uint32_t>(mode)))
    return error(EACCES);
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> access(Call& call) {
  return check_mode(call, at_current_directory, call.a(), Call::as_int(call.b()), 0);
}
Answer<std::uint64_t> faccessat(Call& call) {
  return check_mode(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), 0);
}
Answer<std::uint64_t> faccessat2(Call& call) {
  return check_mode(call, Call::as_int(call.a()), call.b(), Call::as_int(call.c()), Call::as_int(call.d()));
}

namespace {

constexpr std::int64_t status_valid = 0x20;
// ST_* of a mount.
std::int64_t status_flags(const Mount* mount) {
  if (mount == nullptr) return status_valid;
  constexpr std::uint32_t same = mount_flag::no_set_id | mount_flag::no_devices | mount_flag::no_execution |
                                 mount_flag::no_access_times | mount_flag::no_directory_access_times;
  constexpr std::int64_t read_only = 1, relative = 0x1000, no_links = 0x2000;
  return status_valid | static_cast<std::int64_t>(mount->flags() & same) | (mount->is_read_only() ? read_only : 0) |
         (mount->has(mount_flag::relative_access_times) ? relative : 0) |
         (mount->has(mount_flag::no_links) ? no_links : 0);
}
constexpr std::int64_t pipes_magic = 0x50495045;  // PIPEFS_MAGIC

Answer<std::uint64_t> write_file_system(std::uint64_t to, const FileSystemStatus& status, const Mount* mount) {
  const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  struct ::statfs laid_out = {};
  laid_out.f_type = number(status.type);
  laid_out.f_bsize = number(status.block_bytes);
  laid_out.f_blocks = number(status.blocks);
  laid_out.f_bfree = number(status.free_blocks);
  laid_out.f_bavail = number(status.available_blocks);
  laid_out.f_files = number(status.files);
  laid_out.f_ffree = number(status.free_files);
  laid_out.f_fsid.val[0] = static_cast<std::int32_t>(status.id);
  laid_out.f_fsid.val[1] = static_cast<std::int32_t>(status.id >> 32);
  laid_out.f_namelen = 255;
  laid_out.f_frsize = number(status.block_bytes);
  laid_out.f_flags = status_flags(mount);
  TRY(UserOut<struct ::statfs>(to).write(laid_out));
  return std::uint64_t{0};
}

}  // namespace

Answer<std::uint64_t> statfs(Call& call) {
  const PlaceReference place = TRY(find_place(call, at_current_directory, call.a(), LastLink::Follow));
  return write_file_system(call.b(), TRY(place->node().file_system(call.thread)), place->mount());
}

Answer<std::uint64_t> fstatfs(Call& call) {
  const OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  if (file->node() == nullptr) return write_file_system(call.b(), {.type = pipes_magic}, nullptr);
  return write_file_system(call.b(), TRY(file->node()->file_system(call.thread)),
                           file->place() == nullptr ? nullptr : file->place()->mount());
}

}  // namespace linux_abi::calls
