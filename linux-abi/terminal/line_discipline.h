// SPDX-License-Identifier: Apache-2.0
// What a terminal does between its keyboard and its programs (termios(3)): lines with editing, echo, signals from
// keys, keys that stop the output, end of file; and newlines on the way out. Pure and not locked: bytes in, bytes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "linux-abi/terminal/output_flow.h"
#include "linux-abi/terminal/settings.h"

namespace linux_abi {

class LineDiscipline {
 public:
  static constexpr std::size_t max_line = 4095;  // as Linux: more of a line is thrown away until its end
  static constexpr std::size_t max_pending = 65536;

  TerminalSettings settings;
  OutputFlow flow;

  // Whether the next byte can be received now, or must wait for a reader. Keys with a meaning never wait.
  bool has_room_for(std::uint8_t byte) const;
  bool has_room() const { return pending_.size() + line_.size() < max_pending; }
  struct Effect {
    int signal = 0;        // that the key means: SIGINT 2, SIGQUIT 3, SIGTSTP 20
    bool flushed = false;  // what was typed before is forgotten
  };
  // One byte from the keyboard. Appends what is to be shown to `echo`.
  Effect receive(std::uint8_t byte, base::Array<char>& echo);

  // What a read may take now: a line (with its end) in canonical mode, else what there is, of at least VMIN bytes
  // unless VTIME is the limit.
  bool readable() const;
  // Whether a read into that much room need not wait. VTIME is the reader's business.
  bool readable_into(std::size_t room) const;
  // At most one line in canonical mode; 0 with readable(): end of file.
  std::size_t take(std::span<std::byte> to);
  std::size_t available() const;
  void discard_input();
  // TCSETS: what was typed without its line's end becomes readable when canonical mode is left.
  void change(const TerminalSettings& fresh);
  // No more input will come, and nobody could start the output again.
  void hang_up() {
    hung_up_ = true;
    flow = {};
  }
  bool hung_up() const { return hung_up_; }

  // What of a program's output is to be shown for this byte: 1 or 2 characters.
  static std::size_t output(const TerminalSettings& settings, char byte, std::span<char, 2> to);

 private:
  void echo_byte(std::uint8_t byte, base::Array<char>& echo) const;
  void erase_one(base::Array<char>& echo);
  void erase_word(base::Array<char>& echo);
  void erase_line(base::Array<char>& echo);
  void show_again(base::Array<char>& echo) const;
  bool edit(std::uint8_t byte, base::Array<char>& echo);
  void append(std::uint8_t byte, base::Array<char>& echo);
  int signal_of(std::uint8_t byte) const;
  bool is_flow_key(std::uint8_t byte) const;
  void commit();
  bool is(std::uint8_t byte, ControlCharacter which) const {
    const std::uint8_t character = settings.character(which);
    return character != 0 && byte == character;
  }

  base::Array<std::uint8_t> line_;        // being typed
  base::Array<std::uint8_t> pending_;     // whole lines, or all bytes in raw mode
  base::Array<std::uint32_t> line_ends_;  // of pending_: bytes up to each line's end
  bool literal_next_ = false;
  bool hung_up_ = false;
};

}  // namespace linux_abi
