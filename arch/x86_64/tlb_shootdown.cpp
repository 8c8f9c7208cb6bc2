// SPDX-License-Identifier: Apache-2.0
// TLB shootdown: see tlb_shootdown.h. Each core has one request of its own, since a core makes one at a time, and an
// inbox with a bit for each core that asks it. A target answers by clearing its bit in the request.
//
// Nothing is missed: the page-table store comes before the increment of the generation, which comes before the look at
// loaded_on_ and lazy; a core that loads the root, or stops being lazy, says so before it reads the generation. All of
// these are sequentially consistent, so one of the two sees the other.
#include "arch/x86_64/tlb_shootdown.h"

#include <bit>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/interrupts_off.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/base/spinlock.h"

namespace arch {

namespace {

// INVLPG costs about as much as a refill of one or two entries; beyond this, forgetting all is cheaper.
constexpr std::size_t most_single_pages = 32;

// Answers come within microseconds where every core really runs. An emulated core may have to wait for the host to run
// it, and a core that spins meanwhile keeps it waiting: after about 50 µs this one halts.
constexpr unsigned spins_before_halt = 256;

enum class Wanted : std::uint8_t { Pages, Everything, Unload };

std::atomic<std::uint64_t> shootdowns, interrupts_sent, local_flushes;
base::PhysAddr kernel_root;
std::uint8_t ipi_vector = 0;

void count(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);  // a counter: orders nothing
}

}  // namespace

struct alignas(64) TlbCore {
  // Of the core itself, with interrupts disabled.
  TlbDomain* loaded = nullptr;
  std::uint64_t seen_generation = 0;
  std::atomic<bool> lazy{true};

  // Its request to others; written before their inbox bits are set.
  TlbDomain* domain = nullptr;
  std::span<const base::UserVa> pages;
  Wanted wanted = Wanted::Pages;
  std::uint64_t generation = 0;
  std::atomic<std::uint64_t> unanswered{0};
  std::atomic<bool> halting{false};

  std::atomic<std::uint64_t> inbox{0};

  static std::uint64_t bit(std::uint32_t core) { return std::uint64_t{1} << core; }
  void load(TlbDomain& next, std::uint64_t self_bit);
  void unload(std::uint64_t self_bit);
  void apply(const TlbCore& request, std::uint64_t self_bit);
  void answer(std::uint64_t from);
  void wait_for_answers(std::uint64_t self_bit);
  void serve(std::uint64_t self_bit);
  static void shoot(TlbDomain& domain, std::span<const base::UserVa> pages, Wanted wanted);
  std::uint64_t targets(std::uint64_t loaded_on, Wanted wanted_now, std::uint32_t self) const;
};

namespace {

std::array<TlbCore, base::max_cores> cores;

class ShootdownInterrupt final : public InterruptHandler {
  void interrupt() override {
    const std::uint32_t self = this_core();
    cores[self].serve(TlbCore::bit(self));
  }
};
ShootdownInterrupt shootdown_interrupt;

}  // namespace

void TlbCore::load(TlbDomain& next, std::uint64_t self_bit) {
  if (loaded == &next) {
    lazy.store(false, std::memory_order_seq_cst);
    const std::uint64_t now = next.generation_.load(std::memory_order_seq_cst);
    if (now != seen_generation) {
      flush_address_space();
      seen_generation = now;
      count(local_flushes);
    }
    return;
  }
  TlbDomain* previous = loaded;
  next.loaded_on_.fetch_or(self_bit, std::memory_order_seq_cst);
  lazy.store(false, std::memory_order_seq_cst);
  seen_generation = next.generation_.load(std::memory_order_seq_cst);
  write_cr3(next.root().value());
  loaded = &next;
  // Only now: until then the CPU may still walk the previous tables.
  if (previous != nullptr) previous->loaded_on_.fetch_and(~self_bit, std::memory_order_seq_cst);
}

void TlbCore::unload(std::uint64_t self_bit) {
  if (loaded == nullptr) return;
  write_cr3(kernel_root.value());
  loaded->loaded_on_.fetch_and(~self_bit, std::memory_order_seq_cst);
  loaded = nullptr;
}

void TlbCore::apply(const TlbCore& request, std::uint64_t self_bit) {
  if (loaded != request.domain) return;
  if (request.wanted == Wanted::Unload) return unload(self_bit);
  if (request.wanted == Wanted::Everything) {
    seen_generation = request.domain->generation_.load(std::memory_order_seq_cst);
    flush_address_space();
    count(local_flushes);
    return;
  }
  for (const base::UserVa page : request.pages) invalidate_page(page.value());
  // If this core has not seen the changes before this one, it stays behind and forgets all when it stops being lazy.
  if (seen_generation + 1 == request.generation) seen_generation = request.generation;
}

