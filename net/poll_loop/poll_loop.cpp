// SPDX-License-Identifier: Apache-2.0
#include "net/poll_loop/poll_loop.h"

#include <time.h>

#include <vector>

namespace poll_loop {

std::uint64_t MonotonicClock::now_ns() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * base::second_ns + static_cast<std::uint64_t>(now.tv_nsec);
}

PollLoop::Watch PollLoop::watch(int fd, short events, Handler handler) {
  watched_.push_back({.fd = fd, .events = events, .handler = std::move(handler)});
  return Watch(&watched_.back());
}

PollLoop::Hook PollLoop::before_wait(std::function<void()> hook) {
  hooks_.push_back(new std::function<void()>(std::move(hook)));
  return Hook(hooks_.back(), [this](std::function<void()>* gone) {
    hooks_.remove(gone);
    delete gone;
  });
}

void PollLoop::run_once() {
  for (const auto* hook : hooks_) (*hook)();
  watched_.remove_if([](const Watched& watched) { return watched.gone; });
  std::vector<pollfd> polled;
  std::vector<Watched*> owners;
  for (Watched& watched : watched_) {
    if (watched.events == 0) continue;
    polled.push_back({.fd = watched.fd, .events = watched.events, .revents = 0});
    owners.push_back(&watched);
  }
  timespec limit{};
  const timespec* wait = &limit;
  const std::uint64_t deadline_ns = loop_.next_deadline_ns();
  const std::uint64_t now_ns = loop_.now_ns();
  if (!loop_.idle() || deadline_ns <= now_ns) {
    // Work is there: look at the descriptors, but do not wait for them.
  } else if (deadline_ns == base::never_ns) {
    wait = nullptr;
  } else {
    limit.tv_sec = static_cast<time_t>((deadline_ns - now_ns) / base::second_ns);
    limit.tv_nsec = static_cast<long>((deadline_ns - now_ns) % base::second_ns);
  }
  ppoll(polled.data(), polled.size(), wait, nullptr);
  for (std::size_t i = 0; i < polled.size(); ++i) {
    // An earlier handler may have ended this watch, or may not want it now.
    if (polled[i].revents != 0 && !owners[i]->gone && owners[i]->events != 0) owners[i]->handler(polled[i].revents);
  }
  loop_.run_ready();
}

}  // namespace poll_loop
