// SPDX-License-Identifier: Apache-2.0
// The composition of the image kernel_check.elf: runs every check, says so on the console, and ends QEMU through its
// isa-debug-exit device: status 33 (2 * 16 + 1) when all passed, 35 when one failed.
#include <array>

#include "arch/x86_64/cpu.h"
#include "kernel/core/cores.h"
#include "kernel/core/panic.h"
#include "kernel/start/component.h"
#include "tests/rack/kernel_check/check.h"

namespace kernel_check {
namespace {

constexpr std::uint16_t debug_exit_port = 0xf4;
constexpr std::uint32_t passed = 16, failed = 17;

struct Check {
  const char* name;
  void (*run)(const kernel::BootInfo&);
};
constexpr std::array checks{
    Check{"frames", check_frames},         Check{"page tables", check_page_tables},
    Check{"device map", check_device_map}, Check{"stacks", check_stacks},
    Check{"interrupts", check_interrupts}, Check{"exceptions", check_exceptions},
    Check{"timer", check_timer},           Check{"clock", check_clock},
    Check{"random", check_random},         Check{"host files", check_host_files},
};

[[noreturn]] void exit_qemu(std::uint32_t status) {
  arch::out32(debug_exit_port, status);
  arch::halt_forever();
}

void all_passed() {
  base::log_info("check", "all checks passed on {} core(s)", kernel::core_count());
  exit_qemu(passed);
}

}  // namespace

void fail(const char* what, const char* file, int line) {
  base::log_error("check", "FAILED: {} ({}:{})", what, file, line);
  kernel::print_backtrace(arch::read_frame_pointer());
  exit_qemu(failed);
}

}  // namespace kernel_check

[[noreturn, gnu::noinline]] void kernel::component_main(const BootInfo& boot) {
  using namespace kernel_check;
  crash(boot.command_line().find_or("crash", ""));
  for (const Check& check : checks) {
    check.run(boot);
    base::log_info("check", "{} ok", check.name);
  }
  check_event_cores(all_passed);
}
