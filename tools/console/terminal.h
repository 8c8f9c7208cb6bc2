// SPDX-License-Identifier: Apache-2.0
// lego's own terminal: raw while a program runs, so that every byte (Ctrl-C too) goes to the vNode's terminal, which
// does the editing and the signals; as it was before when lego is stopped or ends.
#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>

namespace console {

struct WindowSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  bool operator==(const WindowSize&) const = default;
};

// Of the first of these descriptors that is a terminal; zeros if none is.
WindowSize window_size(int in, int out, int error);

// Bit n: descriptor n of (in, out, error) is a terminal.
std::uint32_t terminal_bits(int in, int out, int error);

class RawTerminal {
 public:
  // in: a terminal. out: where output goes; if that is not the same terminal, other programs write to the terminal, and
  // its output processing stays on.
  RawTerminal(int in, int out);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() { leave(); }

  void enter();
  void leave();

 private:
  int fd_;
  bool keeps_output_processing_;
  std::optional<termios> before_;  // there while it is raw
};

}  // namespace console
