// SPDX-License-Identifier: Apache-2.0
#include "tools/ether_switch/server.h"

#include <fmt/format.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "kernel/base/clock.h"
#include "tools/support/failure.h"

namespace ether_switch {
namespace {

// 500 pages: more than the sum of what credits allow to be under way to one component.
constexpr std::size_t queue_bytes = 500 * 4300;

constexpr std::uint64_t timer_tag = 1'000'000;
constexpr std::uint64_t stop_tag = timer_tag + 1;
constexpr std::uint64_t listener_tag = 1'000;  // + index; a client's tag is its index
constexpr std::size_t max_ports = listener_tag;

std::vector<std::string> names_of(const std::vector<PortSpec>& specs) {
  std::vector<std::string> names;
  for (const PortSpec& spec : specs) names.push_back(spec.name);
  return names;
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * base::second_ns + static_cast<std::uint64_t>(now.tv_nsec);
}

void add_to_epoll(int epoll, int fd, std::uint64_t tag) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = tag}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw support::Failure(fmt::format("epoll: {}", strerror(errno)));
  }
}

}  // namespace

Server::Server(const std::vector<PortSpec>& ports, FaultPlan plan, std::optional<PcapWriter> capture)
    : switch_(std::move(plan), names_of(ports), *this),
      capture_(std::move(capture)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      started_ns_(clock_ns(CLOCK_MONOTONIC)),
      timer_at_ns_(base::never_ns) {
  if (ports.size() >= max_ports) throw support::Failure("too many ports");
  add_to_epoll(epoll_.get(), timer_.get(), timer_tag);
  for (const PortSpec& spec : ports) {
    ports_.emplace_back().spec = spec;
    listen_on(ports_.back());
    add_to_epoll(epoll_.get(), ports_.back().listener.get(), listener_tag + ports_.size() - 1);
  }
}

Server::~Server() {
  for (const Port& port : ports_) unlink(port.spec.path.c_str());
}

void Server::listen_on(Port& port) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (port.spec.path.size() >= sizeof(address.sun_path)) {
    throw support::Failure(fmt::format("the path of a socket is too long: {}", port.spec.path));
  }
  memcpy(address.sun_path, port.spec.path.c_str(), port.spec.path.size());
  port.listener = support::Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (bind(port.listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(port.listener.get(), 4) != 0) {
    throw support::Failure(fmt::format("cannot listen on {}: {}", port.spec.path, strerror(errno)));
  }
}

std::uint64_t Server::now_ns() const { return clock_ns(CLOCK_MONOTONIC) - started_ns_; }

void Server::run(int stop_fd) {
  add_to_epoll(epoll_.get(), stop_fd, stop_tag);
  std::array<epoll_event, 32> events;
  for (;;) {
    const std::size_t count = wait(events);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t tag = events[i].data.u64;
      if (tag == stop_tag) return;
      if (tag == timer_tag) {
        std::uint64_t ticks;
        [[maybe_unused]] const ssize_t got = read(timer_.get(), &ticks, sizeof(ticks));
        timer_at_ns_ = base::never_ns;
      } else if (tag >= listener_tag) {
        accept_client(tag - listener_tag);
      } else {
        if ((events[i].events & EPOLLOUT) != 0) flush(tag);
        if ((events[i].events & ~EPOLLOUT) != 0) read_frames(tag);
      }
    }
    switch_.release(now_ns());
    flush_dirty();
    set_timer();
    // Whoever reads the file while the rack runs sees what has passed so far.
    if (capture_ && !capture_->flush()) capture_.reset();
  }
}

std::size_t Server::wait(std::span<epoll_event> events) {
  const std::uint64_t since_ns = clock_ns(CLOCK_MONOTONIC);
  int wait_ms = 0;
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms);
    if (count < 0 && errno != EINTR) throw support::Failure(fmt::format("epoll: {}", strerror(errno)));
    if (count > 0) return static_cast<std::size_t>(count);
    if (!spin_policy_.spin(since_ns, clock_ns(CLOCK_MONOTONIC))) wait_ms = -1;
  }
}

