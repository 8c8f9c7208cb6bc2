// SPDX-License-Identifier: Apache-2.0
// Events of an inotify file: see inotify_queue.h.
#include "linux-abi/files/inotify_queue.h"

#include <asm/poll.h>
#include <linux/inotify.h>

#include <cstring>

namespace linux_abi {

namespace {
constexpr std::size_t header_bytes = sizeof(::inotify_event);
static_assert(header_bytes == 16);
// A name ends with a zero, and with as many as the next event needs to be aligned.
constexpr std::size_t name_room(std::size_t bytes) {
  return bytes == 0 ? 0 : (bytes + header_bytes) / header_bytes * header_bytes;
}
static_assert(name_room(15) == 16 && name_room(16) == 32);
}  // namespace

std::size_t InotifyQueue::Event::bytes() const { return header_bytes + name_room(name.size()); }

InotifyQueue::~InotifyQueue() {
  while (!events_.empty()) {
    Event& event = events_.front();
    events_.pop_front();
    base::Own<Event>(&event).reset();
  }
}

base::Own<InotifyQueue::Event> InotifyQueue::make_event(int watch, std::uint32_t mask, std::uint32_t cookie,
                                                        std::string_view name) {
  auto event = base::make<Event>();
  if (!event || !event->name.append(std::span(name))) return {};
  event->watch = watch;
  event->mask = mask;
  event->cookie = cookie;
  return event;
}

bool InotifyQueue::repeats_last_locked(int watch, std::uint32_t mask, std::uint32_t cookie,
                                       std::string_view name) const {
  if (events_.empty() || lost_ || (mask & file_event::ignored) != 0) return false;
  const Event& last = events_.back();
  return last.watch == watch && last.mask == mask && last.cookie == cookie &&
         std::string_view(last.name.data(), last.name.size()) == name;
}

void InotifyQueue::add(int watch, std::uint32_t mask, std::uint32_t cookie, std::string_view name) {
  auto event = make_event(watch, mask, cookie, name);
  {
    const base::SpinGuard guard(lock_);
    if (repeats_last_locked(watch, mask, cookie, name)) return;
    if (!event || lost_ || events_.size() >= most_events_) {
      if (!lost_) bytes_ += header_bytes;
      lost_ = true;
    } else {
      bytes_ += event->bytes();
      events_.push_back(*event.release());
    }
    readable_.wake_all();
  }
  source_.notify(POLLIN | POLLRDNORM);
}

std::size_t InotifyQueue::put(const Event& event, std::span<std::byte> to) {
  ::inotify_event header{};
  header.wd = event.watch;
  header.mask = event.mask;
  header.cookie = event.cookie;
  header.len = static_cast<std::uint32_t>(event.bytes() - header_bytes);
  std::memset(to.data(), 0, event.bytes());
  std::memcpy(to.data(), &header, header_bytes);
  if (!event.name.empty()) std::memcpy(to.data() + header_bytes, event.name.data(), event.name.size());
  return event.bytes();
}

Answer<std::size_t> InotifyQueue::read(std::span<std::byte> to, bool non_blocking, Caller& caller) {
  Events told;
  std::size_t used = 0;
  bool too_small = false;
  TRY(wait_until(caller, lock_, readable_, base::never_ns, [&] {
    while (!events_.empty()) {
      Event& event = events_.front();
      too_small = event.bytes() > to.size() - used;
      if (too_small) return true;
      used += put(event, to.subspan(used));
      bytes_ -= event.bytes();
      events_.pop_front();
      told.push_back(event);
    }
    if (lost_) {
      Event event;
      event.watch = -1;
      event.mask = file_event::overflow;
      too_small = header_bytes > to.size() - used;
      if (too_small) return true;
      used += put(event, to.subspan(used));
      bytes_ -= header_bytes;
      lost_ = false;
    }
    return used > 0 || non_blocking;
  }));
  while (!told.empty()) {
    Event& event = told.front();
    told.pop_front();
    base::Own<Event>(&event).reset();
  }
  if (used > 0) return used;
  return error(too_small ? EINVAL : EAGAIN);
}

std::size_t InotifyQueue::bytes() {
  const base::SpinGuard guard(lock_);
  return bytes_;
}

}  // namespace linux_abi
