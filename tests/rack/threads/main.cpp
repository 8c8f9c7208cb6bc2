// SPDX-License-Identifier: Apache-2.0
// A test image: kernel threads and user mode on all cores of the machine it finds. Prints one line per test and a
// verdict.
#include "arch/x86_64/cpu.h"
#include "kernel/base/assert.h"
#include "kernel/core/cores.h"
#include "kernel/start/component.h"
#include "kernel/threads/scheduler.h"
#include "tests/rack/threads/check.h"
#include "tests/rack/threads/kernel_tests.h"
#include "tests/rack/threads/user_task.h"
#include "tests/rack/threads/user_tests.h"

namespace image_test {

namespace {

struct Test {
  const char* name;
  void (*run)();
};

constexpr Test tests[] = {
    {"ping-pong", test_ping_pong},
    {"deadlines", test_deadlines},
    {"wake and deadline race", test_wake_and_deadline_race},
    {"interruption", test_interruption},
    {"mutex", test_mutex},
    {"classes", test_classes},
    {"affinity", test_affinity},
    {"stealing", test_stealing},
    {"idle pollers", test_idle_pollers},
    {"quiet idle", test_quiet_idle},
    {"create and exit", test_create_and_exit},
    {"no memory", test_no_memory},
    {"user registers", test_user_registers},
    {"user vectors", test_user_vectors},
    {"user exceptions", test_user_exceptions},
    {"user bad return", test_user_bad_return},
    {"user fork", test_user_fork},
    {"user signal state", test_user_signal_state},
    {"user demand", test_user_demand},
    {"user kill", test_user_kill},
    {"user shares", test_user_shares},
    {"user under NMIs", test_user_under_nmis},
    {"user times", test_user_times},
    {"user copies", test_user_copies},
    {"shootdown", test_shootdown},
    {"lazy shootdown", test_lazy_shootdown},
    {"nothing left", test_nothing_left},
};

// QEMU's isa-debug-exit device: the process ends with 2 * status + 1.
constexpr std::uint16_t exit_port = 0xf4;
constexpr std::uint32_t passed_status = 16;
constexpr std::uint32_t failed_status = 17;

void run_all(void*) {
  while (threads::statistics().cores < kernel::core_count()) nap();
  base::log_info("test", "{} cores", threads::statistics().cores);
  for (const Test& test : tests) {
    const std::uint32_t before = failures.load();
    const std::uint64_t start_ns = threads::clock().now_ns();
    test.run();
    const std::uint64_t took_us = (threads::clock().now_ns() - start_ns) / base::microsecond_ns;
    base::log_info("test", "{}: {} ({} us)", test.name, failures.load() == before ? "ok" : "FAILED", took_us);
  }
  const threads::Statistics statistics = threads::statistics();
  base::log_info("test", "{} switches, {} wakes, {} steals, {} preemptions, {} interrupts", statistics.switches,
                 statistics.wakes, statistics.steals, statistics.preemptions, statistics.reschedule_interrupts);
  const bool passed = failures.load() == 0;
  base::log_info("test", "verdict: {} ({} tests)", passed ? "PASSED" : "FAILED", std::size(tests));
  arch::out32(exit_port, passed ? passed_status : failed_status);
}

}  // namespace

}  // namespace image_test

[[noreturn]] void kernel::component_main(const BootInfo&) {
  image_test::install_personality();
  threads::init();
  const auto runner = threads::create({.name = "runner"}, image_test::run_all, nullptr);
  LEGO_ASSERT(runner.has_value());
  threads::start(**runner);
  run_on_other_cores([](std::uint32_t) { threads::run_this_core(); });
  threads::run_this_core();
}
