// SPDX-License-Identifier: Apache-2.0
#include "tools/console/terminal.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace console {
namespace {

bool same_file(int a, int b) {
  struct stat first;
  struct stat second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

WindowSize window_size(int in, int out, int error) {
  for (const int fd : {out, in, error}) {
    winsize size;
    if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0) return {size.ws_row, size.ws_col};
  }
  return {};
}

std::uint32_t terminal_bits(int in, int out, int error) {
  return (isatty(in) ? 1u : 0u) | (isatty(out) ? 2u : 0u) | (isatty(error) ? 4u : 0u);
}

RawTerminal::RawTerminal(int in, int out) : fd_(in), keeps_output_processing_(!same_file(in, out)) {}

void RawTerminal::enter() {
  termios settings;
  if (before_ || tcgetattr(fd_, &settings) != 0) return;
  before_ = settings;
  cfmakeraw(&settings);
  if (keeps_output_processing_) settings.c_oflag = before_->c_oflag;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  // Not TCSAFLUSH: what was typed ahead is for the program.
  tcsetattr(fd_, TCSADRAIN, &settings);
}

void RawTerminal::leave() {
  if (before_) tcsetattr(fd_, TCSADRAIN, &*before_);
  before_.reset();
}

}  // namespace console
