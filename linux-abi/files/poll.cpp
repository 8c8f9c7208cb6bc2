// SPDX-License-Identifier: Apache-2.0
// Waiting for one of several files: see poll.h.
#include "linux-abi/files/poll.h"

#include "kernel/base/array.h"

namespace linux_abi {
namespace {

// The thread that waits; its files' watches tell it to look again.
class Wait {
 public:
  void look_again() {
    const base::SpinGuard guard(lock_);
    changed_ = true;
    queue_.wake_all();
  }
  Answer<> sleep(Caller& caller, std::uint64_t deadline_ns) {
    return wait_until(caller, lock_, queue_, deadline_ns, [this] { return std::exchange(changed_, false); });
  }

 private:
  base::SpinLock lock_{base::LockRank::PollWait};  // guards all below
  bool changed_ = false;
  base::WaitQueue queue_;
};

class FileWatch final : public Watch {
 public:
  FileWatch() = default;
  // For base::Array, before it is linked anywhere.
  FileWatch(FileWatch&& other) noexcept : Watch(), wait_(other.wait_), source_(other.source_) {}
  void start(Wait& wait, PollSource& source) {
    wait_ = &wait;
    source_ = &source;
    source.add(*this);
  }
  void stop() {
    if (source_ != nullptr) source_->remove(*this);
  }
  void notified(std::uint32_t) override { wait_->look_again(); }

 private:
  Wait* wait_ = nullptr;
  PollSource* source_ = nullptr;
};

// The watches on all files, while it lives.
class Watches {
 public:
  explicit Watches(Wait& wait) : wait_(wait) {}
  Watches(const Watches&) = delete;
  Watches& operator=(const Watches&) = delete;
  ~Watches() {
    for (FileWatch& watch : watches_) watch.stop();
  }
  Answer<> add(std::span<const PolledFile> files) {
    TRY(watches_.resize(files.size()));
    for (std::size_t i = 0; i < files.size(); ++i) {
      PollSource* source = files[i].file ? files[i].file->poll_source() : nullptr;
      if (source != nullptr) watches_[i].start(wait_, *source);
    }
    return {};
  }

 private:
  Wait& wait_;
  base::Array<FileWatch> watches_;  // does not grow once they are linked
};

std::size_t look(std::span<PolledFile> files) {
  std::size_t count = 0;
  for (PolledFile& polled : files) {
    if (polled.file) polled.ready = polled.file->poll_events() & polled.wanted;
    if (polled.ready != 0) ++count;
  }
  return count;
}

}  // namespace

Answer<std::size_t> poll_files(Caller& caller, std::span<PolledFile> files, std::uint64_t deadline_ns) {
  std::size_t count = look(files);
  if (count > 0 || deadline_ns == 0) return count;
  Wait wait;
  Watches watches(wait);
  TRY(watches.add(files));
  while (true) {
    count = look(files);
    if (count > 0) return count;
    const Answer<> slept = wait.sleep(caller, deadline_ns);
    if (slept) continue;
    // What became ready at the same moment is more welcome than the time-out or the signal.
    count = look(files);
    if (count > 0 || slept.error() == ETIMEDOUT) return count;
    return error(slept.error() == restart_always ? restart_no_handler : slept.error().number());
  }
}

}  // namespace linux_abi
