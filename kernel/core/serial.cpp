// SPDX-License-Identifier: Apache-2.0
// A 16550 UART (National Semiconductor's PC16550D data sheet): see serial.h. Absent hardware is noticed by its scratch
// register; a line that never gets ready is given up, so that a broken console does not stop the component.
#include "kernel/core/serial.h"

#include "arch/x86_64/cpu.h"
#include "kernel/base/spinlock.h"

namespace kernel {
namespace {

std::uint16_t port = com1_port;

enum class Register : std::uint16_t {
  Data = 0,  // divisor's low byte while the divisor is accessible
  InterruptEnable = 1,
  FifoControl = 2,
  LineControl = 3,
  ModemControl = 4,
  LineStatus = 5,
  Scratch = 7,
};
constexpr std::uint8_t transmitter_empty = 0x20;
constexpr unsigned fifo_bytes = 16;

bool present = false;
base::SpinLock lock{base::LockRank::Log};  // guards the order of bytes
unsigned room = 0;                         // bytes that the FIFO certainly takes
bool in_line = false;                      // of a core that a panic stopped, if a line begins now

void write(Register name, std::uint8_t value) {
  arch::out8(static_cast<std::uint16_t>(port + static_cast<std::uint16_t>(name)), value);
}
std::uint8_t read(Register name) {
  return arch::in8(static_cast<std::uint16_t>(port + static_cast<std::uint16_t>(name)));
}

void put(char byte) {
  if (room == 0) {
    // 16 bytes take 1.4 ms; about a second of port reads on silicon.
    for (unsigned tries = 0; (read(Register::LineStatus) & transmitter_empty) == 0; ++tries) {
      if (tries == 1'000'000) {
        present = false;
        return;
      }
    }
    room = fifo_bytes;
  }
  --room;
  in_line = byte != '\n';
  write(Register::Data, static_cast<std::uint8_t>(byte));
}

}  // namespace

void start_serial(std::uint16_t io_port) {
  port = io_port;
  room = 0;
  write(Register::Scratch, 0x5a);
  present = read(Register::Scratch) == 0x5a;
  if (!present) return;
  write(Register::InterruptEnable, 0);
  write(Register::LineControl, 0x80);  // divisor accessible
  write(Register::Data, 1);            // 115200 baud
  write(Register::InterruptEnable, 0);
  write(Register::LineControl, 0x03);  // 8 bits, no parity, one stop bit
  write(Register::FifoControl, 0x07);  // enable and clear
  write(Register::ModemControl, 0x03);
}

void write_panic_line(std::string_view line) {
  if (!present) return;
  const auto end_line = [] {
    put('\r');
    put('\n');
  };
  if (in_line) end_line();
  for (const char byte : line) put(byte);
  end_line();
}

void write_console_line(std::string_view line) {
  const base::SpinGuard guard(lock);
  write_panic_line(line);
}

}  // namespace kernel
