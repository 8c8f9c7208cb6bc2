// SPDX-License-Identifier: Apache-2.0
// The clock: see clock.h.
#include "kernel/time/clock.h"

#include "arch/x86_64/cpu.h"
#include "kernel/time/tick_rate.h"

namespace kernel {
namespace {

class TscClock final : public base::Clock {
 public:
  std::uint64_t now_ns() const override {
    if (!started_) return 0;
    const std::uint64_t tsc = arch::read_tsc();
    // A core whose counter is a little behind must not see a time before boot.
    return tsc > start_ ? rate_.to_ns(tsc - start_) : 0;
  }
  void start(std::uint64_t tsc, std::uint64_t hertz) {
    start_ = tsc;
    rate_ = TickRate(hertz);
    started_ = true;
  }
  const TickRate& rate() const { return rate_; }
  ClockConversion conversion() const { return {start_, rate_.ns_per_tick()}; }

 private:
  std::uint64_t start_ = 0;
  TickRate rate_;
  bool started_ = false;
};

TscClock tsc_clock;

}  // namespace

const base::Clock& clock() { return tsc_clock; }
ClockConversion clock_conversion() { return tsc_clock.conversion(); }
std::uint64_t now_ns() { return tsc_clock.now_ns(); }
std::uint64_t tsc_hertz() { return tsc_clock.rate().hertz(); }
std::uint64_t ticks_to_ns(std::uint64_t ticks) { return tsc_clock.rate().to_ns(ticks); }
std::uint64_t ns_to_ticks(std::uint64_t ns) { return tsc_clock.rate().to_ticks(ns); }

void spin_for_ns(std::uint64_t duration_ns) {
  const std::uint64_t start = arch::read_tsc();
  const std::uint64_t ticks = ns_to_ticks(duration_ns);
  while (arch::read_tsc() - start < ticks) arch::pause();
}

void start_clock(std::uint64_t tsc_at_boot, std::uint64_t hertz) { tsc_clock.start(tsc_at_boot, hertz); }

}  // namespace kernel
