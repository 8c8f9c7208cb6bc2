// SPDX-License-Identifier: Apache-2.0
// ioctl(2) of terminals (ioctl_tty(2)): see terminal_device.h.
#include <asm/poll.h>

#include "linux-abi/console/terminal_device.h"
#include "linux-abi/files/user_values.h"
#include "linux-abi/process/signal_sending.h"

namespace linux_abi {
namespace {

namespace request_number {
constexpr std::uint32_t get = 0x5401, set = 0x5402, set_wait = 0x5403, set_flush = 0x5404, old_get = 0x5405,
                        old_set = 0x5406, old_set_wait = 0x5407, old_set_flush = 0x5408, get_speeds = 0x802c542a,
                        set_speeds = 0x402c542b, set_speeds_wait = 0x402c542c, set_speeds_flush = 0x402c542d,
                        send_break = 0x5409, flow = 0x540a, flush = 0x540b, exclusive = 0x540c, not_exclusive = 0x540d,
                        set_controlling = 0x540e, get_group = 0x540f, set_group = 0x5410, out_queue = 0x5411,
                        type = 0x5412, get_window = 0x5413, set_window = 0x5414, in_queue = 0x541b,
                        drop_controlling = 0x5422, set_discipline = 0x5423, get_discipline = 0x5424,
                        send_long_break = 0x5425, begin_break = 0x5427, end_break = 0x5428, get_session = 0x5429,
                        get_exclusive = 0x80045440;
}

}  // namespace

Answer<std::uint64_t> TerminalDevice::give_settings(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  SettingsWithSpeeds all;
  {
    const base::SpinGuard guard(lock_);
    all = {line_.settings, speeds_};
  }
  if (request == request_number::get_speeds) return copy_value_out(caller, argument, all);
  if (request == request_number::old_get) return copy_value_out(caller, argument, OldTerminalSettings(all.settings));
  return copy_value_out(caller, argument, all.settings);
}

Answer<std::uint64_t> TerminalDevice::take_settings(std::uint32_t request, std::uint64_t argument, Caller& caller) {
  TRY(check_foreground(caller, sig::ttou));
  SettingsWithSpeeds fresh;
  OldTerminalSettings old;
  const bool is_old = request >= request_number::old_set && request <= request_number::old_set_flush;
  const bool has_speeds = request >= request_number::set_speeds && request <= request_number::set_speeds_flush;
  if (is_old)
    old = TRY(copy_value_in<OldTerminalSettings>(caller, argument));
  else if (has_speeds)
    fresh = TRY(copy_value_in<SettingsWithSpeeds>(caller, argument));
  else
    fresh.settings = TRY(copy_value_in<TerminalSettings>(caller, argument));
  const bool flushes = request == request_number::set_flush || request == request_number::old_set_flush ||
                       request == request_number::set_speeds_flush;
  change_line([&] {
    if (is_old) fresh.settings = old.applied_to(line_.settings);
    if (flushes) {
      line_.discard_input();
      packets_.note(packet_status::input_flushed);
    }
    const bool had_flow_keys = line_.settings.has_usual_flow_keys(),
               has_flow_keys = fresh.settings.has_usual_flow_keys();
    if (had_flow_keys != has_flow_keys)
      packets_.note(has_flow_keys ? packet_status::flow_keys : packet_status::no_flow_keys);
    line_.change(fresh.settings);
    speeds_ = speeds_of(fresh.settings.control, has_speeds ? fresh.speeds : speeds_);
    readable_.wake_all();
  });
  source_.notify(POLLIN | POLLRDNORM);  // what was a part of a line may be bytes to read
  return std::uint64_t{0};
}

Answer<> TerminalDevice::make_foreground_locked(int group, Process& process, Side side) {
  if (side == Side::Slave && process.terminal != this) return error(ENOTTY);
  if (group < 0) return error(EINVAL);
  Pids& pids = process.vnode().pids;
  for (PidEntry* entry = pids.next(0); entry != nullptr; entry = pids.next(entry->pid + 1)) {
    if (entry->process == nullptr || entry->process->group->pid != group || entry->process->session != process.session)
      continue;
    foreground_ = group;
    return {};
  }
  return error(EPERM);
}

// Whose terminal it is.
Answer<std::uint64_t> TerminalDevice::control_owner(std::uint32_t request, std::uint64_t argument, Caller& caller,
                                                    Side side) {
  Process& process = static_cast<Thread&>(caller).process();
  if (request == request_number::get_group || request == request_number::get_session) {
    std::int32_t number = 0;
    {
      const base::SpinGuard guard(tasks_lock);
      if (side == Side::Slave && process.terminal != this) return error(ENOTTY);
      number = request == request_number::get_group ? foreground_ : session_;
    }
    return copy_value_out(caller, argument, number);
  }
  std::int32_t group = 0;
  if (request == request_number::set_group) {
    TRY(check_foreground(caller, sig::ttou));
    group = TRY(copy_value_in<std::int32_t>(caller, argument));
  }
  const base::SpinGuard guard(tasks_lock);
  if (request == request_number::set_group) {
    TRY(make_foreground_locked(group, process, side));
  } else if (request == request_number::set_controlling) {
    if (process.terminal == this) return std::uint64_t{0};
    if (process.session != process.pid_entry || process.terminal != nullptr || session_ != 0) return error(EPERM);
    make_controlling_locked(process);
  } else {
    if (process.terminal != this) return error(ENOTTY);
    if (process.session == process.pid_entry) session_ended_locked(process);
    process.terminal = nullptr;
  }
  return std::uint64_t{0};
}

// tcflow(3), tcflush(3). A master's own output never stands still.
Answer<std::uint64_t> TerminalDevice::control_flow(std::uint32_t request, std::uint64_t argument, Caller& caller,
                                                   Side side) {
  TRY(check_foreground(caller, sig::ttou));
  if (request == request_number::flush) {
    constexpr std::uint64_t input = 0, output = 1, both = 2;
    if (argument > both) return error(EINVAL);
    change_line([&] {
      if (argument != output) {
        line_.discard_input();
        packets_.note(packet_status::input_flushed);
      }
      // What was written has reached the other end.
      if (argument != input) packets_.note(packet_status::output_flushed);
    });
    return std::uint64_t{0};
  }
  enum : std::uint64_t { Suspend, Resume, SendStop, SendStart };
  if (argument > SendStart) return error(EINVAL);
  if (side == Side::Master) return std::uint64_t{0};
  if (argument == Suspend || argument == Resume) {
    change_line([&] {
      if (line_.hung_up()) return;  // nobody could start it again
      argument == Suspend ? line_.flow.suspend() : line_.flow.resume();
    });
    return std::uint64_t{0};
  }
  const std::uint8_t key =
      settings().character(argument == SendStop ? ControlCharacter::Stop : ControlCharacter::Start);
  if (key != 0) (void)output_.try_write(std::as_bytes(std::span(&key, 1)));
  return std::uint64_t{0};
}

// As if it had been typed (TIOCSTI).
Answer<> TerminalDevice::type_for(std::uint64_t argument, Caller& caller) {
  {
    const base::SpinGuard guard(tasks_lock);
    if (static_cast<Thread&>(caller).process().terminal != this &&
        !caller.credentials().may(Capability::Administration))
      return error(EPERM);
  }
  const auto key = TRY(copy_value_in<std::byte>(caller, argument));
  keys(std::span(&key, 1));
  return {};
}

Answer<std::uint64_t> TerminalDevice::control(std::uint32_t request, std::uint64_t argument, Caller& caller,
                                              Side side) {
  switch (request) {
    case request_number::get:
    case request_number::old_get:
    case request_number::get_speeds:
      return give_settings(request, argument, caller);
    case request_number::set:
    case request_number::set_wait:
    case request_number::set_flush:
    case request_number::old_set:
    case request_number::old_set_wait:
    case request_number::old_set_flush:
    case request_number::set_speeds:
    case request_number::set_speeds_wait:
    case request_number::set_speeds_flush:
      return take_settings(request, argument, caller);
    case request_number::get_window: {
      WindowSize window;
      {
        const base::SpinGuard guard(lock_);
        window = window_;
      }
      return copy_value_out(caller, argument, window);
    }
    case request_number::set_window:
      resize(TRY(copy_value_in<WindowSize>(caller, argument)));
      return std::uint64_t{0};
    case request_number::get_group:
    case request_number::set_group:
    case request_number::get_session:
    case request_number::set_controlling:
    case request_number::drop_controlling:
      return control_owner(request, argument, caller, side);
    case request_number::in_queue: {
      std::int32_t bytes = 0;
      {
        const base::SpinGuard guard(lock_);
        bytes = static_cast<std::int32_t>(line_.available());
      }
      return copy_value_out(caller, argument, bytes);
    }
    case request_number::out_queue:
      return copy_value_out(caller, argument, static_cast<std::int32_t>(output_.bytes()));
    case request_number::flush:
    case request_number::flow:
      return control_flow(request, argument, caller, side);
    case request_number::type:
      TRY(type_for(argument, caller));
      return std::uint64_t{0};
    case request_number::exclusive:
    case request_number::not_exclusive: {
      const base::SpinGuard guard(lock_);
      exclusive_ = request == request_number::exclusive;
      return std::uint64_t{0};
    }
    case request_number::get_exclusive:
      return copy_value_out(caller, argument, static_cast<std::int32_t>(is_exclusive() ? 1 : 0));
    case request_number::get_discipline:
      return copy_value_out(caller, argument, std::int32_t{0});  // N_TTY, of which there is no other
    case request_number::set_discipline:
      return TRY(copy_value_in<std::int32_t>(caller, argument)) == 0 ? Answer<std::uint64_t>(0) : error(EINVAL);
    case request_number::send_break:
    case request_number::send_long_break:
    case request_number::begin_break:
    case request_number::end_break:
      TRY(check_foreground(caller, sig::ttou));
      return std::uint64_t{0};
    default:
      return error(ENOTTY);
  }
}

}  // namespace linux_abi
