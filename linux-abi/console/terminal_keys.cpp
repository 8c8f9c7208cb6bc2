// SPDX-License-Identifier: Apache-2.0
// The far side of a terminal, where its keys come from and its output goes to: see terminal_device.h.
#include <asm/poll.h>

#include <algorithm>

#include "linux-abi/console/terminal_device.h"

namespace linux_abi {

void TerminalDevice::show(std::span<const char> text) {
  constexpr std::size_t most_held = 4096;
  base::Array<char> held;
  {
    const base::SpinGuard guard(lock_);
    if (line_.flow.stopped()) {
      if (held_echo_.size() + text.size() <= most_held) (void)held_echo_.append(text);
      return;
    }
    std::swap(held, held_echo_);
  }
  // Echo that finds no room is lost, as on any terminal.
  (void)output_.try_write(std::as_bytes(held.span()));
  (void)output_.try_write(std::as_bytes(text));
}

std::size_t TerminalDevice::keys(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  for (; taken < bytes.size(); ++taken) {
    const auto byte = static_cast<std::uint8_t>(bytes[taken]);
    base::Array<char> echo;
    LineDiscipline::Effect effect;
    bool has_room = true;
    change_line([&] {
      has_room = line_.has_room_for(byte);
      if (!has_room) return;
      effect = line_.receive(byte, echo);
      if (effect.flushed) {
        packets_.note(packet_status::input_flushed | packet_status::output_flushed);
        held_echo_.clear();
      }
      if (line_.readable_into(1)) readable_.wake_all();
    });
    if (!has_room) break;
    if (!echo.empty()) show(echo.span());
    if (effect.signal != 0) signal(effect.signal);
  }
  source_.notify(POLLIN | POLLRDNORM);
  return taken;
}

Answer<std::size_t> TerminalDevice::write_keys(std::span<const std::byte> from, bool non_blocking, Caller& caller) {
  std::size_t done = 0;
  while (true) {
    done += keys(from.subspan(done));
    if (done == from.size()) return done;
    if (non_blocking) return done > 0 ? Answer<std::size_t>(done) : error(EAGAIN);
    const Answer<> waited = wait_until(caller, lock_, has_room_, base::never_ns, [&] { return line_.has_room(); });
    if (!waited) return done > 0 ? Answer<std::size_t>(done) : std::unexpected(waited.error());
  }
}

Answer<std::size_t> TerminalDevice::read_output(std::span<std::byte> to, bool non_blocking, Caller& caller) {
  if (to.empty()) return std::size_t{0};
  while (true) {
    if (const std::uint8_t status = packets_.take(); status != 0) {
      to[0] = static_cast<std::byte>(status);
      return std::size_t{1};
    }
    TRY(output_.wait_for_bytes(non_blocking, caller, &packets_.pending()));
    const std::size_t header = packets_.on() ? 1 : 0;
    const std::size_t got = output_.try_read(to.subspan(header));
    if (got > 0) output_taken();
    if (got > 0 || (header == to.size() && output_.bytes() > 0)) {
      if (header > 0) to[0] = {};
      return header + got;
    }
    const bool news = packets_.pending().load(std::memory_order_relaxed) != 0;
    if (!news && output_.bytes() == 0 && !output_.has_writers()) return error(EIO);
  }
}

std::uint32_t TerminalDevice::master_events() {
  std::uint32_t events = output_.events(true, false);
  const base::SpinGuard guard(lock_);
  if (line_.has_room()) events |= POLLOUT | POLLWRNORM;
  if (packets_.pending().load(std::memory_order_relaxed) != 0) events |= POLLPRI | POLLIN | POLLRDNORM;
  return events;
}

void TerminalDevice::set_packet_mode(bool on) {
  const base::SpinGuard guard(lock_);
  packets_.turn(on);
}

void TerminalDevice::discard_output() {
  std::array<std::byte, 512> nowhere;
  while (output_.try_read(nowhere) > 0) {
  }
  output_taken();
}

void TerminalDevice::no_more_keys() {
  {
    const base::SpinGuard guard(lock_);
    line_.hang_up();
    readable_.wake_all();
    writable_.wake_all();
    has_room_.wake_all();
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

}  // namespace linux_abi
