// SPDX-License-Identifier: Apache-2.0
// An epoll: a set of open files, of which those that may be ready wait in a list. It holds no references: a file that
// ends leaves all sets (FileEnd). Sets of sets are allowed, without circles and not too deep; what is ready in an inner
// one is told upwards under one lock for all epolls (rank Epoll), so that no order of locks among them is needed.
// Which files are in which set: poll_sets_mutex.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "linux-abi/files/open_file.h"

namespace linux_abi {

// struct epoll_event
struct [[gnu::packed]] EpollEvent {
  std::uint32_t events = 0;
  std::uint64_t data = 0;
};
static_assert(sizeof(EpollEvent) == 12);

class EpollEntry final : public Watch, public FileEnd, public boost::intrusive::set_base_hook<> {
 public:
  EpollEntry(Epoll& epoll, OpenFile& watched, int number, const EpollEvent& event)
      : owner(epoll), file(watched), descriptor(number), wanted(event.events), data(event.data) {}
  void notified(std::uint32_t events) override;
  bool offered(std::uint32_t events, bool taken) override;
  void file_ended() override;
  bool operator<(const EpollEntry& other) const {
    return &file != &other.file ? &file < &other.file : descriptor < other.descriptor;
  }

  Epoll& owner;
  OpenFile& file;
  const int descriptor;
  std::uint32_t wanted;  // EPOLL*, flags included. This and the hooks: changed under the epolls' lock
  std::uint64_t data;
  boost::intrusive::list_member_hook<> ready_hook;
  boost::intrusive::list_member_hook<> parent_hook;  // in the set that is watched
};

class Epoll final : public OpenFile {
 public:
  static Answer<OpenFileReference> create();
  explicit Epoll(int flags) : OpenFile(flags) {}

  // epoll_ctl. EPERM: the file is always ready. EEXIST, ENOENT, ELOOP, EINVAL.
  Answer<> add(OpenFile& file, int descriptor, const EpollEvent& event);
  Answer<> modify(OpenFile& file, int descriptor, const EpollEvent& event);
  Answer<> remove(OpenFile& file, int descriptor);
  // How many events were put there; 0 at the deadline (0: does not wait). EINTR for any signal.
  Answer<std::size_t> wait(std::span<EpollEvent> to, std::uint64_t deadline_ns, Caller& caller);

  Answer<FileStatus> status(Caller& caller) override;
  std::size_t describe(std::span<char> to, Caller& caller) override;
  std::uint32_t poll_events() override;
  PollSource* poll_source() override { return &source_; }
  Epoll* epoll() override { return this; }

 private:
  friend class EpollEntry;
  using Entries = boost::intrusive::set<EpollEntry>;
  using ReadyList = boost::intrusive::list<
      EpollEntry,
      boost::intrusive::member_hook<EpollEntry, boost::intrusive::list_member_hook<>, &EpollEntry::ready_hook>,
      boost::intrusive::constant_time_size<false>>;
  using Parents = boost::intrusive::list<
      EpollEntry,
      boost::intrusive::member_hook<EpollEntry, boost::intrusive::list_member_hook<>, &EpollEntry::parent_hook>,
      boost::intrusive::constant_time_size<false>>;

  void close() override;
  // With poll_sets_mutex:
  EpollEntry* find(OpenFile& file, int descriptor);
  void erase(EpollEntry& entry);
  void make_ready_if(EpollEntry& entry);
  bool has_ready();
  std::size_t harvest(std::span<EpollEvent> to);
  Answer<> check_nesting(const Epoll& inner) const;
  unsigned depth_below(unsigned limit) const;
  unsigned depth_above(unsigned limit) const;
  bool contains(const Epoll& other, unsigned limit) const;
  // With the epolls' lock:
  static void mark_ready_locked(EpollEntry& entry);

  Entries entries_;  // guarded by poll_sets_mutex; the rest by the epolls' lock
  ReadyList ready_;  // may be ready: looked at again before it is told
  Parents parents_;  // entries of other sets for this one
  base::WaitQueue waiters_;
  PollSource source_{base::LockRank::EpollPoll};
};

}  // namespace linux_abi
