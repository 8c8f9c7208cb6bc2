// SPDX-License-Identifier: Apache-2.0
// inotify: see calls_poll.h, and files/file_watches.h for who tells of changes.
#include <linux/fcntl.h>
#include <linux/inotify.h>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/calls_poll.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/inotify_file.h"

namespace linux_abi::calls {

namespace {

Answer<std::uint64_t> make(Call& call, int flags) {
  if ((flags & ~(IN_CLOEXEC | IN_NONBLOCK)) != 0) return error(EINVAL);
  OpenFileReference file = TRY(InotifyFile::create(flags & IN_NONBLOCK, call.thread.user.uid));
  return install(call, std::move(file), (flags & IN_CLOEXEC) != 0);
}

// EINVAL for another kind of file.
Answer<InotifyFile*> inotify_of(OpenFile& file) {
  InotifyFile* inotify = file.inotify();
  return inotify != nullptr ? Answer<InotifyFile*>(inotify) : error(EINVAL);
}

}  // namespace

Answer<std::uint64_t> inotify_init(Call& call) { return make(call, 0); }
Answer<std::uint64_t> inotify_init1(Call& call) { return make(call, Call::as_int(call.a())); }

Answer<std::uint64_t> inotify_add_watch(Call& call) {
  constexpr std::uint32_t ways =
      IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ONESHOT;
  const auto mask = static_cast<std::uint32_t>(call.c());
  // Some other bit has to be there for Linux to look further; without an event it is refused all the same.
  if ((mask & (file_event::all | ways | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ISDIR)) == 0) return error(EINVAL);
  if ((mask & IN_MASK_ADD) != 0 && (mask & IN_MASK_CREATE) != 0) return error(EINVAL);
  const OpenFileReference file = TRY(real_file(call, call.a()));
  InotifyFile* inotify = TRY(inotify_of(*file));
  const LastLink last = (mask & IN_DONT_FOLLOW) != 0 ? LastLink::Keep : LastLink::Follow;
  const PlaceReference place = TRY(find_place(call, at_current_directory, call.b(), last));
  if ((mask & IN_ONLYDIR) != 0 && !place->node().is_directory()) return error(ENOTDIR);
  TRY(check_access(call.thread, place->node(), 4));
  WatchChange change{.mask = mask & (file_event::all | IN_ONESHOT | IN_EXCL_UNLINK)};
  if ((mask & IN_MASK_ADD) != 0) change.mode = WatchChange::Mode::Add;
  if ((mask & IN_MASK_CREATE) != 0) change.mode = WatchChange::Mode::Create;
  return static_cast<std::uint64_t>(TRY(watch_node(*inotify, place->share_node(), change)));
}

Answer<std::uint64_t> inotify_rm_watch(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  InotifyFile* inotify = TRY(inotify_of(*file));
  TRY(forget_watch(*inotify, Call::as_int(call.b())));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
