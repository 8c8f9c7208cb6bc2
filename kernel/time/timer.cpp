// SPDX-License-Identifier: Apache-2.0
// The timers: see timer.h. With TSC-deadline mode the comparison is exact; otherwise the APIC's own count is set, which
// may run out a little early. What comes early, or was too far away to be set at once, is set again by the interrupt.
#include "kernel/time/timer.h"

#include <array>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"
#include "kernel/time/clock.h"
#include "kernel/time/tick_rate.h"

namespace kernel {
namespace {

// A timer is not set for longer than this at once: a count has 32 bits, and far times would overflow in conversion.
constexpr std::uint64_t longest_ns = 10 * base::second_ns;

struct alignas(64) CoreTimer {
  std::uint64_t deadline_ns = base::never_ns;
};
std::array<CoreTimer, base::max_cores> timers;  // each touched by its core only, with interrupts disabled
TickRate count_rate;
DeadlineCallback callback = nullptr;
std::uint8_t timer_vector = 0;

bool uses_tsc_deadline() { return arch::cpu_features().tsc_deadline; }

void program(std::uint64_t deadline_ns, std::uint64_t now) {
  std::uint64_t remaining_ns = deadline_ns > now ? deadline_ns - now : 0;
  if (remaining_ns > longest_ns) remaining_ns = longest_ns;
  if (uses_tsc_deadline()) {
    arch::set_tsc_deadline(arch::read_tsc() + ns_to_ticks(remaining_ns));
    return;
  }
  const std::uint64_t count = count_rate.to_ticks(remaining_ns);
  arch::set_apic_timer_count(count < 0xffffffff ? static_cast<std::uint32_t>(count) : 0xffffffff);
}

class TimerInterrupt final : public arch::InterruptHandler {
 public:
  void interrupt() override {
    CoreTimer& timer = timers[arch::this_core()];
    if (timer.deadline_ns == base::never_ns) return;
    if (const std::uint64_t now = now_ns(); now < timer.deadline_ns) {
      program(timer.deadline_ns, now);
      return;
    }
    timer.deadline_ns = base::never_ns;
    if (callback != nullptr) callback();
  }
};
TimerInterrupt handler;

}  // namespace

void set_deadline(std::uint64_t deadline_ns) {
  CoreTimer& timer = timers[arch::this_core()];
  if (timer.deadline_ns == deadline_ns) return;
  timer.deadline_ns = deadline_ns;
  if (deadline_ns != base::never_ns)
    program(deadline_ns, now_ns());
  else if (uses_tsc_deadline())
    arch::set_tsc_deadline(0);
  else
    arch::set_apic_timer_count(0);
}

void on_deadline(DeadlineCallback function) { callback = function; }

void start_timers(std::uint64_t apic_timer_hertz) {
  if (!uses_tsc_deadline()) count_rate = TickRate(apic_timer_hertz);
  const auto vector = arch::allocate_shared_vector(handler);
  LEGO_ASSERT(vector.has_value());
  timer_vector = *vector;
}

void start_timer_on_this_core() {
  arch::start_apic_timer(uses_tsc_deadline() ? arch::ApicTimerMode::TscDeadline : arch::ApicTimerMode::Count,
                         timer_vector);
}

}  // namespace kernel