// seq_cst: releases what was done to the acquire in wait_for_answers(); and either this sees that the asking core may
// be halted, or that one sees the answer before it halts.
void TlbCore::answer(std::uint64_t from) {
  const std::uint64_t others = unanswered.fetch_and(~from, std::memory_order_seq_cst) & ~from;
  if (others == 0 && halting.load(std::memory_order_seq_cst)) {
    send_interrupt(static_cast<std::uint32_t>(this - cores.data()), ipi_vector);
  }
}

// Serves others meanwhile: one of them may be waiting for this core.
void TlbCore::wait_for_answers(std::uint64_t self_bit) {
  const bool may_halt = interrupts_enabled();
  for (unsigned spins = 0; unanswered.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < spins_before_halt || !may_halt) {
      const InterruptsOff off;
      serve(self_bit);
      pause();
      continue;
    }
    disable_interrupts();
    halting.store(true, std::memory_order_seq_cst);
    if (unanswered.load(std::memory_order_seq_cst) != 0) {
      enable_interrupts_and_halt();
    } else {
      enable_interrupts();
    }
    halting.store(false, std::memory_order_relaxed);
  }
}

void TlbCore::serve(std::uint64_t self_bit) {
  // acquire: pairs with the release in shoot(), which publishes the requests.
  std::uint64_t from = inbox.exchange(0, std::memory_order_acquire);
  for (; from != 0; from &= from - 1) {
    TlbCore& request = cores[static_cast<unsigned>(std::countr_zero(from))];
    apply(request, self_bit);
    request.answer(self_bit);
  }
}

std::uint64_t TlbCore::targets(std::uint64_t loaded_on, Wanted wanted_now, std::uint32_t self) const {
  std::uint64_t asked = loaded_on & ~bit(self);
  if (wanted_now == Wanted::Unload) return asked;
  for (std::uint64_t rest = asked; rest != 0; rest &= rest - 1) {
    const auto core = static_cast<std::uint32_t>(std::countr_zero(rest));
    if (cores[core].lazy.load(std::memory_order_seq_cst)) asked &= ~bit(core);
  }
  return asked;
}

void TlbCore::shoot(TlbDomain& domain, std::span<const base::UserVa> pages, Wanted wanted) {
  LEGO_ASSERT(!base::holds_spinlock());
  const std::uint32_t self = this_core();
  TlbCore& own = cores[self];
  std::uint64_t asked = 0;
  {
    const InterruptsOff off;
    own.domain = &domain;
    own.pages = pages;
    own.wanted = wanted;
    own.generation = domain.generation_.fetch_add(1, std::memory_order_seq_cst) + 1;
    own.apply(own, bit(self));
    asked = own.targets(domain.loaded_on_.load(std::memory_order_seq_cst), wanted, self);
    if (asked == 0) return;
    own.unanswered.store(asked, std::memory_order_relaxed);  // published by the inbox bits
    for (std::uint64_t rest = asked; rest != 0; rest &= rest - 1) {
      const auto core = static_cast<std::uint32_t>(std::countr_zero(rest));
      cores[core].inbox.fetch_or(bit(self), std::memory_order_release);  // pairs with the acquire in serve()
      send_interrupt(core, ipi_vector);
    }
  }
  count(shootdowns);
  count(interrupts_sent, static_cast<std::uint64_t>(std::popcount(asked)));
  own.wait_for_answers(bit(self));
}

TlbDomain::~TlbDomain() { LEGO_ASSERT(loaded_on_.load(std::memory_order_relaxed) == 0); }

void TlbDomain::shoot_down(std::span<const base::UserVa> pages) {
  if (pages.empty()) return;
  TlbCore::shoot(*this, pages, pages.size() > most_single_pages ? Wanted::Everything : Wanted::Pages);
}

void TlbDomain::shoot_down_all() { TlbCore::shoot(*this, {}, Wanted::Everything); }

void TlbDomain::retire() { TlbCore::shoot(*this, {}, Wanted::Unload); }

void load_address_space(TlbDomain& domain) {
  const std::uint32_t self = this_core();
  cores[self].load(domain, TlbCore::bit(self));
}

void be_lazy() { cores[this_core()].lazy.store(true, std::memory_order_seq_cst); }

TlbStatistics tlb_statistics() {
  return {.shootdowns = shootdowns.load(std::memory_order_relaxed),
          .interrupts_sent = interrupts_sent.load(std::memory_order_relaxed),
          .local_flushes = local_flushes.load(std::memory_order_relaxed)};
}

void init_tlb_shootdown(base::PhysAddr root) {
  kernel_root = root;
  auto number = allocate_shared_vector(shootdown_interrupt);
  LEGO_ASSERT(number.has_value());
  ipi_vector = *number;
}

}  // namespace arch
