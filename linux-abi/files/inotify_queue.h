// SPDX-License-Identifier: Apache-2.0
// The events that an inotify file has to tell (inotify(7)): in order, one that is like the one before only once, and no
// more than a limit, beyond which one event says that others were lost. Pure, with its own lock (rank Process).
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/memory.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/caller.h"
#include "linux-abi/files/poll_source.h"

namespace linux_abi {

// IN_* of linux/inotify.h.
namespace file_event {
inline constexpr std::uint32_t access = 1, modify = 2, attributes = 4, close_written = 8, close_unwritten = 0x10,
                               open = 0x20, moved_from = 0x40, moved_to = 0x80, created = 0x100, deleted = 0x200,
                               deleted_self = 0x400, moved_self = 0x800, all = 0xfff, overflow = 0x4000,
                               ignored = 0x8000, directory = 0x40000000;
}  // namespace file_event

class InotifyQueue {
 public:
  explicit InotifyQueue(std::size_t most_events) : most_events_(most_events) {}
  InotifyQueue(const InotifyQueue&) = delete;
  InotifyQueue& operator=(const InotifyQueue&) = delete;
  ~InotifyQueue();

  // name: empty for what happened to the watched file itself. Does not sleep.
  void add(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  // As many events as fit, laid out as Linux does; waits for the first. EINVAL: it does not fit. EAGAIN.
  Answer<std::size_t> read(std::span<std::byte> to, bool non_blocking, Caller& caller);
  // What reading all of them takes.
  std::size_t bytes();
  PollSource& source() { return source_; }

 private:
  struct Event : boost::intrusive::list_base_hook<> {
    int watch = 0;
    std::uint32_t mask = 0, cookie = 0;
    base::Array<char> name;
    std::size_t bytes() const;
  };
  using Events = boost::intrusive::list<Event>;

  static base::Own<Event> make_event(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name);
  bool repeats_last_locked(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name) const;
  static std::size_t put(const Event& event, std::span<std::byte> to);

  const std::size_t most_events_;
  base::SpinLock lock_{base::LockRank::Process};  // guards all below but source_
  Events events_;
  bool lost_ = false;  // events were; it is told after those that are there
  std::size_t bytes_ = 0;
  base::WaitQueue readable_;
  PollSource source_;
};

}  // namespace linux_abi
