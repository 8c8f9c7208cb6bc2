// SPDX-License-Identifier: Apache-2.0
// inotify's open file: see inotify_file.h.
#include "linux-abi/files/inotify_file.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/inotify_user.h"
#include "linux-abi/files/user_values.h"

namespace linux_abi {
namespace {

base::SpinLock users_lock{base::LockRank::Process};
boost::intrusive::list<InotifyUser> users;  // guarded by users_lock

// One instance more of the user's. EMFILE.
Answer<InotifyUser*> take_user(std::uint32_t uid) {
  auto fresh = base::make<InotifyUser>();
  if (!fresh) return error(ENOMEM);
  const base::SpinGuard guard(users_lock);
  for (InotifyUser& user : users) {
    if (user.uid != uid) continue;
    if (user.instances >= inotify_max_instances.load(std::memory_order_relaxed)) return error(EMFILE);
    ++user.instances;
    return &user;
  }
  fresh->uid = uid;
  fresh->instances = 1;
  users.push_back(*fresh);
  return fresh.release();
}

void drop_user(InotifyUser& user) {
  base::Own<InotifyUser> last;
  const base::SpinGuard guard(users_lock);
  if (--user.instances > 0) return;
  users.erase(users.iterator_to(user));
  last = base::Own<InotifyUser>(&user);
}

}  // namespace

Answer<OpenFileReference> InotifyFile::create(int flags, std::uint32_t uid) {
  InotifyUser* user = TRY(take_user(uid));
  auto file = base::make<InotifyFile>(O_RDONLY | flags, *user);
  if (file) return OpenFileReference(*file.release());
  drop_user(*user);
  return error(ENOMEM);
}

void InotifyFile::close() {
  forget_watches(*this);
  drop_user(user_);
  base::Own<InotifyFile>(this).reset();
}

Answer<std::size_t> InotifyFile::read(std::span<std::byte> to, Caller& caller) {
  return queue_.read(to, non_blocking(), caller);
}

Answer<std::uint64_t> InotifyFile::control(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  constexpr std::uint32_t bytes_to_read = 0x541b;  // FIONREAD
  if (request != bytes_to_read) return error(ENOTTY);
  return copy_value_out(caller, argument, static_cast<std::int32_t>(queue_.bytes()));
}

std::uint32_t InotifyFile::poll_events() { return queue_.bytes() > 0 ? POLLIN | POLLRDNORM : 0U; }

std::size_t InotifyFile::describe(std::span<char> to, Caller&) {
  constexpr std::string_view name = "anon_inode:inotify";
  return name.copy(to.data(), to.size());
}

}  // namespace linux_abi
