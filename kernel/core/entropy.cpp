// SPDX-License-Identifier: Apache-2.0
// The component's random generator: see entropy.h.
#include "kernel/core/entropy.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "kernel/base/spinlock.h"
#include "kernel/core/chacha.h"

namespace kernel {
namespace {

base::SpinLock lock{base::LockRank::Scheduler};  // guards the generator
ChaChaGenerator generator;

constexpr unsigned hardware_words = 16;
constexpr unsigned hardware_tries = 10;  // as Intel's guide advises
constexpr unsigned jitter_words = 256;

void absorb(std::uint64_t word) { generator.absorb(std::as_bytes(std::span(&word, 1))); }

void absorb_hardware() {
  const arch::CpuFeatures& features = arch::cpu_features();
  for (unsigned i = 0; i < hardware_words; ++i) {
    std::uint64_t word = 0;
    for (unsigned tries = 0; features.rdseed && tries < hardware_tries && !arch::read_hardware_seed(word); ++tries)
      arch::pause();
    absorb(word);
    for (unsigned tries = 0; features.rdrand && tries < hardware_tries && !arch::read_hardware_random(word); ++tries) {
    }
    absorb(word);
  }
}

// How long a port read takes differs from one to the next, by the bus and by a host's scheduling.
void absorb_jitter() {
  for (unsigned i = 0; i < jitter_words; ++i) {
    const std::uint64_t before = arch::read_tsc();
    (void)arch::in8(0x61);
    absorb(before ^ (arch::read_tsc() << 32));
  }
}

// The battery-backed clock: seconds, minutes, hours, day, month, year.
void absorb_date() {
  constexpr std::uint8_t indices[] = {0, 2, 4, 7, 8, 9};
  for (const std::uint8_t index : indices) {
    arch::out8(0x70, index);
    absorb(arch::in8(0x71));
  }
}

}  // namespace

void start_entropy() {
  const base::SpinGuard guard(lock);
  absorb_hardware();
  absorb_jitter();
  absorb_date();
}

void fill_random(std::span<std::byte> bytes) {
  const base::SpinGuard guard(lock);
  absorb(arch::read_tsc());
  generator.fill(bytes);
}

std::uint64_t random_u64() {
  std::uint64_t word = 0;
  fill_random(std::as_writable_bytes(std::span(&word, 1)));
  return word;
}

}  // namespace kernel
