// SPDX-License-Identifier: Apache-2.0
// The event cores: see event_core.h.
#include "kernel/core/event_core.h"

#include <array>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/memory.h"
#include "kernel/core/cores.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

namespace kernel {
namespace {

// Its interrupt ends a HLT; there is nothing more to do.
class WakeInterrupt final : public arch::InterruptHandler {
 public:
  void interrupt() override {}
};
WakeInterrupt wake_interrupt;
std::uint8_t wake_vector = 0;

std::array<base::Own<EventCore>, base::max_cores> event_cores;

// What posted work posts is run before the devices are looked at again, which costs more than most of it: an answer
// takes three or four steps. Not for ever: some work posts itself until a device has brought something.
constexpr unsigned work_rounds = 8;

}  // namespace

EventCore::EventCore(std::uint32_t core) : core_(core), loop_(clock()) { loop_.set_waker(*this); }

// seq_cst with halt_until_work(): either this sees halting_, or the halting core sees the posted work.
void EventCore::wake() {
  if (core_ != arch::this_core() && halting_.load(std::memory_order_seq_cst)) arch::send_interrupt(core_, wake_vector);
}

bool EventCore::turn() {
  bool ran = false;
  for (unsigned round = 0; round < work_rounds && loop_.run_ready(); ++round) ran = true;
  bool polled = false;
  for (Poller& poller : pollers_) polled |= poller.poll();
  if (ran || polled) ++counters_.turns;
  // What came just now is seen by arm(): no further look for that.
  return polled || !loop_.idle();
}

bool EventCore::arm_all() {
  bool quiet = true;
  for (Poller& poller : pollers_) quiet &= poller.arm();
  return quiet;
}

void EventCore::halt_until_work() {
  arch::disable_interrupts();
  halting_.store(true, std::memory_order_seq_cst);
  const std::uint64_t deadline = loop_.next_deadline_ns();
  if (arm_all() && loop_.idle() && deadline > now_ns()) {
    set_deadline(deadline);
    ++counters_.halts;
    arch::enable_interrupts_and_halt();
  }
  halting_.store(false, std::memory_order_relaxed);  // a needless interrupt does no harm
  arch::enable_interrupts();
  for (Poller& poller : pollers_) poller.disarm();
}

void EventCore::run() {
  LEGO_ASSERT(core_ == arch::this_core());
  arch::enable_interrupts();
  while (true)
    if (!turn()) halt_until_work();
}

base::Result<> make_event_cores() {
  wake_vector = TRY(arch::allocate_shared_vector(wake_interrupt));
  for (std::uint32_t core = 0; core < core_count(); ++core) event_cores[core] = TRY(base::try_make<EventCore>(core));
  return {};
}

EventCore& event_core(std::uint32_t core) { return *event_cores[core]; }
EventCore& this_event_core() { return *event_cores[arch::this_core()]; }

void run_event_cores() {
  run_on_other_cores([](std::uint32_t core) { event_core(core).run(); });
  this_event_core().run();
}

}  // namespace kernel
