// SPDX-License-Identifier: Apache-2.0
// Epolls: see epoll.h.
#include "linux-abi/files/epoll.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/node.h"

namespace linux_abi {
namespace {

base::SpinLock epolls_lock{base::LockRank::Epoll};

constexpr unsigned max_nesting = 4;  // as Linux
constexpr std::uint32_t readable_events = POLLIN | POLLRDNORM;
constexpr std::uint32_t always_told = POLLERR | POLLHUP;
// Not events; an entry with nothing else is switched off (EPOLLONESHOT).
constexpr std::uint32_t flag_bits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

bool is_on(std::uint32_t wanted) { return (wanted & ~flag_bits) != 0; }

}  // namespace

Answer<OpenFileReference> Epoll::create() {
  auto made = base::make<Epoll>(O_RDWR);
  if (!made) return error(ENOMEM);
  return OpenFileReference(*made.release());
}

Answer<FileStatus> Epoll::status(Caller&) { return FileStatus{.mode = 0600}; }

std::size_t Epoll::describe(std::span<char> to, Caller&) {
  constexpr std::string_view name = "anon_inode:[eventpoll]";
  return name.copy(to.data(), to.size());
}

void Epoll::close() {
  {
    const threads::MutexGuard guard(poll_sets_mutex);
    while (!entries_.empty()) erase(*entries_.begin());
  }
  base::Own<Epoll>(this).reset();
}

void EpollEntry::notified(std::uint32_t events) {
  const base::SpinGuard guard(epolls_lock);
  if (!is_on(wanted)) return;
  if (events != 0 && (events & (wanted | always_told)) == 0) return;
  Epoll::mark_ready_locked(*this);
}

bool EpollEntry::offered(std::uint32_t events, bool taken) {
  bool somebody_waits = false;
  {
    const base::SpinGuard guard(epolls_lock);
    if ((wanted & EPOLLEXCLUSIVE) != 0) {
      if (taken) return true;
      somebody_waits = !owner.waiters_.empty();
    }
  }
  notified(events);
  if (!somebody_waits) return taken;
  const base::SpinGuard guard(epolls_lock);
  return owner.waiters_.empty();
}

void EpollEntry::file_ended() { owner.erase(*this); }

// Depth is bounded by max_nesting.
void Epoll::mark_ready_locked(EpollEntry& entry) {
  Epoll& owner = entry.owner;
  if (!entry.ready_hook.is_linked()) owner.ready_.push_back(entry);
  owner.waiters_.wake_all();
  owner.source_.notify(readable_events);
  for (EpollEntry& parent : owner.parents_)
    if ((parent.wanted & readable_events) != 0) mark_ready_locked(parent);
}

EpollEntry* Epoll::find(OpenFile& file, int descriptor) {
  const EpollEntry wanted(*this, file, descriptor, {});
  const auto found = entries_.find(wanted);
  return found == entries_.end() ? nullptr : &*found;
}

void Epoll::erase(EpollEntry& entry) {
  Epoll* inner = entry.file.epoll();
  if (inner == nullptr) entry.file.poll_source()->remove(entry);
  entry.file.remove_end(entry);
  entries_.erase(entries_.iterator_to(entry));
  {
    const base::SpinGuard guard(epolls_lock);
    if (entry.ready_hook.is_linked()) ready_.erase(ready_.iterator_to(entry));
    if (inner != nullptr) inner->parents_.erase(inner->parents_.iterator_to(entry));
  }
  base::Own<EpollEntry>(&entry).reset();
}

namespace {
// Of a file in a set; poll_sets_mutex is held, so an inner epoll is not asked by poll_events(), which takes it.
template <typename HasReady>
std::uint32_t events_of(EpollEntry& entry, HasReady has_ready) {
  Epoll* inner = entry.file.epoll();
  const std::uint32_t now = inner == nullptr ? entry.file.poll_events() : has_ready(*inner) ? readable_events : 0;
  return is_on(entry.wanted) ? now & (entry.wanted | always_told) : 0;
}
}  // namespace

void Epoll::make_ready_if(EpollEntry& entry) {
  if (events_of(entry, [](Epoll& inner) { return inner.has_ready(); }) == 0) return;
  const base::SpinGuard guard(epolls_lock);
  mark_ready_locked(entry);
}

bool Epoll::has_ready() {
  while (true) {
    EpollEntry* entry = nullptr;
    {
      const base::SpinGuard guard(epolls_lock);
      if (ready_.empty()) return false;
      entry = &ready_.front();
      ready_.pop_front();
    }
    if (events_of(*entry, [](Epoll& inner) { return inner.has_ready(); }) == 0) continue;
    const base::SpinGuard guard(epolls_lock);
    if (!entry->ready_hook.is_linked()) ready_.push_front(*entry);
    waiters_.wake_all();  // who looked meanwhile saw nothing
    return true;
  }
}

std::uint32_t Epoll::poll_events() {
  const threads::MutexGuard guard(poll_sets_mutex);
  return has_ready() ? readable_events : 0;
}

std::size_t Epoll::harvest(std::span<EpollEvent> to) {
  const threads::MutexGuard mutex(poll_sets_mutex);
  ReadyList candidates, again;
  {
    const base::SpinGuard guard(epolls_lock);
    candidates.swap(ready_);
  }
  std::size_t count = 0;
  while (count < to.size()) {
    EpollEntry* entry = nullptr;
    {
      const base::SpinGuard guard(epolls_lock);
      if (candidates.empty()) break;
      entry = &candidates.front();
      candidates.pop_front();
    }
    const std::uint32_t events = events_of(*entry, [](Epoll& inner) { return inner.has_ready(); });
    if (events == 0) continue;
    to[count++] = {events, entry->data};
    const base::SpinGuard guard(epolls_lock);
    if ((entry->wanted & EPOLLONESHOT) != 0)
      entry->wanted &= flag_bits;
    else if ((entry->wanted & EPOLLET) == 0 && !entry->ready_hook.is_linked())
      again.push_back(*entry);  // level-triggered: told until it is ready no more
  }
  const base::SpinGuard guard(epolls_lock);
  ready_.splice(ready_.begin(), candidates);
  ready_.splice(ready_.end(), again);
  if (!ready_.empty()) waiters_.wake_all();
  return count;
}

Answer<std::size_t> Epoll::wait(std::span<EpollEvent> to, std::uint64_t deadline_ns, Caller& caller) {
  while (true) {
    const std::size_t count = harvest(to);
    if (count > 0 || deadline_ns == 0) return count;
    const Answer<> slept = wait_until(caller, epolls_lock, waiters_, deadline_ns, [this] { return !ready_.empty(); });
    if (slept) continue;
    if (slept.error() == ETIMEDOUT) return std::size_t{0};
    return error(slept.error() == restart_always ? EINTR : slept.error().number());
  }
}

unsigned Epoll::depth_below(unsigned limit) const {
  unsigned deepest = 0;
  for (const EpollEntry& entry : entries_) {
    const Epoll* inner = entry.file.epoll();
    if (inner != nullptr && limit > 0) deepest = std::max(deepest, 1 + inner->depth_below(limit - 1));
  }
  return deepest;
}

unsigned Epoll::depth_above(unsigned limit) const {
  unsigned highest = 0;
  for (const EpollEntry& entry : parents_)
    if (limit > 0) highest = std::max(highest, 1 + entry.owner.depth_above(limit - 1));
  return highest;
}

bool Epoll::contains(const Epoll& other, unsigned limit) const {
  if (this == &other) return true;
  for (const EpollEntry& entry : entries_) {
    const Epoll* inner = entry.file.epoll();
    if (inner != nullptr && limit > 0 && inner->contains(other, limit - 1)) return true;
  }
  return false;
}

Answer<> Epoll::check_nesting(const Epoll& inner) const {
  if (inner.contains(*this, max_nesting)) return error(ELOOP);
  const unsigned depth = inner.depth_below(max_nesting + 1) + 1 + depth_above(max_nesting + 1);
  return depth > max_nesting ? error(ELOOP) : Answer<>();
}

Answer<> Epoll::add(OpenFile& file, int descriptor, const EpollEvent& event) {
  PollSource* source = file.poll_source();
  if (source == nullptr) return error(EPERM);
  Epoll* inner = file.epoll();
  if (inner == this) return error(EINVAL);
  if ((event.events & EPOLLEXCLUSIVE) != 0) {
    constexpr std::uint32_t allowed =
        POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | always_told | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
    if (inner != nullptr || (event.events & ~allowed) != 0) return error(EINVAL);
  }
  auto made = base::make<EpollEntry>(*this, file, descriptor, event);
  if (!made) return error(ENOMEM);
  const threads::MutexGuard guard(poll_sets_mutex);
  if (find(file, descriptor) != nullptr) return error(EEXIST);
  if (inner != nullptr) TRY(check_nesting(*inner));
  EpollEntry& entry = *made.release();
  entry.wanted |= always_told;
  entries_.insert(entry);
  file.add_end(entry);
  if (inner == nullptr) {
    source->add(entry);
  } else {
    const base::SpinGuard lock(epolls_lock);
    inner->parents_.push_back(entry);
  }
  make_ready_if(entry);
  return {};
}

Answer<> Epoll::modify(OpenFile& file, int descriptor, const EpollEvent& event) {
  if (file.poll_source() == nullptr) return error(EPERM);
  if (file.epoll() == this || (event.events & EPOLLEXCLUSIVE) != 0) return error(EINVAL);
  const threads::MutexGuard guard(poll_sets_mutex);
  EpollEntry* entry = find(file, descriptor);
  if (entry == nullptr) return error(ENOENT);
  if ((entry->wanted & EPOLLEXCLUSIVE) != 0) return error(EINVAL);
  {
    const base::SpinGuard lock(epolls_lock);
    entry->wanted = event.events | always_told;
    entry->data = event.data;
  }
  make_ready_if(*entry);
  return {};
}

Answer<> Epoll::remove(OpenFile& file, int descriptor) {
  if (file.poll_source() == nullptr) return error(EPERM);
  if (file.epoll() == this) return error(EINVAL);
  const threads::MutexGuard guard(poll_sets_mutex);
  EpollEntry* entry = find(file, descriptor);
  if (entry == nullptr) return error(ENOENT);
  erase(*entry);
  return {};
}

}  // namespace linux_abi
