// SPDX-License-Identifier: Apache-2.0
// signalfd's open file: see signal_file.h. What can be read depends on who looks, so the file itself holds nothing but
// the set of signals.
#include "linux-abi/files/signal_file.h"

#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>

#include <cstring>
#include <string_view>

#include "kernel/base/memory.h"
#include "linux-abi/process/signal_arrival.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {
namespace {

static_assert(sizeof(signalfd_siginfo) == 128);

bool tells_of_a_child(const SignalInformation& taken) { return taken.signal == sig::chld && taken.code > 0; }
bool tells_of_a_fault(const SignalInformation& taken) {
  const bool fault = taken.signal == sig::segv || taken.signal == sig::bus || taken.signal == sig::ill ||
                     taken.signal == sig::fpe || taken.signal == sig::trap;
  return fault && taken.code > 0;
}
// F_SETSIG: of other signals nobody but the kernel has a positive code.
bool tells_of_a_file(const SignalInformation& taken) {
  return taken.code > 0 && taken.code < sig::code::kernel && taken.signal != sig::chld;
}

signalfd_siginfo layout_of(const SignalInformation& taken) {
  signalfd_siginfo to{};
  to.ssi_signo = static_cast<std::uint32_t>(taken.signal);
  to.ssi_errno = taken.error;
  to.ssi_code = taken.code;
  if (tells_of_a_fault(taken)) {
    to.ssi_addr = taken.value;
    return to;
  }
  if (tells_of_a_file(taken)) {
    to.ssi_band = static_cast<std::uint32_t>(taken.pid);
    to.ssi_fd = static_cast<std::int32_t>(taken.value);
    return to;
  }
  if (taken.code == sig::code::timer) {
    to.ssi_tid = static_cast<std::uint32_t>(taken.timer);
    to.ssi_overrun = static_cast<std::uint32_t>(taken.overrun);
  } else {
    to.ssi_pid = static_cast<std::uint32_t>(taken.pid);
    to.ssi_uid = taken.uid;
  }
  if (tells_of_a_child(taken)) {
    to.ssi_status = static_cast<std::int32_t>(taken.value);
    to.ssi_utime = static_cast<std::uint64_t>(taken.user_ticks);
    to.ssi_stime = static_cast<std::uint64_t>(taken.system_ticks);
  } else {
    to.ssi_ptr = taken.value;
    to.ssi_int = static_cast<std::int32_t>(taken.value);
  }
  return to;
}

class OpenSignalFile final : public SignalFile {
 public:
  OpenSignalFile(SignalSet wanted, int flags) : SignalFile(O_RDWR | flags), wanted_(wanted) {}

  // As many as are pending and fit; waits for the first.
  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    if (to.size() < sizeof(signalfd_siginfo)) return error(EINVAL);
    auto& thread = static_cast<Thread&>(caller);
    std::size_t used = 0;
    const auto ready = [&] {
      while (to.size() - used >= sizeof(signalfd_siginfo)) {
        SignalInformation taken = thread.pending.take(wanted_);
        if (taken.signal == 0) taken = thread.process().pending.take(wanted_);
        if (taken.signal == 0) break;
        const signalfd_siginfo layout = layout_of(taken);
        std::memcpy(to.data() + used, &layout, sizeof layout);
        used += sizeof layout;
      }
      return used > 0 || non_blocking();
    };
    TRY(wait_until(caller, tasks_lock, signal_arrival.readers, base::never_ns, ready));
    return used > 0 ? Answer<std::size_t>(used) : error(EAGAIN);
  }
  void set_wanted(SignalSet wanted) override {
    const base::SpinGuard guard(tasks_lock);
    wanted_ = wanted;
    signal_arrival.tell_locked();
  }
  SignalFile* signal_file() override { return this; }
  Answer<FileStatus> status(Caller&) override { return FileStatus{.mode = 0600}; }
  std::uint32_t poll_events() override {
    const auto& thread = Thread::current();
    const base::SpinGuard guard(tasks_lock);
    const SignalSet pending = thread.pending.set() | thread.process().pending.set();
    return (pending & wanted_).empty() ? 0U : POLLIN | POLLRDNORM;
  }
  PollSource* poll_source() override { return &signal_arrival.source; }
  std::size_t describe(std::span<char> to, Caller&) override {
    constexpr std::string_view name = "anon_inode:[signalfd]";
    return name.copy(to.data(), to.size());
  }

 private:
  void close() override { base::Own<OpenSignalFile>(this).reset(); }
  SignalSet wanted_;  // guarded by tasks_lock
};

}  // namespace

Answer<OpenFileReference> SignalFile::create(SignalSet wanted, int flags) {
  auto file = base::make<OpenSignalFile>(wanted, flags);
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
