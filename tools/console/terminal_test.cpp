// SPDX-License-Identifier: Apache-2.0
// Raw mode and back, on a pseudo-terminal.
#include "tools/console/terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstring>

#include "tools/support/fd.h"

namespace console {
namespace {

struct Pty {
  Pty() {
    int ends[2];
    winsize size{.ws_row = 33, .ws_col = 101, .ws_xpixel = 0, .ws_ypixel = 0};
    EXPECT_EQ(openpty(&ends[0], &ends[1], nullptr, nullptr, &size), 0);
    outer = support::Fd(ends[0]);
    inner = support::Fd(ends[1]);
  }
  termios settings() const {
    termios now;
    EXPECT_EQ(tcgetattr(inner.get(), &now), 0);
    return now;
  }
  support::Fd outer;
  support::Fd inner;
};

bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_cflag == b.c_cflag && a.c_lflag == b.c_lflag &&
         memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0;
}

TEST(RawTerminal, IsRawInBetweenAndAsBeforeAfterwards) {
  Pty pty;
  const termios before = pty.settings();
  {
    RawTerminal terminal(pty.inner.get(), pty.inner.get());
    terminal.enter();
    terminal.enter();
    EXPECT_EQ(pty.settings().c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0u);
    EXPECT_EQ(pty.settings().c_iflag & (ICRNL | IXON | ISTRIP), 0u);
    EXPECT_EQ(pty.settings().c_oflag & OPOST, 0u);
    terminal.leave();
    EXPECT_TRUE(same(pty.settings(), before));
    terminal.enter();
  }
  EXPECT_TRUE(same(pty.settings(), before));
}

TEST(RawTerminal, LeavesOutputProcessingToOthersWhoWriteThere) {
  Pty pty;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  RawTerminal terminal(pty.inner.get(), ends[1]);
  terminal.enter();
  EXPECT_NE(pty.settings().c_oflag & OPOST, 0u);
  EXPECT_EQ(pty.settings().c_lflag & ISIG, 0u);
  close(ends[0]);
  close(ends[1]);
}

TEST(Terminal, SizeAndKindOfDescriptors) {
  Pty pty;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(window_size(ends[0], ends[1], pty.inner.get()), (WindowSize{33, 101}));
  EXPECT_EQ(window_size(ends[0], ends[1], ends[1]), (WindowSize{0, 0}));
  EXPECT_EQ(terminal_bits(pty.inner.get(), ends[1], pty.inner.get()), 5u);
  EXPECT_EQ(terminal_bits(ends[0], pty.inner.get(), ends[1]), 2u);
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace console
