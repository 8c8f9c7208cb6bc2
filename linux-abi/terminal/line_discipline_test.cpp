// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/terminal/line_discipline.h"

#include <gtest/gtest.h>

#include <string>

#include "linux-abi/terminal/packet_mode.h"

namespace {

using linux_abi::LineDiscipline;
namespace termios_bit = linux_abi::termios_bit;

struct Tty {
  LineDiscipline line;
  std::string echoed;
  int last_signal = 0, flushes = 0;
  void type(const std::string& keys) {
    for (const char key : keys) {
      base::Array<char> echo;
      const auto effect = line.receive(static_cast<std::uint8_t>(key), echo);
      if (effect.signal != 0) last_signal = effect.signal;
      if (effect.flushed) ++flushes;
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

TEST(LineDiscipline, ErasesWordsAndShowsTheLineAgain) {
  Tty tty;
  tty.type("a-b c.d..\x17");
  EXPECT_EQ(tty.echoed, "a-b c.d..\b \b\b \b\b \b");
  tty.type("x\n");
  EXPECT_EQ(tty.read(), "a-b c.x\n");
  tty.echoed.clear();
  tty.type("ab\x12");
  EXPECT_EQ(tty.echoed, "ab^R\r\nab");
}

TEST(LineDiscipline, TellsOfErasingAsItIsSet) {
  Tty tty;
  auto settings = tty.line.settings;
  settings.local &= ~termios_bit::echo_kill_erase;
  tty.line.change(settings);
  tty.type("abc\x15");
  EXPECT_EQ(tty.echoed, "abc^U\r\n");
  settings.local &= ~(termios_bit::echo_kill | termios_bit::echo_erase);
  tty.line.change(settings);
  tty.echoed.clear();
  tty.type("ab\x7f\x15");
  EXPECT_EQ(tty.echoed, "ab^?^U");
}

TEST(LineDiscipline, KeysStopAndStartTheOutput) {
  Tty tty;
  tty.type("\x13");
  EXPECT_TRUE(tty.line.flow.stopped());
  EXPECT_EQ(tty.echoed, "");
  tty.type("x\x11");
  EXPECT_FALSE(tty.line.flow.stopped());
  tty.type("\x13\x03");
  EXPECT_FALSE(tty.line.flow.stopped()) << "a signal starts it";
  EXPECT_EQ(tty.flushes, 1);
  tty.line.flow.suspend();
  tty.type("\x11");
  EXPECT_TRUE(tty.line.flow.stopped()) << "no key starts what a program has stopped";
  tty.line.flow.resume();
  EXPECT_FALSE(tty.line.flow.stopped());
  auto settings = tty.line.settings;
  settings.input |= termios_bit::any_key_starts;
  tty.line.change(settings);
  tty.type("\x13y");
  EXPECT_FALSE(tty.line.flow.stopped());
  tty.type("\x13");
  settings.input &= ~termios_bit::flow_keys;
  tty.line.change(settings);
  EXPECT_FALSE(tty.line.flow.stopped()) << "nobody could";
  tty.type("\x13");
  EXPECT_FALSE(tty.line.flow.stopped());
  EXPECT_EQ(tty.echoed.substr(tty.echoed.size() - 2), "^S");
}

TEST(LineDiscipline, ReadsWaitForAsManyBytesAsVminSays) {
  Tty tty;
  auto raw = tty.line.settings;
  raw.local &= ~(termios_bit::canonical | termios_bit::echo | termios_bit::signals);
  const auto set = [&](std::uint8_t minimum, std::uint8_t time) {
    raw.characters[static_cast<std::size_t>(linux_abi::ControlCharacter::Minimum)] = minimum;
    raw.characters[static_cast<std::size_t>(linux_abi::ControlCharacter::Time)] = time;
    tty.line.change(raw);
  };
  set(3, 0);
  tty.type("ab");
  EXPECT_FALSE(tty.line.readable());
  EXPECT_FALSE(tty.line.readable_into(10));
  EXPECT_TRUE(tty.line.readable_into(2));
  set(3, 1);
  EXPECT_TRUE(tty.line.readable()) << "with VTIME one is enough to say so";
  EXPECT_FALSE(tty.line.readable_into(10));
  EXPECT_EQ(tty.read(), "ab");
  set(0, 1);
  EXPECT_FALSE(tty.line.readable_into(10));
  set(0, 0);
  EXPECT_TRUE(tty.line.readable_into(10));
  EXPECT_FALSE(tty.line.readable());
}

TEST(LineDiscipline, AFullOneTakesOnlyKeysWithAMeaning) {
  Tty tty;
  while (tty.line.has_room()) tty.type("0123456789\n");
  EXPECT_FALSE(tty.line.has_room_for('x'));
  EXPECT_TRUE(tty.line.has_room_for(3));
  EXPECT_TRUE(tty.line.has_room_for(17));
  EXPECT_EQ(tty.read(), "0123456789\n");
  EXPECT_TRUE(tty.line.has_room_for('x'));
}

TEST(PacketMode, TellsWhatHappenedOnce) {
  using namespace linux_abi::packet_status;
  linux_abi::PacketMode packets;
  packets.note(stopped);
  EXPECT_EQ(packets.take(), 0);
  packets.turn(true);
  packets.note(stopped);
  packets.note(input_flushed);
  packets.note(started);
  EXPECT_EQ(packets.take(), started | input_flushed);
  EXPECT_EQ(packets.take(), 0);
  packets.note(flow_keys);
  packets.turn(false);
  EXPECT_EQ(packets.pending(), 0);
}

TEST(TerminalSettings, SpeedsAreWhatTheBitsSay) {
  using linux_abi::speeds_of;
  EXPECT_EQ(speeds_of(0xf, {}).output, 38400u);
  EXPECT_EQ(speeds_of(0x1002, {}).input, 115200u);
  EXPECT_EQ(speeds_of(0x1000 | 0xd << 16, {1, 12345}).output, 12345u);
  EXPECT_EQ(speeds_of(0x1000 | 0xd << 16, {1, 12345}).input, 9600u);
  EXPECT_EQ(speeds_of(~0u, {}).output, 4000000u);
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
