// SPDX-License-Identifier: Apache-2.0
// Lines, echo and signals of a terminal: see line_discipline.h.
#include "linux-abi/terminal/line_discipline.h"

#include <algorithm>
#include <utility>

namespace linux_abi {
namespace {

constexpr int signal_interrupt = 2, signal_quit = 3, signal_suspend = 20;

// A terminal that is out of memory loses what it would have shown, not the program.
void put(base::Array<char>& echo, char c) { (void)echo.push_back(c); }

bool is_control(std::uint8_t byte) { return (byte < 32 && byte != '\t' && byte != '\n') || byte == 127; }
bool continues_character(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }
bool is_of_word(std::uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || byte == '_';
}

}  // namespace

void LineDiscipline::echo_byte(std::uint8_t byte, base::Array<char>& echo) const {
  if (is_control(byte) && settings.has_local(termios_bit::echo_control)) {
    put(echo, '^');
    put(echo, static_cast<char>(byte ^ 0x40));
    return;
  }
  std::array<char, 2> shown;
  const std::size_t count = output(settings, static_cast<char>(byte), shown);
  for (std::size_t i = 0; i < count; ++i) put(echo, shown[i]);
}

void LineDiscipline::erase_one(base::Array<char>& echo) {
  if (line_.empty()) return;
  // A character of several bytes (UTF-8) goes as one.
  if (settings.has_input(termios_bit::utf8))
    while (line_.size() > 1 && continues_character(line_.back())) line_.pop_back();
  const bool wide = is_control(line_.back()) && settings.has_local(termios_bit::echo_control);
  line_.pop_back();
  if (!settings.has_local(termios_bit::echo)) return;
  if (!settings.has_local(termios_bit::echo_erase)) return echo_byte(settings.character(ControlCharacter::Erase), echo);
  for (int i = 0; i < (wide ? 2 : 1); ++i)
    for (const char c : {'\b', ' ', '\b'}) put(echo, c);
}

// Back to the beginning of the last word: letters, digits and underscores, with what is behind them.
void LineDiscipline::erase_word(base::Array<char>& echo) {
  for (bool in_word = false; !line_.empty(); erase_one(echo)) {
    if (is_of_word(line_.back()))
      in_word = true;
    else if (in_word)
      return;
  }
}

void LineDiscipline::erase_line(base::Array<char>& echo) {
  constexpr std::uint32_t shown = termios_bit::echo_kill | termios_bit::echo_kill_erase | termios_bit::echo_erase;
  if (settings.has_local(termios_bit::echo) && (settings.local & shown) == shown) {
    while (!line_.empty()) erase_one(echo);
    return;
  }
  line_.clear();
  if (!settings.has_local(termios_bit::echo)) return;
  echo_byte(settings.character(ControlCharacter::Kill), echo);
  if (settings.has_local(termios_bit::echo_kill)) echo_byte('\n', echo);
}

void LineDiscipline::show_again(base::Array<char>& echo) const {
  echo_byte(settings.character(ControlCharacter::Reprint), echo);
  echo_byte('\n', echo);
  for (const std::uint8_t byte : line_) echo_byte(byte, echo);
}

void LineDiscipline::commit() {
  if (pending_.append(line_.span())) (void)line_ends_.push_back(static_cast<std::uint32_t>(pending_.size()));
  line_.clear();
}

int LineDiscipline::signal_of(std::uint8_t byte) const {
  if (!settings.has_local(termios_bit::signals)) return 0;
  if (is(byte, ControlCharacter::Interrupt)) return signal_interrupt;
  if (is(byte, ControlCharacter::Quit)) return signal_quit;
  return is(byte, ControlCharacter::Suspend) ? signal_suspend : 0;
}

bool LineDiscipline::is_flow_key(std::uint8_t byte) const {
  return settings.has_input(termios_bit::flow_keys) &&
         (is(byte, ControlCharacter::Start) || is(byte, ControlCharacter::Stop));
}

bool LineDiscipline::has_room_for(std::uint8_t byte) const {
  return has_room() || signal_of(byte) != 0 || is_flow_key(byte);
}

void LineDiscipline::append(std::uint8_t byte, base::Array<char>& echo) {
  const bool canonical = settings.has_local(termios_bit::canonical);
  if (canonical && line_.size() >= max_line) return;
  if ((canonical ? line_ : pending_).push_back(byte) && settings.has_local(termios_bit::echo)) echo_byte(byte, echo);
}

// Keys that edit the line; whether this is one.
bool LineDiscipline::edit(std::uint8_t byte, base::Array<char>& echo) {
  const bool extended = settings.has_local(termios_bit::extended);
  if (is(byte, ControlCharacter::Erase)) return erase_one(echo), true;
  if (is(byte, ControlCharacter::Kill)) return erase_line(echo), true;
  if (is(byte, ControlCharacter::WordErase) && extended) return erase_word(echo), true;
  if (is(byte, ControlCharacter::LiteralNext) && extended) return literal_next_ = true;
  if (is(byte, ControlCharacter::Reprint) && extended && settings.has_local(termios_bit::echo))
    return show_again(echo), true;
  return false;
}

LineDiscipline::Effect LineDiscipline::receive(std::uint8_t byte, base::Array<char>& echo) {
  const bool echoes = settings.has_local(termios_bit::echo);
  if (settings.has_input(termios_bit::strip)) byte &= 0x7f;
  if (settings.has_input(termios_bit::lower_case) && settings.has_local(termios_bit::extended) && byte >= 'A' &&
      byte <= 'Z')
    byte = static_cast<std::uint8_t>(byte - 'A' + 'a');
  if (std::exchange(literal_next_, false)) return append(byte, echo), Effect();
  if (is_flow_key(byte)) {
    is(byte, ControlCharacter::Start) ? flow.start() : flow.stop();
    return {};
  }
  if (const int signal = signal_of(byte); signal != 0) {
    const bool flushes = !settings.has_local(termios_bit::no_flush);
    if (flushes) discard_input();
    if (settings.has_input(termios_bit::flow_keys)) flow.start();
    if (echoes) echo_byte(byte, echo);
    return {.signal = signal, .flushed = flushes};
  }
  if (settings.has_input(termios_bit::flow_keys) && settings.has_input(termios_bit::any_key_starts)) flow.start();
  if (byte == '\r') {
    if (settings.has_input(termios_bit::ignore_cr)) return {};
    if (settings.has_input(termios_bit::cr_to_nl)) byte = '\n';
  } else if (byte == '\n' && settings.has_input(termios_bit::nl_to_cr)) {
    byte = '\r';
  }
  if (!settings.has_local(termios_bit::canonical)) return append(byte, echo), Effect();
  if (edit(byte, echo)) return {};
  if (is(byte, ControlCharacter::EndOfFile)) return commit(), Effect();
  if (byte == '\n' || is(byte, ControlCharacter::EndOfLine) || is(byte, ControlCharacter::EndOfLine2)) {
    if (echoes || (byte == '\n' && settings.has_local(termios_bit::echo_nl))) echo_byte(byte, echo);
    (void)line_.push_back(byte);
    commit();
    return {};
  }
  append(byte, echo);
  return {};
}

bool LineDiscipline::readable_into(std::size_t room) const {
  if (hung_up_) return true;
  if (settings.has_local(termios_bit::canonical)) return !line_ends_.empty();
  const std::size_t minimum = settings.character(ControlCharacter::Minimum);
  if (minimum == 0) return !pending_.empty() || settings.character(ControlCharacter::Time) == 0;
  return pending_.size() >= std::min(minimum, room);
}

bool LineDiscipline::readable() const {
  if (hung_up_) return true;
  if (settings.has_local(termios_bit::canonical)) return !line_ends_.empty();
  const bool timed = settings.character(ControlCharacter::Time) != 0;
  const std::size_t minimum = timed ? 1 : std::max<std::size_t>(settings.character(ControlCharacter::Minimum), 1);
  return pending_.size() >= minimum;
}

std::size_t LineDiscipline::available() const {
  if (!settings.has_local(termios_bit::canonical)) return pending_.size();
  return line_ends_.empty() ? 0 : line_ends_[line_ends_.size() - 1];
}

std::size_t LineDiscipline::take(std::span<std::byte> to) {
  const bool canonical = settings.has_local(termios_bit::canonical);
  const std::size_t limit = canonical ? (line_ends_.empty() ? 0 : line_ends_[0]) : pending_.size();
  const std::size_t count = std::min(to.size(), limit);
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::byte>(pending_[i]);
  std::copy(pending_.begin() + count, pending_.end(), pending_.begin());
  pending_.truncate(pending_.size() - count);
  for (std::uint32_t& end : line_ends_) end = end > count ? end - static_cast<std::uint32_t>(count) : 0;
  // A line that was read to its end, or an end of file that was told, is done with.
  if (canonical && !line_ends_.empty() && line_ends_[0] == 0) line_ends_.erase(0);
  return count;
}

void LineDiscipline::discard_input() {
  line_.clear();
  pending_.clear();
  line_ends_.clear();
  literal_next_ = false;
}

void LineDiscipline::change(const TerminalSettings& fresh) {
  const bool was = settings.has_local(termios_bit::canonical);
  const bool had_flow_keys = settings.has_input(termios_bit::flow_keys);
  settings = fresh;
  settings.control =
      (settings.control & ~termios_bit::size_and_parity) | termios_bit::eight_bits | termios_bit::receives;
  // Nobody could start it any more.
  if (had_flow_keys && !settings.has_input(termios_bit::flow_keys)) flow.start();
  const bool is_now = settings.has_local(termios_bit::canonical);
  if (was && !is_now) {
    if (!line_.empty()) commit();
    line_ends_.clear();
  } else if (!was && is_now && !pending_.empty()) {
    (void)line_ends_.push_back(static_cast<std::uint32_t>(pending_.size()));
  }
}

std::size_t LineDiscipline::output(const TerminalSettings& settings, char byte, std::span<char, 2> to) {
  to[0] = byte;
  if ((settings.output & termios_bit::post_process) == 0) return 1;
  if (byte == '\n' && (settings.output & termios_bit::nl_to_crnl) != 0) {
    to[0] = '\r';
    to[1] = '\n';
    return 2;
  }
  if (byte == '\r' && (settings.output & termios_bit::out_cr_to_nl) != 0) to[0] = '\n';
  return 1;
}

}  // namespace linux_abi
