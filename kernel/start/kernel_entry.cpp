// SPDX-License-Identifier: Apache-2.0
// The order in which a component comes up, from the assembly of boot/start.asm to component_main().
// Options of the command line that are read here: log=debug|info|warning|error, serial=PORT (of the console's UART, for
// machines whose remote console is not COM1), cores=N (start at most N), panic_exit=N (end QEMU on a panic, for tests).
#include <array>
#include <cstddef>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/acpi/tables.h"
#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/core/entropy.h"
#include "kernel/core/panic.h"
#include "kernel/core/serial.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/start/address_space.h"
#include "kernel/start/component.h"
#include "kernel/time/calibrate.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

extern "C" {
using Constructor = void (*)();
extern const Constructor init_array_start[], init_array_end[];  // image.ld
// boot/start.asm starts on it; address_space.cpp leaves the page below unmapped.
static_assert(kernel::kernel_stack_bytes == 16 * 1024, "boot/start.asm has this number too");
[[gnu::section(".bss.stack"), gnu::used]] alignas(base::page_bytes) std::byte boot_stack_guard[base::page_bytes];
[[gnu::section(".bss.stack"), gnu::used]] alignas(base::page_bytes) std::byte boot_stack[kernel::kernel_stack_bytes];
}

namespace kernel {
namespace {

constexpr std::uint32_t multiboot2_magic = 0x36d76289;
constexpr std::uint32_t pvh_magic = 0x336ec578;  // start.asm's sign for PVH

struct alignas(16) ExceptionStack {
  std::array<std::byte, 8192> bytes;
  std::uint64_t top() { return reinterpret_cast<std::uint64_t>(bytes.data() + bytes.size()); }
};
std::array<ExceptionStack, arch::ist_count> exception_stacks;

BootInfo boot_info;

class AcpiMapper final : public acpi::MemoryMapper {
 public:
  base::Result<std::span<const std::byte>> map(base::PhysAddr address, std::uint64_t bytes) override {
    const std::byte* mapped = TRY(map_device(address, bytes, arch::CacheMode::WriteBack));
    return std::span(mapped, bytes);
  }
};

void run_constructors() {
  for (const Constructor* constructor = init_array_start; constructor != init_array_end; ++constructor)
    (*constructor)();
}

void read_boot_info(std::uint32_t magic, base::PhysAddr information) {
  const IdentityReader reader;
  base::Result<> parsed = base::fail(base::Error::Malformed);
  if (magic == multiboot2_magic) parsed = parse_multiboot2(reader, information, boot_info);
  if (magic == pvh_magic) parsed = parse_pvh(reader, information, boot_info);
  if (!parsed) base::platform::panic("the boot loader's information cannot be read");
}

void apply_options(const CommandLine& options) {
  if (const auto port = options.number("serial"); port && *port <= 0xfff8)
    start_serial(static_cast<std::uint16_t>(*port));
  const std::string_view level = options.find_or("log", "info");
  if (level == "debug") base::set_log_level(base::LogLevel::Debug);
  if (level == "warning") base::set_log_level(base::LogLevel::Warning);
  if (level == "error") base::set_log_level(base::LogLevel::Error);
  if (const auto status = options.number("panic_exit")) exit_on_panic(static_cast<std::uint32_t>(*status));
}

void read_acpi() {
  AcpiMapper mapper;
  if (!boot_info.acpi) {
    base::log_warning("kernel", "no ACPI tables: one core, no PCI Express configuration space");
    return;
  }
  const auto tables = acpi::Tables::load(mapper, boot_info.acpi.table, boot_info.acpi.extended);
  if (tables)
    acpi::set_tables(*tables);
  else
    base::log_warning("kernel", "the ACPI tables cannot be read: {}", tables.error());
}

void start_interrupts_and_time(std::uint64_t tsc_at_boot) {
  std::byte* registers = nullptr;
  if (!arch::uses_x2apic()) {
    const auto mapped = map_device(arch::apic_address(), base::page_bytes);
    if (!mapped) base::platform::panic("the interrupt controller cannot be mapped");
    registers = *mapped;
  }
  arch::set_apic_registers(registers);
  arch::start_apic();
  const Frequencies frequencies = measure_frequencies(acpi::tables());
  start_clock(tsc_at_boot, frequencies.tsc_hertz);
  start_timers(frequencies.apic_timer_hertz);
  start_timer_on_this_core();
  if (!arch::cpu_features().invariant_tsc && !arch::cpu_features().hypervisor)
    base::log_warning("kernel", "the time-stamp counter changes its rate with power states: switch those off");
  base::log_info("kernel", "time-stamp counter {} kHz by {}, {}", frequencies.tsc_hertz / 1000, frequencies.reference,
                 arch::uses_x2apic() ? "x2APIC" : "xAPIC");
}

void start_cores() {
  const auto limit = boot_info.command_line().number("cores").value_or(base::max_cores);
  const base::PhysAddr page = low_page(boot_info);
  if (page.value() == 0)
    base::log_warning("kernel", "no memory below 1 MiB to start other cores with");
  else
    start_other_cores(acpi::tables(), page, static_cast<std::uint32_t>(limit));
}

}  // namespace

extern "C" [[noreturn]] void kernel_entry(std::uint32_t magic, std::uint32_t information) {
  const std::uint64_t tsc_at_boot = arch::read_tsc();
  arch::detect_cpu_features();
  arch::make_interrupt_table();
  arch::start_percpu(0, {exception_stacks[0].top(), exception_stacks[1].top(), exception_stacks[2].top()});
  run_constructors();
  start_serial();
  start_panic_handling();

  read_boot_info(magic, base::PhysAddr(information));
  apply_options(boot_info.command_line());
  start_memory(boot_info);
  read_acpi();
  start_interrupts_and_time(tsc_at_boot);
  start_entropy();
  start_cores();
  base::log_info("kernel", "{} boot on {}: {} core(s), {} MiB of memory free", boot_info.loader,
                 std::string_view(arch::cpu_features().brand.data()), core_count(),
                 frames().counters().free * base::page_bytes >> 20);
  component_main(boot_info);
}

}  // namespace kernel
