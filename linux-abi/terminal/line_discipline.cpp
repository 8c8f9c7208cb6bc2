// SPDX-License-Identifier: Apache-2.0
// Lines, echo and signals of a terminal: see line_discipline.h.
#include "linux-abi/terminal/line_discipline.h"

#include <algorithm>

namespace linux_abi {
namespace {

constexpr int signal_interrupt = 2, signal_quit = 3, signal_suspend = 20;

// A terminal that is out of memory loses what it would have shown, not the program.
void put(base::Array<char>& echo, char c) { (void)echo.push_back(c); }

bool is_control(std::uint8_t byte) { return (byte < 32 && byte != '\t' && byte != '\n') || byte == 127; }
bool continues_character(std::uint8_t byte) { return (byte & 0xc0) == 0x80; }

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
  while (line_.size() > 1 && continues_character(line_.back())) line_.pop_back();
  const bool wide = is_control(line_.back()) && settings.has_local(termios_bit::echo_control);
  line_.pop_back();
  if (!settings.has_local(termios_bit::echo) || !settings.has_local(termios_bit::echo_erase)) return;
  for (int i = 0; i < (wide ? 2 : 1); ++i)
    for (const char c : {'\b', ' ', '\b'}) put(echo, c);
}

void LineDiscipline::commit() {
  if (pending_.append(line_.span())) (void)line_ends_.push_back(static_cast<std::uint32_t>(pending_.size()));
  line_.clear();
}

int LineDiscipline::receive(std::uint8_t byte, base::Array<char>& echo) {
  const bool canonical = settings.has_local(termios_bit::canonical), echoes = settings.has_local(termios_bit::echo);
  if ((settings.input & termios_bit::strip) != 0) byte &= 0x7f;
  if (!literal_next_) {
    if (byte == '\r') {
      if ((settings.input & termios_bit::ignore_cr) != 0) return 0;
      if ((settings.input & termios_bit::cr_to_nl) != 0) byte = '\n';
    } else if (byte == '\n' && (settings.input & termios_bit::nl_to_cr) != 0) {
      byte = '\r';
    }
    if (settings.has_local(termios_bit::signals)) {
      const int signal = is(byte, ControlCharacter::Interrupt) ? signal_interrupt
                         : is(byte, ControlCharacter::Quit)    ? signal_quit
                         : is(byte, ControlCharacter::Suspend) ? signal_suspend
                                                               : 0;
      if (signal != 0) {
        if (!settings.has_local(termios_bit::no_flush)) discard_input();
        if (echoes) echo_byte(byte, echo);
        return signal;
      }
    }
  }
  if (!canonical) {
    if (pending_.size() < max_pending && pending_.push_back(byte) && echoes) echo_byte(byte, echo);
    return 0;
  }
  if (!literal_next_) {
    if (is(byte, ControlCharacter::LiteralNext) && settings.has_local(termios_bit::extended)) {
      literal_next_ = true;
      return 0;
    }
    if (is(byte, ControlCharacter::Erase)) return erase_one(echo), 0;
    if (is(byte, ControlCharacter::WordErase) && settings.has_local(termios_bit::extended)) {
      while (!line_.empty() && line_.back() == ' ') erase_one(echo);
      while (!line_.empty() && line_.back() != ' ') erase_one(echo);
      return 0;
    }
    if (is(byte, ControlCharacter::Kill)) {
      while (!line_.empty()) erase_one(echo);
      return 0;
    }
    if (is(byte, ControlCharacter::EndOfFile)) return commit(), 0;
    if (byte == '\n' || is(byte, ControlCharacter::EndOfLine) || is(byte, ControlCharacter::EndOfLine2)) {
      if (echoes || (byte == '\n' && settings.has_local(termios_bit::echo_nl))) echo_byte(byte, echo);
      (void)line_.push_back(byte);
      commit();
      return 0;
    }
  }
  literal_next_ = false;
  if (line_.size() >= max_line || pending_.size() >= max_pending) return 0;
  if (line_.push_back(byte) && echoes) echo_byte(byte, echo);
  return 0;
}

bool LineDiscipline::readable() const {
  if (hung_up_) return true;
  return settings.has_local(termios_bit::canonical) ? !line_ends_.empty() : !pending_.empty();
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
  for (std::size_t i = 0; i < count; ++i) pending_.pop_back();
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
  settings = fresh;
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
