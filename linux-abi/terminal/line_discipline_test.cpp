// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/terminal/line_discipline.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using linux_abi::LineDiscipline;
namespace termios_bit = linux_abi::termios_bit;

struct Tty {
  LineDiscipline line;
  std::string echoed;
  int last_signal = 0;
  void type(const std::string& keys) {
    for (const char key : keys) {
      base::Array<char> echo;
      if (const int signal = line.receive(static_cast<std::uint8_t>(key), echo)) last_signal = signal;
      echoed.append(echo.data(), echo.size());
    }
  }
  std::string read(std::size_t room = 4096) {
    std::string text(room, 0);
    text.resize(line.take(std::as_writable_bytes(std::span(text))));
    return text;
  }
};

TEST(LineDiscipline, GivesWholeLinesAndEchoesThem) {
  Tty tty;
  tty.type("ab");
  EXPECT_FALSE(tty.line.readable());
  tty.type("c\rnext\n");
  EXPECT_EQ(tty.echoed, "abc\r\nnext\r\n");
  EXPECT_EQ(tty.read(2), "ab");
  EXPECT_EQ(tty.read(), "c\n");
  EXPECT_EQ(tty.read(), "next\n");
  EXPECT_FALSE(tty.line.readable());
}

TEST(LineDiscipline, EditsTheLine) {
  Tty tty;
  tty.type("abc\x7f\x7fx y\x17z\n");
  EXPECT_EQ(tty.read(), "ax z\n");
  tty.type("gone\x15kept\n");
  EXPECT_EQ(tty.read(), "kept\n");
  tty.type(
      "\xc3\xa4\x7f"
      "b\n");
  EXPECT_EQ(tty.read(), "b\n");
}

TEST(LineDiscipline, EndOfFileOnAnEmptyLineReadsNothingOnce) {
  Tty tty;
  tty.type("\x04");
  EXPECT_TRUE(tty.line.readable());
  EXPECT_EQ(tty.read(), "");
  EXPECT_FALSE(tty.line.readable());
  tty.type("ab\x04");
  EXPECT_EQ(tty.read(), "ab");
  EXPECT_FALSE(tty.line.readable());
}

TEST(LineDiscipline, KeysMeanSignals) {
  Tty tty;
  tty.type("half\x03");
  EXPECT_EQ(tty.last_signal, 2);
  EXPECT_EQ(tty.echoed, "half^C");
  tty.type("\n");
  EXPECT_EQ(tty.read(), "\n");
  tty.type("\x1a");
  EXPECT_EQ(tty.last_signal, 20);
  tty.last_signal = 0;
  tty.type("\x16\x03\n");
  EXPECT_EQ(tty.last_signal, 0);
  EXPECT_EQ(tty.read(), "\x03\n");
}

TEST(LineDiscipline, RawModeGivesEveryByteAtOnce) {
  Tty tty;
  auto raw = tty.line.settings;
  raw.local &= ~(termios_bit::canonical | termios_bit::echo | termios_bit::signals);
  tty.type("pending");
  tty.line.change(raw);
  EXPECT_EQ(tty.read(), "pending");
  tty.echoed.clear();
  tty.type("\x03\x04");
  EXPECT_EQ(tty.read(), "\x03\x04");
  EXPECT_EQ(tty.echoed, "");
}

TEST(LineDiscipline, OverlongLinesLoseBytesNotMemory) {
  Tty tty;
  tty.type(std::string(10000, 'x') + "\n");
  EXPECT_EQ(tty.read(20000).size(), LineDiscipline::max_line + 1);
}

TEST(LineDiscipline, OutputGetsCarriageReturns) {
  std::array<char, 2> shown;
  linux_abi::TerminalSettings settings;
  EXPECT_EQ(LineDiscipline::output(settings, '\n', shown), 2u);
  settings.output = 0;
  EXPECT_EQ(LineDiscipline::output(settings, '\n', shown), 1u);
}

}  // namespace
