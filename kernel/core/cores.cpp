// SPDX-License-Identifier: Apache-2.0
// Starting the other cores (SDM volume 3A, 9.4.4): see cores.h. INIT goes to all first, so that the wait after it is
// spent once.
#include "kernel/core/cores.h"

#include <array>
#include <atomic>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "arch/x86_64/start_cores.h"
#include "kernel/base/assert.h"
#include "kernel/base/log.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

namespace kernel {
namespace {

constexpr std::uint64_t init_wait_ns = 10 * base::millisecond_ns;
constexpr std::uint64_t startup_wait_ns = 200 * base::microsecond_ns;
// An emulated core waits for the host to run it.
constexpr std::uint64_t online_wait_ns = 10 * base::second_ns;

struct StartingCore {
  std::uint32_t core = 0;
  arch::ExceptionStacks stacks{};
};
StartingCore starting;                     // the one that starts; read by it before it says that it is online
std::atomic<std::uint32_t> online{1};      // release by the core that is, acquire by the boot core
std::atomic<CoreMain> core_main{nullptr};  // release by run_on_other_cores, acquire by those who wait

class WakeInterrupt final : public arch::InterruptHandler {
 public:
  void interrupt() override {}
};
WakeInterrupt wake_interrupt;
std::uint8_t wake_vector = 0;

[[noreturn]] void wait_for_main(std::uint32_t core) {
  while (true) {
    arch::disable_interrupts();
    if (const CoreMain main = core_main.load(std::memory_order_acquire)) {
      main(core);
      base::platform::panic("a core's main function returned");
    }
    arch::enable_interrupts_and_halt();
  }
}

void core_entry(void*) {
  arch::write_cr3(kernel_root().value());
  const std::uint32_t core = starting.core;
  arch::start_percpu(core, starting.stacks);
  arch::start_apic();
  start_timer_on_this_core();
  online.store(core + 1, std::memory_order_release);
  wait_for_main(core);
}

base::Result<std::uint64_t> stack_top() { return TRY(allocate_kernel_stack()).top(); }

// The stacks of a core that does not come up stay with it: it might still wake.
base::Result<arch::CoreStart> prepare(std::uint32_t core) {
  starting.core = core;
  starting.stacks = {TRY(stack_top()), TRY(stack_top()), TRY(stack_top())};
  return arch::CoreStart{TRY(stack_top()), core_entry, nullptr};
}

bool wait_online(std::uint32_t core, std::uint64_t duration_ns) {
  const std::uint64_t end = now_ns() + duration_ns;
  while (online.load(std::memory_order_acquire) <= core) {
    if (now_ns() > end) return false;
    arch::pause();
  }
  return true;
}

bool start_core(arch::Trampoline& trampoline, std::uint32_t apic_id) {
  const std::uint32_t core = core_count();
  const auto start = prepare(core);
  if (!start) {
    base::log_warning("kernel", "no memory for core {}", core);
    return false;
  }
  trampoline.prepare(*start);
  arch::send_startup(apic_id, trampoline.page());
  // The second interrupt is for old processors that ignored the first.
  if (!wait_online(core, startup_wait_ns)) arch::send_startup(apic_id, trampoline.page());
  if (wait_online(core, online_wait_ns)) return true;
  base::log_warning("kernel", "the core with APIC id {} does not start", apic_id);
  arch::send_init(apic_id);  // back to sleep: it must not wake on stacks of others
  return false;
}

}  // namespace

std::uint32_t core_count() { return online.load(std::memory_order_acquire); }

void run_on_other_cores(CoreMain main) {
  core_main.store(main, std::memory_order_release);
  if (core_count() > 1) arch::send_interrupt_to_others(wake_vector);
}

void start_other_cores(const acpi::Tables& tables, base::PhysAddr page, std::uint32_t limit) {
  const auto vector = arch::allocate_shared_vector(wake_interrupt);
  LEGO_ASSERT(vector.has_value());
  wake_vector = *vector;
  const acpi::Processors processors = acpi::read_processors(tables);
  if (limit > base::max_cores) limit = base::max_cores;
  if (processors.count <= 1 || limit <= 1) return;

  arch::Trampoline trampoline(page, kernel_root(), direct_map_base);
  const std::uint32_t own_id = arch::this_cpu().apic_id;
  for (std::size_t i = 0; i < processors.count; ++i)
    if (processors.apic_ids[i] != own_id) arch::send_init(processors.apic_ids[i]);
  spin_for_ns(init_wait_ns);
  for (std::size_t i = 0; i < processors.count && core_count() < limit; ++i)
    if (processors.apic_ids[i] != own_id) start_core(trampoline, processors.apic_ids[i]);
}

}  // namespace kernel
