// SPDX-License-Identifier: Apache-2.0
// The scheduler as others see it: see scheduler.h.
#include "kernel/threads/scheduler.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/fpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/interrupts_off.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/threads/core.h"
#include "kernel/threads/idle_poller.h"
#include "kernel/threads/lifetime.h"
#include "kernel/threads/limits.h"
#include "kernel/threads/return_to_user.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

namespace threads {

namespace {

class RescheduleInterrupt final : public arch::InterruptHandler {
  void interrupt() override {
    ++interrupts;
    Core::here().check();
  }

 public:
  std::atomic<std::uint64_t> interrupts{0};
};
RescheduleInterrupt reschedule_interrupt;
std::uint8_t reschedule_number = 0;

struct RegisteredPoller {
  IdlePoller* poller = nullptr;
  CoreMask cores;
  std::atomic<bool> busy{false};
};
std::array<RegisteredPoller, max_idle_pollers> pollers;
std::atomic<std::uint32_t> poller_count{0};

// Calls visit(poller) for this core's pollers that no other core is looking at; stops at the first true.
template <typename Visit>
bool any_poller(std::uint32_t core, Visit visit) {
  // acquire: pairs with the release in add_idle_poller.
  const std::uint32_t count = poller_count.load(std::memory_order_acquire);
  bool found = false;
  for (std::uint32_t i = 0; i < count && !found; ++i) {
    RegisteredPoller& entry = pollers[i];
    if (!entry.cores.contains(core) || entry.busy.exchange(true, std::memory_order_acquire)) continue;
    found = visit(*entry.poller);
    entry.busy.store(false, std::memory_order_release);  // pairs with the acquire of the exchange
  }
  return found;
}

}  // namespace

std::uint8_t reschedule_vector() { return reschedule_number; }

bool poll_devices(std::uint32_t core) {
  return any_poller(core, [](IdlePoller& poller) { return poller.poll(); });
}

bool may_halt(std::uint32_t core) {
  return !any_poller(core, [](IdlePoller& poller) { return !poller.ready_to_halt(); });
}

base::Result<> add_idle_poller(IdlePoller& poller, CoreMask cores) {
  const std::uint32_t slot = poller_count.load(std::memory_order_relaxed);
  if (slot == pollers.size()) return base::fail(base::Error::Exhausted);
  pollers[slot].poller = &poller;
  pollers[slot].cores = cores;
  poller_count.store(slot + 1, std::memory_order_release);  // pairs with the acquire in any_poller
  return {};
}

Thread& current() { return *reinterpret_cast<Thread*>(arch::read_gs64<offsetof(arch::PerCpu, current_thread)>()); }

const base::Clock& clock() { return kernel::clock(); }

void yield() {
  LEGO_ASSERT(!base::holds_spinlock());
  Core& core = Core::here();
  core.give_way(Arrival::Yielded, core.lock());
}

void preemption_point() {
  Core& core = Core::here();
  if (!core.wants_switch()) return;
  LEGO_ASSERT(!base::holds_spinlock());
  core.give_way(Arrival::Preempted, core.lock());
}

void init() {
  auto number = arch::allocate_shared_vector(reschedule_interrupt);
  LEGO_ASSERT(number.has_value());
  reschedule_number = *number;
  kernel::on_deadline([] { Core::here().timer_fired(); });
  arch::init_tlb_shootdown(kernel::kernel_root());
  install_return_to_user();
  const arch::InterruptsOff off;
  Core::here().begin(arch::this_core());
}

void run_this_core() {
  arch::disable_interrupts();
  Core& core = Core::here();
  arch::init_fpu_on_this_core();
  if (arch::user_mode_handlers().system_call != nullptr) arch::init_user_mode_on_this_core();
  if (!Core::online().contains(arch::this_core())) core.begin(arch::this_core());
  core.run();
}

Statistics statistics() {
  Statistics sum{};
  const CoreMask online = Core::online();
  for (std::uint32_t index = 0; index < base::max_cores; ++index) {
    if (!online.contains(index)) continue;
    const Core::Counters& counters = Core::at(index).counters();
    sum.switches += counters.switches.load(std::memory_order_relaxed);
    sum.wakes += counters.wakes.load(std::memory_order_relaxed);
    sum.steals += counters.steals.load(std::memory_order_relaxed);
    sum.preemptions += counters.preemptions.load(std::memory_order_relaxed);
    sum.runnable += Core::at(index).load();
    sum.idle_ns += counters.idle_ns.load(std::memory_order_relaxed);
  }
  sum.reschedule_interrupts = reschedule_interrupt.interrupts.load(std::memory_order_relaxed);
  sum.threads_created = Lifetime::threads_created();
  sum.threads_freed = Lifetime::threads_freed();
  sum.threads_now = static_cast<std::uint32_t>(sum.threads_created - sum.threads_freed);
  sum.cores = online.count();
  return sum;
}

}  // namespace threads
