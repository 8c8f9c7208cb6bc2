// SPDX-License-Identifier: Apache-2.0
// Terminals: see terminal_device.h.
#include "linux-abi/console/terminal_device.h"

#include <asm/poll.h>

#include <algorithm>

#include "kernel/base/format.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/special_files.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi {

namespace {

class TerminalFile final : public OpenFile {
 public:
  TerminalFile(processor::Reference<TerminalDevice> terminal, int flags, PlaceReference place)
      : OpenFile(flags), terminal_(std::move(terminal)), place_(std::move(place)) {}
  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    return terminal_->read(to, non_blocking(), caller);
  }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    return terminal_->write(from, non_blocking(), caller);
  }
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    return terminal_->control(request, argument, caller);
  }
  std::uint32_t poll_events() override { return terminal_->events(); }
  PollSource* poll_source() override { return &terminal_->source(); }
  Answer<FileStatus> status(Caller& caller) override {
    if (place_) return place_->node().status(caller);
    const std::uint64_t now = caller.wall_time_ns();
    // What /dev/console says of itself, so that ttyname() finds it.
    return FileStatus{.device = synthetic_device,
                      .inode = device_inode(terminal_->device()),
                      .mode = file_mode::character | 0620,
                      .uid = caller.credentials().uid,
                      .gid = caller.credentials().gid,
                      .special_device = terminal_->device(),
                      .access_time_ns = now,
                      .modify_time_ns = now,
                      .change_time_ns = now};
  }
  Answer<OpenFileReference> open_again(int flags, Caller&) override { return terminal_->open(flags, place_); }
  std::size_t describe(std::span<char> to, Caller&) override {
    if (terminal_->number() >= 0) return base::format(to, "/dev/pts/{}", terminal_->number()).size();
    return base::format(to, "/dev/console").size();
  }
  Place* place() override { return place_.get(); }
  Node* node() override { return place_ ? &place_->node() : nullptr; }
  bool is_terminal() const override { return true; }

 private:
  void close() override {
    terminal_->file_closed();
    base::Own<TerminalFile>(this).reset();
  }
  processor::Reference<TerminalDevice> terminal_;
  PlaceReference place_;
};

}  // namespace

Answer<processor::Reference<TerminalDevice>> TerminalDevice::create(PipeBuffer& output) {
  auto terminal = base::make<TerminalDevice>(output);
  if (!terminal) return error(ENOMEM);
  return processor::Reference<TerminalDevice>(*terminal.release());
}

TerminalDevice::TerminalDevice(base::Own<PipeBuffer> output, int number)
    : own_output_(std::move(output)), output_(*own_output_), number_(number), window_{.rows = 0, .columns = 0} {
  output_.add_reader();
  output_.add_writer();
}

Answer<processor::Reference<TerminalDevice>> TerminalDevice::create_slave(int number) {
  auto output = base::make<PipeBuffer>();
  if (!output) return error(ENOMEM);
  TRY(output->allocate());
  auto terminal = base::make<TerminalDevice>(std::move(output), number);
  if (!terminal) return error(ENOMEM);
  return processor::Reference<TerminalDevice>(*terminal.release());
}

std::uint64_t TerminalDevice::device() const {
  return number_ < 0 ? device::console : device::pseudo_slave(static_cast<std::uint32_t>(number_));
}

bool TerminalDevice::is_exclusive() {
  const base::SpinGuard guard(lock_);
  return exclusive_;
}

TerminalSettings TerminalDevice::settings() {
  const base::SpinGuard guard(lock_);
  return line_.settings;
}

void TerminalDevice::last_reference_gone() { base::Own<TerminalDevice>(this).reset(); }

Answer<OpenFileReference> TerminalDevice::open(int flags, PlaceReference place) {
  auto file = base::make<TerminalFile>(processor::Reference<TerminalDevice>(*this), flags, std::move(place));
  if (!file) return error(ENOMEM);
  if (own_output_) {
    bool first = false;
    {
      const base::SpinGuard guard(lock_);
      first = !std::exchange(opened_, true);
    }
    if (!first) output_.add_writer();
  }
  return OpenFileReference(*file.release());
}

void TerminalDevice::file_closed() {
  if (own_output_) output_.remove_writer();
}

void TerminalDevice::signal(int number) {
  const base::SpinGuard guard(tasks_lock);
  if (vnode_ == nullptr || foreground_ == 0) return;
  // A group without members is no error here.
  (void)send_to_group_locked(*vnode_, foreground_, {.signal = number, .code = sig::code::kernel});
}

void TerminalDevice::hang_up() {
  output_.remove_reader();
  no_more_keys();
  const base::SpinGuard guard(tasks_lock);
  if (session_ == 0) return;
  const PidEntry* leader = vnode_->pids.find(session_);
  if (leader != nullptr && leader->process != nullptr) {
    (void)send_to_process_locked(*leader->process, {.signal = sig::hup, .code = sig::code::kernel});
    (void)send_to_process_locked(*leader->process, {.signal = sig::cont, .code = sig::code::kernel});
  }
  if (foreground_ != 0)
    (void)send_to_group_locked(*vnode_, foreground_, {.signal = sig::hup, .code = sig::code::kernel});
  detach_locked();
}

// Nobody has the terminal any more.
void TerminalDevice::detach_locked() {
  Pids& pids = vnode_->pids;
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1))
    if (entry->process != nullptr && entry->process->terminal == this) entry->process->terminal = nullptr;
  session_ = foreground_ = 0;
}

void TerminalDevice::become_controlling(Caller& caller) {
  Process& process = static_cast<Thread&>(caller).process();
  const base::SpinGuard guard(tasks_lock);
  if (process.session != process.pid_entry || process.terminal != nullptr || session_ != 0) return;
  make_controlling_locked(process);
}

