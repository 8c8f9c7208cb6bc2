// SPDX-License-Identifier: Apache-2.0
// A terminal's settings: Linux's struct termios of 64-bit programs (TCGETS), and the bits that are acted on.
#pragma once

#include <array>
#include <cstdint>

namespace linux_abi {

namespace termios_bit {
// c_iflag
inline constexpr std::uint32_t ignore_cr = 0x80, cr_to_nl = 0x100, nl_to_cr = 0x40, strip = 0x20, lower_case = 0x200,
                               flow_keys = 0x400, any_key_starts = 0x800, utf8 = 0x4000;
// c_oflag
inline constexpr std::uint32_t post_process = 1, nl_to_crnl = 4, out_cr_to_nl = 8;
// c_cflag. A pseudo-terminal's bytes always have eight bits, and no parity.
inline constexpr std::uint32_t speed = 0x100f, given_speed = 0x1000, size_and_parity = 0x130, eight_bits = 0x30,
                               receives = 0x80;
inline constexpr unsigned input_speed_shift = 16;
// c_lflag
inline constexpr std::uint32_t signals = 1, canonical = 2, echo = 8, echo_erase = 0x10, echo_kill = 0x20,
                               echo_nl = 0x40, no_flush = 0x80, stop_background = 0x100, echo_control = 0x200,
                               echo_kill_erase = 0x800, extended = 0x8000;
}  // namespace termios_bit

enum class ControlCharacter : std::uint8_t {
  Interrupt,
  Quit,
  Erase,
  Kill,
  EndOfFile,
  Time,
  Minimum,
  Switch,
  Start,
  Stop,
  Suspend,
  EndOfLine,
  Reprint,
  Discard,
  WordErase,
  LiteralNext,
  EndOfLine2,
};

struct TerminalSettings {
  std::uint32_t input = 0x4500;  // ICRNL | IXON | IUTF8
  std::uint32_t output = 5;      // OPOST | ONLCR
  std::uint32_t control = 0xbf;  // B38400 | CS8 | CREAD
  std::uint32_t local = 0x8a3b;  // ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN
  std::uint8_t line = 0;
  std::array<std::uint8_t, 19> characters{3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0};

  std::uint8_t character(ControlCharacter which) const { return characters[static_cast<std::size_t>(which)]; }
  bool has_input(std::uint32_t bit) const { return (input & bit) != 0; }
  bool has_local(std::uint32_t bit) const { return (local & bit) != 0; }
  // ^S and ^Q stop and start the output, which the other end may do by itself then.
  bool has_usual_flow_keys() const {
    return has_input(termios_bit::flow_keys) && character(ControlCharacter::Stop) == 19 &&
           character(ControlCharacter::Start) == 17;
  }
};
static_assert(sizeof(TerminalSettings) == 36);

// Bits a second, which nothing is sent at.
struct TerminalSpeeds {
  std::uint32_t input = 38400, output = 38400;
};
// As c_cflag has them; `given` where it says that they are given beside it (BOTHER).
constexpr TerminalSpeeds speeds_of(std::uint32_t control, TerminalSpeeds given) {
  constexpr std::uint32_t usual[] = {0,   50,   75,   110,  134,  150,  200,   300,
                                     600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
  constexpr std::uint32_t high[] = {0,       57600,   115200,  230400,  460800,  500000,  576000,  921600,
                                    1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
  const auto number = [&](std::uint32_t code, std::uint32_t otherwise) {
    if (code == termios_bit::given_speed) return otherwise;
    return code < termios_bit::given_speed ? usual[code] : high[code - termios_bit::given_speed];
  };
  const std::uint32_t output = number(control & termios_bit::speed, given.output);
  const std::uint32_t input_code = (control >> termios_bit::input_speed_shift) & termios_bit::speed;
  return {input_code == 0 ? output : number(input_code, given.input), output};
}

// struct termios2 (TCGETS2).
struct SettingsWithSpeeds {
  TerminalSettings settings;
  TerminalSpeeds speeds;
};
static_assert(sizeof(SettingsWithSpeeds) == 44);

// struct termio, which termios grew from (TCGETA): the lower halves of the bits, and the first characters.
struct OldTerminalSettings {
  std::uint16_t input = 0, output = 0, control = 0, local = 0;
  std::uint8_t line = 0;
  std::array<std::uint8_t, 8> characters{};
  std::uint8_t padding = 0;

  OldTerminalSettings() = default;
  explicit OldTerminalSettings(const TerminalSettings& settings)
      : input(static_cast<std::uint16_t>(settings.input)),
        output(static_cast<std::uint16_t>(settings.output)),
        control(static_cast<std::uint16_t>(settings.control)),
        local(static_cast<std::uint16_t>(settings.local)),
        line(settings.line) {
    for (std::size_t i = 0; i < characters.size(); ++i) characters[i] = settings.characters[i];
  }
  // What it has no room for stays.
  TerminalSettings applied_to(TerminalSettings settings) const {
    constexpr std::uint32_t upper = 0xffff0000;
    settings.input = (settings.input & upper) | input;
    settings.output = (settings.output & upper) | output;
    settings.control = (settings.control & upper) | control;
    settings.local = (settings.local & upper) | local;
    settings.line = line;
    for (std::size_t i = 0; i < characters.size(); ++i) settings.characters[i] = characters[i];
    return settings;
  }
};
static_assert(sizeof(OldTerminalSettings) == 18);

struct WindowSize {
  std::uint16_t rows = 24, columns = 80, x_pixels = 0, y_pixels = 0;
  bool operator==(const WindowSize&) const = default;
};

}  // namespace linux_abi
