// SPDX-License-Identifier: Apache-2.0
// inotify's open file: watches of files, and the events that they made (inotify(7)).
#pragma once

#include "linux-abi/files/inotify_queue.h"
#include "linux-abi/files/open_file.h"

namespace linux_abi {

// /proc/sys/fs/inotify. Relaxed: limits.
inline std::atomic<std::uint32_t> inotify_max_queued{16384}, inotify_max_instances{128}, inotify_max_watches{65536};

// A user, as far as inotify counts what it has.
struct InotifyUser;

class InotifyFile final : public OpenFile {
 public:
  // EMFILE: the user has too many.
  static Answer<OpenFileReference> create(int flags, std::uint32_t uid);
  InotifyFile(int flags, InotifyUser& user) : OpenFile(flags), user_(user) {}

  InotifyQueue& queue() { return queue_; }
  InotifyUser& user() { return user_; }
  int next_number() { return ++last_number_; }  // under the lock of the watches

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override;
  Answer<std::uint64_t> seek(std::int64_t, int, Caller&) override { return std::uint64_t{0}; }
  Answer<FileStatus> status(Caller&) override { return FileStatus{.mode = 0600}; }
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override;
  std::uint32_t poll_events() override;
  PollSource* poll_source() override { return &queue_.source(); }
  std::size_t describe(std::span<char> to, Caller& caller) override;
  InotifyFile* inotify() override { return this; }

 private:
  void close() override;

  InotifyQueue queue_{inotify_max_queued.load(std::memory_order_relaxed)};
  InotifyUser& user_;
  int last_number_ = 0;
};

}  // namespace linux_abi
