// SPDX-License-Identifier: Apache-2.0
// The state is shared with the thread, which outlives the pump when its write hangs.
#include "tools/console/output_pump.h"

#include <fmt/format.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "tools/support/failure.h"
#include "tools/support/fd.h"

namespace console {

struct OutputPump::State {
  std::mutex mutex;  // guards all below but the descriptors
  std::condition_variable changed;
  std::vector<std::byte> queue;
  std::size_t writing = 0;  // bytes taken from the queue and not yet written
  bool broken = false;
  bool broken_now = false;  // not yet told
  bool ending = false;
  int fd = -1;
  support::Fd event;
};

namespace {

// False: nobody reads any more.
bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // someone else made it non-blocking
      pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

OutputPump::OutputPump(int fd) : state_(std::make_shared<State>()) {
  state_->fd = fd;
  state_->event = support::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state_->event) throw support::Failure(fmt::format("eventfd: {}", strerror(errno)));
  std::thread(run, state_).detach();
}

OutputPump::~OutputPump() {
  const std::lock_guard lock(state_->mutex);
  state_->ending = true;
  state_->changed.notify_all();
}

void OutputPump::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->ending || !state->queue.empty(); });
    if (state->ending) return;
    std::vector<std::byte> bytes;
    bytes.swap(state->queue);
    state->writing = bytes.size();
    bool good = !state->broken;
    lock.unlock();
    good = good && write_all(state->fd, bytes);
    lock.lock();
    state->writing = 0;
    if (!good) state->broken = state->broken_now = true;
    eventfd_write(state->event.get(), 1);
  }
}

void OutputPump::write(std::span<const std::byte> bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.insert(state_->queue.end(), bytes.begin(), bytes.end());
  state_->changed.notify_all();
}

std::size_t OutputPump::waiting_bytes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->queue.size() + state_->writing;
}

bool OutputPump::take_broken() {
  const std::lock_guard lock(state_->mutex);
  return std::exchange(state_->broken_now, false);
}

int OutputPump::event_fd() const { return state_->event.get(); }

void OutputPump::acknowledge() {
  eventfd_t count;
  eventfd_read(state_->event.get(), &count);
}

}  // namespace console
