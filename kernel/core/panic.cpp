// SPDX-License-Identifier: Apache-2.0
// Panics: see panic.h. Everything is compiled with frame pointers, so the stack is a list of them. Nothing here
// allocates or takes a lock.
#include "kernel/core/panic.h"

#include <array>
#include <atomic>
#include <span>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/trap_report.h"
#include "kernel/base/format.h"
#include "kernel/base/platform.h"
#include "kernel/core/cores.h"
#include "kernel/core/image_symbols.h"
#include "kernel/core/serial.h"
#include "kernel/core/symbol_table.h"
#include "kernel/memory/layout.h"

namespace kernel {
namespace {

constexpr std::uint32_t nobody = ~0u;
constexpr unsigned max_frames = 32;
constexpr std::uint64_t max_frame_bytes = 64 * 1024;  // between two frame pointers of one stack
constexpr std::uint16_t debug_exit_port = 0xf4;

std::atomic<std::uint32_t> panicking{nobody};  // the core that prints; relaxed: only one core wins the exchange
std::atomic<std::uint32_t> stopped{0};         // others; relaxed: what they wrote last is at the serial port
std::uint32_t exit_status = 0;

[[noreturn]] void stop_here() {
  stopped.fetch_add(1, std::memory_order_relaxed);
  arch::halt_forever();
}

template <typename... Arguments>
void line(std::string_view pattern, const Arguments&... arguments) {
  std::array<char, 256> buffer;
  write_panic_line(base::format(buffer, pattern, arguments...));
}

void print_address(std::uint64_t address) {
  const SymbolTable symbols(image_symbols(), image_base);
  const SymbolTable::Symbol symbol = symbols.find(address);
  if (symbol.name.empty() || address < image_base)
    line("  {:x}", address);
  else
    line("  {:x} {}+0x{:x}", address, symbol.name, symbol.offset);
}

// One that writes a line would write on into the panic's. One that takes no interrupt is given up after a while.
void stop_others() {
  constexpr unsigned most_looks = 10'000'000;
  arch::send_nmi_to_others();
  for (unsigned i = 0; stopped.load(std::memory_order_relaxed) + 1 < core_count() && i < most_looks; ++i)
    base::platform::relax();
}

// The first core here goes on; others stop, and a panic inside a panic ends at once.
void begin_panic() {
  arch::disable_interrupts();
  const std::uint32_t core = arch::this_core();
  std::uint32_t expected = nobody;
  if (!panicking.compare_exchange_strong(expected, core, std::memory_order_relaxed)) {
    if (expected != core) stop_here();
    write_panic_line("panic inside a panic");
    arch::halt_forever();
  }
  if (core_count() > 1) stop_others();
}

[[noreturn]] void end_panic() {
  if (exit_status != 0) arch::out32(debug_exit_port, exit_status);
  arch::halt_forever();
}

void print_trap_backtrace(const arch::TrapFrame& frame) {
  print_address(frame.rip);
  // A call to where no code is: the caller has left nothing but its return address.
  const bool bad_call = frame.vector == arch::vector::page_fault && (frame.error & arch::page_fault::instruction) != 0;
  if (bad_call && frame.rsp >= direct_map_base) print_address(*reinterpret_cast<const std::uint64_t*>(frame.rsp) - 1);
  print_backtrace(frame.rbp);
}

void on_fatal_trap(const arch::TrapFrame& frame) {
  begin_panic();
  line("panic: core {}: {} (error {:x})", arch::this_core(), arch::exception_name(frame.vector), frame.error);
  arch::report_frame(frame, write_panic_line);
  if (!frame.from_user()) print_trap_backtrace(frame);
  end_panic();
}

void on_nmi(arch::TrapFrame& frame) {
  if (panicking.load(std::memory_order_relaxed) == nobody) on_fatal_trap(frame);
  stop_here();
}

}  // namespace

void print_backtrace(std::uint64_t frame_pointer) {
  for (unsigned i = 0; i < max_frames; ++i) {
    if (frame_pointer < direct_map_base || frame_pointer % 8 != 0) return;
    const auto* frame = reinterpret_cast<const std::uint64_t*>(frame_pointer);
    const std::uint64_t next = frame[0], return_address = frame[1];
    if (return_address < image_base) return;
    print_address(return_address - 1);  // inside the call: the function may end with it
    if (next <= frame_pointer || next - frame_pointer > max_frame_bytes) return;
    frame_pointer = next;
  }
}

void start_panic_handling() {
  arch::set_fatal_trap_handler(on_fatal_trap);
  arch::set_nmi_handler(on_nmi);
}

void exit_on_panic(std::uint32_t status) { exit_status = status; }

}  // namespace kernel

[[noreturn]] void base::platform::panic(std::string_view what) {
  kernel::begin_panic();
  kernel::line("panic: core {}: {}", arch::this_core(), what);
  kernel::print_backtrace(arch::read_frame_pointer());
  kernel::end_panic();
}
