// SPDX-License-Identifier: Apache-2.0
// Setting the times of files: utime, utimes, futimesat, utimensat; see calls_paths.h.
#include <linux/fcntl.h>
#include <linux/stat.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/calls/calls_paths.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

using arch::UserIn;

namespace {

constexpr std::int64_t now_mark = (1 << 30) - 1, omit_mark = (1 << 30) - 2;  // UTIME_NOW, UTIME_OMIT

// Access and modification time; the marks stand in the nanoseconds.
struct FileTimes {
  UserTimespec access{0, now_mark}, modify{0, now_mark};
  bool both_now() const { return access.nanoseconds == now_mark && modify.nanoseconds == now_mark; }
  bool both_omitted() const { return access.nanoseconds == omit_mark && modify.nanoseconds == omit_mark; }
};

bool is_mark(const UserTimespec& time) { return time.nanoseconds == now_mark || time.nanoseconds == omit_mark; }
bool is_acceptable(const UserTimespec& time) {
  return is_mark(time) || (time.nanoseconds >= 0 && time.nanoseconds < static_cast<std::int64_t>(ns_per_second));
}
// Signed, in the bits of an unsigned number: negative before 1970. From 1901 to 2262; what lies beyond is the nearest
// of them.
std::uint64_t file_time_ns(const UserTimespec& time, std::uint64_t now) {
  if (time.nanoseconds == now_mark) return now;
  constexpr std::int64_t first = -0x80000000LL, last = 0x7fffffffffffffff / std::int64_t{ns_per_second} - 1;
  const std::int64_t seconds = std::clamp(time.seconds, first, last);
  if (seconds != time.seconds) return static_cast<std::uint64_t>(seconds * std::int64_t{ns_per_second});
  return static_cast<std::uint64_t>(seconds * std::int64_t{ns_per_second} + time.nanoseconds);
}

Answer<std::uint64_t> set_times(Call& call, Place& place, const FileTimes& times) {
  TRY(check_writable(place));
  Node& node = place.node();
  const Credentials& user = call.thread.user;
  const FileStatus status = TRY(node.status(call.thread));
  const bool owner = user.may(Capability::FileOwner) || user.file_uid == status.uid;
  // Whoever may write may say that it is new; only the owner may say more.
  if (!owner && !times.both_now()) return error(EPERM);
  if (!owner) TRY(check_access(call.thread, node, 2));
  const std::uint64_t now = call.thread.wall_time_ns();
  AttributeChange change;
  change.set_access_time = times.access.nanoseconds != omit_mark;
  change.set_modify_time = times.modify.nanoseconds != omit_mark;
  change.access_time_ns = file_time_ns(times.access, now);
  change.modify_time_ns = file_time_ns(times.modify, now);
  TRY(node.change(change, call.thread));
  const bool both = change.set_access_time && change.set_modify_time;
  tell_place(place, both ? file_event::attributes : change.set_modify_time ? file_event::modify : file_event::access);
  return std::uint64_t{0};
}

// Without a path the descriptor itself is meant.
Answer<std::uint64_t> set_times_at(Call& call, int directory, std::uint64_t path, const FileTimes& times, int flags) {
  if (path == 0 && directory != at_current_directory) {
    if (flags != 0) return error(EINVAL);
    const OpenFileReference file = TRY(real_file(call, static_cast<std::uint32_t>(directory)));
    if (file->place() == nullptr) return error(EPERM);
    return set_times(call, *file->place(), times);
  }
  if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return error(EINVAL);
  const Named named =
      TRY(find_named(call, directory, path, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow,
                     (flags & AT_EMPTY_PATH) != 0 ? EmptyPath::NamesDescriptor : EmptyPath::Refused));
  if (!named.place) return error(EPERM);
  return set_times(call, *named.place, times);
}

Answer<FileTimes> times_from_timevals(std::uint64_t address) {
  FileTimes times;
  if (address == 0) return times;
  std::array<UserTimeval, 2> given{};
  TRY(UserIn<UserTimeval>(address).read_array(given));
  for (const UserTimeval& time : given)
    if (time.microseconds < 0 || time.microseconds >= 1'000'000) return error(EINVAL);
  times.access = {given[0].seconds, given[0].microseconds * 1000};
  times.modify = {given[1].seconds, given[1].microseconds * 1000};
  return times;
}

}  // namespace

Answer<std::uint64_t> utime(Call& call) {
  FileTimes times;
  if (call.b() != 0) {
    std::array<std::int64_t, 2> seconds{};
    TRY(UserIn<std::int64_t>(call.b()).read_array(seconds));
    times.access = {seconds[0], 0};
    times.modify = {seconds[1], 0};
  }
  return set_times_at(call, at_current_directory, call.a(), times, 0);
}

Answer<std::uint64_t> utimes(Call& call) {
  return set_times_at(call, at_current_directory, call.a(), TRY(times_from_timevals(call.b())), 0);
}

Answer<std::uint64_t> futimesat(Call& call) {
  return set_times_at(call, Call::as_int(call.a()), call.b(), TRY(times_from_timevals(call.c())), 0);
}

Answer<std::uint64_t> utimensat(Call& call) {
  FileTimes times;
  if (call.c() != 0) {
    std::array<UserTimespec, 2> given{};
    TRY(UserIn<UserTimespec>(call.c()).read_array(given));
    times = {given[0], given[1]};
    if (times.both_omitted()) return std::uint64_t{0};
    if (!is_acceptable(given[0]) || !is_acceptable(given[1])) return error(EINVAL);
  }
  return set_times_at(call, Call::as_int(call.a()), call.b(), times, Call::as_int(call.d()));
}

}  // namespace linux_abi::calls
