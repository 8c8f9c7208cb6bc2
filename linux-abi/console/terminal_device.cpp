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

// ioctl(2) of terminals (ioctl_tty(2)).
namespace request_number {
constexpr std::uint32_t get = 0x5401, set = 0x5402, set_wait = 0x5403, set_flush = 0x5404, old_get = 0x5405,
                        old_set = 0x5406, old_set_wait = 0x5407, old_set_flush = 0x5408, send_break = 0x5409,
                        flow = 0x540a, flush = 0x540b, exclusive = 0x540c, set_controlling = 0x540e, get_group = 0x540f,
                        set_group = 0x5410, out_queue = 0x5411, get_window = 0x5413, set_window = 0x5414,
                        in_queue = 0x541b, drop_controlling = 0x5422, get_session = 0x5429;
}

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

void TerminalDevice::show(std::span<const char> text) {
  // Echo that finds no room is lost, as on a terminal whose output is stopped.
  (void)output_.try_write(std::as_bytes(text));
}

std::size_t TerminalDevice::keys(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  for (; taken < bytes.size(); ++taken) {
    base::Array<char> echo;
    int number = 0;
    {
      const base::SpinGuard guard(lock_);
      number = line_.receive(static_cast<std::uint8_t>(bytes[taken]), echo);
      if (line_.readable()) readable_.wake_all();
    }
    if (!echo.empty()) show(echo.span());
    if (number != 0) signal(number);
  }
  source_.notify(POLLIN | POLLRDNORM);
  return taken;
}

void TerminalDevice::no_more_keys() {
  {
    const base::SpinGuard guard(lock_);
    line_.hang_up();
    readable_.wake_all();
  }
  source_.notify(POLLIN | POLLHUP);
}

void TerminalDevice::resize(WindowSize size) {
  {
    const base::SpinGuard guard(lock_);
    if (window_ == size) return;
    window_ = size;
  }
  signal(sig::winch);
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
  std::size_t taken = 0;
  bool would_block = false;
  std::uint64_t deadline = base::never_ns;
  const auto ready = [&] {
    const TerminalSettings& settings = line_.settings;
    const bool raw = !settings.has_local(termios_bit::canonical);
    const std::size_t minimum = raw ? settings.character(ControlCharacter::Minimum) : 0;
    const std::uint64_t time = raw ? settings.character(ControlCharacter::Time) : 0;
    if (raw && minimum == 0 && time == 0) {
      taken = line_.take(to);
      return true;
    }
    if (raw && minimum == 0 && deadline == base::never_ns) deadline = caller.now_ns() + time * tenth_ns;
    if (line_.readable()) {
      taken = line_.take(to);
      return true;
    }
    would_block = non_blocking;
    return would_block;
  };
  {
    // The deadline is known only after a first look.
    const base::SpinGuard guard(lock_);
    if (ready()) return would_block ? error(EAGAIN) : Answer<std::size_t>(taken);
  }
  Answer<> waited = wait_until(caller, lock_, readable_, deadline, ready);
  if (!waited && waited.error() == ETIMEDOUT) return std::size_t{0};
  TRY(waited);
  if (would_block) return error(EAGAIN);
  return taken;
}

