// SPDX-License-Identifier: Apache-2.0
// Directory notification: see directory_notices.h. A notice that was told once and is not to be told again stays, of
// nothing, until its file ends: it may be asked for again. Those that ask for something count as watches of files.
#include "linux-abi/files/directory_notices.h"

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_owner.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/node.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

class DirectoryNotice final : public FileEnd, public boost::intrusive::list_base_hook<> {
 public:
  DirectoryNotice(OpenFile& watched_file, std::uint64_t of_process)
      : file(watched_file), node(watched_file.node()), process(of_process) {}
  void file_ended() override;

  OpenFile& file;
  const Node* const node;
  const std::uint64_t process;
  std::uint32_t mask = 0;  // by notices_lock; 0: asks for nothing
};

base::SpinLock notices_lock{base::LockRank::Process};
boost::intrusive::list<DirectoryNotice, boost::intrusive::constant_time_size<false>> notices;  // by notices_lock

DirectoryNotice* find_locked(const OpenFile& file, std::uint64_t process) {
  const auto found = std::find_if(notices.begin(), notices.end(), [&](const DirectoryNotice& each) {
    return &each.file == &file && each.process == process;
  });
  return found == notices.end() ? nullptr : &*found;
}

void set_mask_locked(DirectoryNotice& notice, std::uint32_t mask) {
  if (notice.mask == 0 && mask != 0) file_watches.fetch_add(1, std::memory_order_relaxed);
  if (notice.mask != 0 && mask == 0) file_watches.fetch_sub(1, std::memory_order_relaxed);
  notice.mask = mask;
}

// With poll_sets_mutex, which guards the ends of files.
void remove(DirectoryNotice& notice) {
  {
    const base::SpinGuard guard(notices_lock);
    set_mask_locked(notice, 0);
    notices.erase(notices.iterator_to(notice));
  }
  notice.file.remove_end(notice);
  base::Own<DirectoryNotice>(&notice).reset();
}

void DirectoryNotice::file_ended() { remove(*this); }

// Whether there was one.
bool add_to_known(const OpenFile& file, std::uint64_t process, std::uint32_t mask) {
  const base::SpinGuard guard(notices_lock);
  DirectoryNotice* known = find_locked(file, process);
  if (known != nullptr) set_mask_locked(*known, known->mask | mask);
  return known != nullptr;
}

}  // namespace

Answer<> set_notice(OpenFile& file, int descriptor, std::uint32_t mask, Thread& by) {
  const std::uint64_t process = by.process_id();
  if ((mask & ~notice::every_time) == 0) {
    forget_notices(file, process);
    return {};
  }
  if (file.node() == nullptr || !file.node()->is_directory()) return error(ENOTDIR);
  FileOwner* owner = TRY(FileOwner::of(file));
  auto fresh = base::make<DirectoryNotice>(file, process);
  if (!fresh) return error(ENOMEM);
  owner->set_default(by);
  owner->set_descriptor(descriptor);
  const threads::MutexGuard guard(poll_sets_mutex);
  if (add_to_known(file, process, mask)) return {};
  file.add_end(*fresh);
  const base::SpinGuard lock(notices_lock);
  set_mask_locked(*fresh, mask);
  notices.push_back(*fresh.release());
  return {};
}

void forget_notices(OpenFile& file, std::uint64_t process) {
  if (file.owner() == nullptr) return;  // who is told has one
  const threads::MutexGuard guard(poll_sets_mutex);
  DirectoryNotice* notice = nullptr;
  {
    const base::SpinGuard lock(notices_lock);
    notice = find_locked(file, process);
  }
  if (notice != nullptr) remove(*notice);
}

void send_notices(const Node& directory, std::uint32_t what) {
  const base::SpinGuard guard(notices_lock);
  for (DirectoryNotice& each : notices) {
    if (each.node != &directory || (each.mask & what & notice::all) == 0) continue;
    // The owner does not end while the notice is in the list.
    each.file.owner()->remember_message();
    if ((each.mask & notice::every_time) == 0) set_mask_locked(each, 0);
  }
}

}  // namespace linux_abi