void TerminalDevice::make_controlling_locked(Process& leader) {
  vnode_ = &leader.vnode();
  session_ = leader.session->pid;
  foreground_ = leader.group->pid;
  leader.terminal = this;
}

void TerminalDevice::session_ended_locked(Process& leader) {
  if (session_ != leader.session->pid) return;
  if (foreground_ != 0) {
    (void)send_to_group_locked(leader.vnode(), foreground_, {.signal = sig::hup, .code = sig::code::kernel});
    (void)send_to_group_locked(leader.vnode(), foreground_, {.signal = sig::cont, .code = sig::code::kernel});
  }
  detach_locked();
}

// A process of the background that touches its terminal is stopped, unless it ignores or blocks the signal.
Answer<> TerminalDevice::check_foreground(Caller& caller, int number) {
  Thread& thread = static_cast<Thread&>(caller);
  Process& process = thread.process();
  const base::SpinGuard guard(tasks_lock);
  if (process.terminal != this || foreground_ == 0 || process.group->pid == foreground_) return {};
  const bool deaf = thread.blocked.contains(number) || process.actions->actions.ignores(number);
  if (deaf) return number == sig::ttin ? error(EIO) : Answer<>();
  (void)send_to_group_locked(process.vnode(), process.group->pid, {.signal = number, .code = sig::code::kernel});
  return error(restart_always);
}

Answer<std::size_t> TerminalDevice::read(std::span<std::byte> to, bool non_blocking, Caller& caller) {
  TRY(check_foreground(caller, sig::ttin));
  if (to.empty()) return std::size_t{0};
  constexpr std::uint64_t tenth_ns = 100'000'000;
  std::size_t taken = 0, seen = 0;
  bool first = true, done = false, would_block = false, was_full = false;
  std::uint64_t deadline = base::never_ns;
  const auto take = [&] {
    was_full = !line_.has_room();
    taken = line_.take(to);
    if (was_full) has_room_.wake_all();
    done = true;
  };
  const auto look = [&] {
    const bool is_first = std::exchange(first, false);
    if (line_.readable_into(to.size())) return take(), true;
    const TerminalSettings& settings = line_.settings;
    const std::size_t there = settings.has_local(termios_bit::canonical) ? 0 : line_.available();
    if (non_blocking) {
      would_block = there == 0;
      return take(), true;
    }
    // VTIME is that of the whole read without VMIN, else between two bytes.
    const std::uint64_t time =
        settings.has_local(termios_bit::canonical) ? 0 : settings.character(ControlCharacter::Time);
    const bool begins = settings.character(ControlCharacter::Minimum) == 0 ? is_first : there > seen;
    seen = there;
    if (time != 0 && begins) deadline = caller.now_ns() + time * tenth_ns;
    return time != 0 && begins;
  };
  while (!done) {
    const Answer<> waited = wait_until(caller, lock_, readable_, deadline, look);
    if (waited) continue;
    if (waited.error() != ETIMEDOUT) return std::unexpected(waited.error());
    const base::SpinGuard guard(lock_);
    take();
  }
  if (was_full) output_.source().notify(writable_events);
  return would_block ? error(EAGAIN) : Answer<std::size_t>(taken);
}

Answer<std::size_t> TerminalDevice::write(std::span<const std::byte> from, bool non_blocking, Caller& caller) {
  if (settings().has_local(termios_bit::stop_background)) TRY(check_foreground(caller, sig::ttou));
  std::array<std::byte, 512> shown;
  std::size_t done = 0;
  while (done < from.size()) {
    TerminalSettings settings;
    bool would_block = false;
    const Answer<> waited = wait_until(caller, lock_, writable_, base::never_ns, [&] {
      settings = line_.settings;
      would_block = line_.flow.stopped() && non_blocking;
      return !line_.flow.stopped() || non_blocking;
    });
    if (!waited) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(waited.error());
    if (would_block) return done > 0 ? Answer<std::size_t>(done) : error(EAGAIN);
    std::size_t used = 0, consumed = 0;
    while (done + consumed < from.size() && used + 2 <= shown.size()) {
      std::array<char, 2> characters;
      const std::size_t count = LineDiscipline::output(settings, static_cast<char>(from[done + consumed]), characters);
      for (std::size_t i = 0; i < count; ++i) shown[used++] = static_cast<std::byte>(characters[i]);
      ++consumed;
    }
    const auto written = output_.write(std::span(shown).first(used), non_blocking, caller);
    if (!written && written.error() == EPIPE) return error(EIO);  // hung up
    if (!written) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(written.error());
    done += consumed;
  }
  return done;
}

std::uint32_t TerminalDevice::events() {
  const std::uint32_t out = output_.events(false, true);
  const std::uint32_t gone = own_output_ && !output_.has_readers() ? POLLHUP : 0U;
  const base::SpinGuard guard(lock_);
  return (line_.flow.stopped() ? out & ~writable_events : out) | gone | (line_.readable() ? POLLIN | POLLRDNORM : 0U);
}

Answer<OpenFileReference> open_controlling_terminal(int flags, PlaceReference place, Caller& caller) {
  Process& process = static_cast<Thread&>(caller).process();
  processor::Reference<TerminalDevice> terminal;
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.terminal == nullptr) return error(ENXIO);
    terminal = processor::Reference<TerminalDevice>(static_cast<TerminalDevice&>(*process.terminal));
  }
  if (terminal->is_exclusive() && !caller.credentials().may(Capability::Administration)) return error(EBUSY);
  return terminal->open(flags, std::move(place));
}

}  // namespace linux_abi