Answer<std::size_t> TerminalDevice::write(std::span<const std::byte> from, bool non_blocking, Caller& caller) {
  TerminalSettings settings;
  {
    const base::SpinGuard guard(lock_);
    settings = line_.settings;
  }
  if (settings.has_local(termios_bit::stop_background)) TRY(check_foreground(caller, sig::ttou));
  std::array<std::byte, 512> shown;
  std::size_t done = 0;
  while (done < from.size()) {
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
  return out | gone | (line_.readable() ? POLLIN | POLLRDNORM : 0U);
}

namespace {

template <typename T>
Answer<std::uint64_t> give(Caller& caller, std::uint64_t address, const T& value) {
  TRY(caller.copy_out(address, std::as_bytes(std::span(&value, 1))));
  return std::uint64_t{0};
}

template <typename T>
Answer<T> take(Caller& caller, std::uint64_t address) {
  T value;
  TRY(caller.copy_in(std::as_writable_bytes(std::span(&value, 1)), address));
  return value;
}

}  // namespace

Answer<std::uint64_t> TerminalDevice::control(std::uint32_t request, std::uint64_t argument, Caller& caller,
                                              Side side) {
  Process& process = static_cast<Thread&>(caller).process();
  switch (request) {
    case request_number::get: {
      TerminalSettings settings;
      {
        const base::SpinGuard guard(lock_);
        settings = line_.settings;
      }
      return give(caller, argument, settings);
    }
    case request_number::set:
    case request_number::set_wait:
    case request_number::set_flush: {
      TRY(check_foreground(caller, sig::ttou));
      const TerminalSettings settings = TRY(take<TerminalSettings>(caller, argument));
      const base::SpinGuard guard(lock_);
      if (request == request_number::set_flush) line_.discard_input();
      line_.change(settings);
      readable_.wake_all();
      return std::uint64_t{0};
    }
    case request_number::old_get: {
      TerminalSettings settings;
      {
        const base::SpinGuard guard(lock_);
        settings = line_.settings;
      }
      return give(caller, argument, OldTerminalSettings(settings));
    }
    case request_number::old_set:
    case request_number::old_set_wait:
    case request_number::old_set_flush: {
      TRY(check_foreground(caller, sig::ttou));
      const auto given = TRY(take<OldTerminalSettings>(caller, argument));
      const base::SpinGuard guard(lock_);
      if (request == request_number::old_set_flush) line_.discard_input();
      line_.change(given.applied_to(line_.settings));
      readable_.wake_all();
      return std::uint64_t{0};
    }
    case request_number::get_window: {
      WindowSize window;
      {
        const base::SpinGuard guard(lock_);
        window = window_;
      }
      return give(caller, argument, window);
    }
    case request_number::set_window:
      resize(TRY(take<WindowSize>(caller, argument)));
      return std::uint64_t{0};
    case request_number::get_group: {
      std::int32_t group = 0;
      {
        const base::SpinGuard guard(tasks_lock);
        if (side == Side::Slave && process.terminal != this) return error(ENOTTY);
        group = foreground_;
      }
      return give(caller, argument, group);
    }
    case request_number::set_group: {
      TRY(check_foreground(caller, sig::ttou));
      const auto group = TRY(take<std::int32_t>(caller, argument));
      const base::SpinGuard guard(tasks_lock);
      if (side == Side::Slave && process.terminal != this) return error(ENOTTY);
      if (group < 0) return error(EINVAL);
      Pids& pids = process.vnode().pids;
      bool found = false;
      for (PidEntry* entry = pids.next(0); entry != nullptr && !found; entry = pids.next(entry->pid + 1))
        found = entry->process != nullptr && entry->process->group->pid == group &&
                entry->process->session == process.session;
      if (!found) return error(EPERM);
      foreground_ = group;
      return std::uint64_t{0};
    }
    case request_number::get_session: {
      std::int32_t session = 0;
      {
        const base::SpinGuard guard(tasks_lock);
        if (side == Side::Slave && process.terminal != this) return error(ENOTTY);
        session = session_;
      }
      return give(caller, argument, session);
    }
    case request_number::set_controlling: {
      const base::SpinGuard guard(tasks_lock);
      if (process.terminal == this) return std::uint64_t{0};
      if (process.session != process.pid_entry || process.terminal != nullptr) return error(EPERM);
      if (session_ != 0) return error(EPERM);
      make_controlling_locked(process);
      return std::uint64_t{0};
    }
    case request_number::drop_controlling: {
      const base::SpinGuard guard(tasks_lock);
      if (process.terminal != this) return error(ENOTTY);
      if (process.session == process.pid_entry) session_ended_locked(process);
      process.terminal = nullptr;
      return std::uint64_t{0};
    }
    case request_number::in_queue: {
      std::int32_t bytes = 0;
      {
        const base::SpinGuard guard(lock_);
        bytes = static_cast<std::int32_t>(line_.available());
      }
      return give(caller, argument, bytes);
    }
    case request_number::out_queue:
      return give(caller, argument, static_cast<std::int32_t>(output_.bytes()));
    case request_number::flush: {
      constexpr std::uint64_t output_only = 1;
      if (argument > 2) return error(EINVAL);
      if (argument == output_only) return std::uint64_t{0};
      const base::SpinGuard guard(lock_);
      line_.discard_input();
      return std::uint64_t{0};
    }
    case request_number::send_break:
    case request_number::flow:
    case request_number::exclusive:
      return std::uint64_t{0};
    default:
      return error(ENOTTY);
  }
}

Answer<OpenFileReference> open_controlling_terminal(int flags, PlaceReference place, Caller& caller) {
  Process& process = static_cast<Thread&>(caller).process();
  processor::Reference<TerminalDevice> terminal;
  {
    const base::SpinGuard guard(tasks_lock);
    if (process.terminal == nullptr) return error(ENXIO);
    terminal = processor::Reference<TerminalDevice>(static_cast<TerminalDevice&>(*process.terminal));
  }
  return terminal->open(flags, std::move(place));
}

}  // namespace linux_abi
