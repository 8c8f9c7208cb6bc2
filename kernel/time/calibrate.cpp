// SPDX-License-Identifier: Apache-2.0
// Calibration: see calibrate.h. An emulated core may lose its host core between any two instructions, so each pair of
// readings is taken several times and the one that took least time counts.
#include "kernel/time/calibrate.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/time/tick_rate.h"

namespace kernel {
namespace {

constexpr std::uint64_t window_ms = 10;
constexpr unsigned attempts = 12;

class Reference {
 public:
  virtual std::uint32_t read() = 0;  // counts up; only the bits of mask() count
  virtual std::uint32_t mask() const = 0;
  virtual std::uint64_t hertz() const = 0;

 protected:
  ~Reference() = default;
};

// IA-PC HPET Specification 1.0a, section 2.3.
class Hpet final : public Reference {
 public:
  bool start(const acpi::Tables& tables) {
    const auto address = acpi::read_hpet_address(tables);
    if (!address) return false;
    const auto mapped = map_device(*address, 1024);
    if (!mapped) return false;
    registers_ = *mapped;
    period_fs_ = at(4);
    if (period_fs_ == 0 || period_fs_ > 100'000'000) return false;  // the specification's limit: 100 ns
    at(0x10) = at(0x10) | 1;                                        // run
    return true;
  }
  std::uint32_t read() override { return at(0xf0); }
  std::uint32_t mask() const override { return 0xffffffff; }
  std::uint64_t hertz() const override { return 1'000'000'000'000'000 / period_fs_; }

 private:
  volatile std::uint32_t& at(std::size_t offset) const {
    return *reinterpret_cast<volatile std::uint32_t*>(registers_ + offset);
  }
  std::byte* registers_ = nullptr;
  std::uint64_t period_fs_ = 0;
};

class AcpiTimer final : public Reference {
 public:
  bool start(const acpi::Tables& tables) {
    const auto timer = acpi::read_pm_timer(tables);
    if (timer) timer_ = *timer;
    return timer.has_value();
  }
  std::uint32_t read() override { return arch::in32(timer_.port); }
  std::uint32_t mask() const override { return timer_.bits == 32 ? 0xffffffff : 0xffffff; }
  std::uint64_t hertz() const override { return 3'579'545; }

 private:
  acpi::PmTimer timer_;
};

// Channel 2 of the 8254, which counts down and can be read without raising interrupts.
class Pit final : public Reference {
 public:
  Pit() {
    arch::out8(0x61, static_cast<std::uint8_t>((arch::in8(0x61) & ~2u) | 1));  // gate on, speaker off
    arch::out8(0x43, 0xb4);                                                    // channel 2, both bytes, mode 2
    arch::out8(0x42, 0xff);
    arch::out8(0x42, 0xff);
  }
  std::uint32_t read() override {
    arch::out8(0x43, 0x80);  // latch channel 2
    const std::uint32_t low = arch::in8(0x42);
    return 0xffff - (low | std::uint32_t{arch::in8(0x42)} << 8);
  }
  std::uint32_t mask() const override { return 0xffff; }
  std::uint64_t hertz() const override { return 1'193'182; }
};

// A counter's value and the time-stamp counter's at one moment.
struct Sample {
  std::uint64_t tsc = 0;
  std::uint32_t value = 0;
};

template <typename Read>
Sample sample(Read read) {
  Sample best;
  std::uint64_t shortest = ~std::uint64_t{0};
  for (unsigned i = 0; i < attempts; ++i) {
    const std::uint64_t before = arch::read_tsc();
    const std::uint32_t value = read();
    const std::uint64_t took = arch::read_tsc() - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {before + took / 2, value};
  }
  return best;
}

// The TSC by the reference, and the APIC timer by the TSC, over the same window.
Frequencies measure(Reference& reference) {
  const auto read_reference = [&] { return reference.read(); };
  const auto read_apic = [] { return arch::apic_timer_count(); };
  arch::start_apic_timer(arch::ApicTimerMode::Count, arch::spurious_vector);
  arch::set_apic_timer_count(0xffffffff);
  const Sample first = sample(read_reference);
  const Sample apic_first = sample(read_apic);
  const auto window = static_cast<std::uint32_t>(reference.hertz() * window_ms / 1000);
  while (((reference.read() - first.value) & reference.mask()) < window) arch::pause();
  const Sample last = sample(read_reference);
  const Sample apic_last = sample(read_apic);
  arch::set_apic_timer_count(0);

  Frequencies result;
  const std::uint64_t elapsed = (last.value - first.value) & reference.mask();
  result.tsc_hertz = (last.tsc - first.tsc) * reference.hertz() / elapsed;
  // The count runs down. 10 ms of it times the frequency fits 64 bits.
  const std::uint64_t apic_ticks = apic_first.value - apic_last.value;
  result.apic_timer_hertz =
      apic_ticks * 1'000'000'000 / ((apic_last.tsc - apic_first.tsc) * 1'000'000'000 / result.tsc_hertz);
  return result;
}

bool plausible(const Frequencies& frequencies) {
  return frequencies.tsc_hertz >= TickRate::min_hertz && frequencies.tsc_hertz <= TickRate::max_hertz;
}

Frequencies measure_by_best_reference(const acpi::Tables& tables) {
  Hpet hpet;
  if (hpet.start(tables)) {
    Frequencies result = measure(hpet);
    result.reference = "HPET";
    if (plausible(result)) return result;
  }
  AcpiTimer timer;
  if (timer.start(tables)) {
    Frequencies result = measure(timer);
    result.reference = "ACPI timer";
    if (plausible(result)) return result;
  }
  Pit pit;
  Frequencies result = measure(pit);
  result.reference = "PIT";
  return result;
}

}  // namespace

Frequencies measure_frequencies(const acpi::Tables& tables) {
  Frequencies result = measure_by_best_reference(tables);
  if (const std::uint64_t exact = arch::cpu_features().tsc_frequency; exact >= TickRate::min_hertz) {
    // Scaled, because the APIC timer was measured by the TSC.
    result.apic_timer_hertz = result.apic_timer_hertz * (exact / 1000) / (result.tsc_hertz / 1000);
    result.tsc_hertz = exact;
    result.reference = "CPUID";
  }
  return result;
}

}  // namespace kernel