void Server::accept_client(PortIndex index) {
  Port& port = ports_[index];
  support::Fd client(accept4(port.listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  // The end of the one before may be on its way still; a second client is refused.
  if (port.client) read_frames(index);
  if (!client || port.client) return;
  port.client = std::move(client);
  port.reader = std::make_unique<ether_socket::FrameReader>();
  port.writer = std::make_unique<ether_socket::FrameWriter>(queue_bytes);
  port.wants_write = false;
  watch(index, false, EPOLL_CTL_ADD);
}

void Server::watch(PortIndex index, bool write, int operation) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = index}};
  if (write) event.events |= EPOLLOUT;
  epoll_ctl(epoll_.get(), operation, ports_[index].client.get(), &event);
  ports_[index].wants_write = write;
}

void Server::read_frames(PortIndex index) {
  Port& port = ports_[index];
  if (!port.client) return;
  const auto space = port.reader->space();
  const ssize_t got = recv(port.client.get(), space.data(), space.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return hang_up(index);
  port.reader->commit(static_cast<std::size_t>(got));
  const std::uint64_t now = now_ns();
  for (;;) {
    const auto next = port.reader->next();
    if (!next) return hang_up(index);
    if (!*next) return;
    ++port.received;
    capture(**next);
    switch_.receive(index, **next, now);
  }
}

// Frames are captured as they come in: each one that a component sent is there once, lost later or not.
void Server::capture(std::span<const std::byte> frame) {
  if (!capture_ || capture_->write(frame, clock_ns(CLOCK_REALTIME))) return;
  fmt::print(stderr, "switch: the capture file cannot be written any more (disk full?)\n");
  capture_.reset();
}

void Server::deliver(PortIndex to, std::span<const std::byte> frame) {
  Port& port = ports_[to];
  if (!port.client) return;
  const std::span<const std::byte> parts[] = {frame};
  if (!port.writer->push(parts)) return;
  ++port.sent;
  port.dirty = true;
}

void Server::flush_dirty() {
  for (PortIndex index = 0; index < ports_.size(); ++index) {
    if (!ports_[index].dirty) continue;
    ports_[index].dirty = false;
    if (!ports_[index].wants_write) flush(index);
  }
}

void Server::flush(PortIndex index) {
  Port& port = ports_[index];
  while (port.client && !port.writer->empty()) {
    const auto bytes = port.writer->front();
    const ssize_t written = send(port.client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written < 0) return hang_up(index);
    port.writer->consume(static_cast<std::size_t>(written));
  }
  if (!port.client) return;
  const bool more = !port.writer->empty();
  if (more != port.wants_write) watch(index, more, EPOLL_CTL_MOD);
}

void Server::hang_up(PortIndex index) {
  Port& port = ports_[index];
  port.dropped += port.writer->dropped();
  port.bad += port.reader->bad_frames();
  port.client.reset();  // leaves epoll by being closed
  port.writer.reset();
  port.reader.reset();
  port.dirty = port.wants_write = false;
  switch_.disconnect(index);
}

void Server::set_timer() {
  const std::uint64_t next = switch_.next_release_ns();
  if (next == timer_at_ns_) return;
  timer_at_ns_ = next;
  itimerspec spec{};
  if (next != base::never_ns) {
    const std::uint64_t at = started_ns_ + next;
    spec.it_value.tv_sec = static_cast<time_t>(at / base::second_ns);
    spec.it_value.tv_nsec = static_cast<long>(at % base::second_ns);
  }
  timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

std::string Server::summary() const {
  const auto& total = switch_.counters();
  std::string line = fmt::format(
      "forwarded {} flooded {} dropped {} duplicated {} reordered {} delayed {} partitioned {} overflowed {}",
      total.forwarded, total.flooded, total.dropped, total.duplicated, total.reordered, total.delayed,
      total.partitioned, total.overflowed);
  for (const Port& port : ports_) {
    const std::uint64_t dropped = port.dropped + (port.writer ? port.writer->dropped() : 0);
    const std::uint64_t bad = port.bad + (port.reader ? port.reader->bad_frames() : 0);
    line += fmt::format("; {}: received {} sent {} dropped {} bad {}", port.spec.name, port.received, port.sent,
                        dropped, bad);
  }
  return line;
}

}  // namespace ether_switch
