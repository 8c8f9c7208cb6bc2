// SPDX-License-Identifier: Apache-2.0
// Which cores may hold translations of an address space, and how they are made to forget them. A core that idles or
// runs a kernel thread keeps the last space loaded but is lazy: it gets no IPI and catches up when it runs user code of
// that space again. shoot_down() waits for other cores, so it is never called with a spinlock held (asserted): one of
// them could be spinning for it with interrupts off. While it waits it serves the requests of others.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "kernel/base/types.h"

namespace arch {

class TlbDomain {
 public:
  explicit TlbDomain(base::PhysAddr root) : root_(root) {}
  TlbDomain(const TlbDomain&) = delete;
  TlbDomain& operator=(const TlbDomain&) = delete;
  // retire() was called, or the domain was never loaded.
  ~TlbDomain();

  base::PhysAddr root() const { return root_; }

  // After the entries were changed in memory: when it returns, no core uses the old translation of these pages. One
  // call for a batch; with more than a few dozen pages each core forgets the whole space.
  void shoot_down(std::span<const base::UserVa> pages);
  void shoot_down_all();

  // Before the page tables are freed: no core has this root loaded afterwards. No thread of it may run again.
  void retire();

 private:
  friend struct TlbCore;
  base::PhysAddr root_;
  std::atomic<std::uint64_t> loaded_on_{0};   // cores whose CR3 is this root, lazy ones included
  std::atomic<std::uint64_t> generation_{1};  // of page-table changes that cores must not miss
};

// Called by the scheduler with interrupts disabled. load: CR3 is written only if another root is loaded. be_lazy: the
// core will not touch user addresses until the next load.
void load_address_space(TlbDomain& domain);
void be_lazy();

struct TlbStatistics {
  std::uint64_t shootdowns;       // calls that had to ask at least one other core
  std::uint64_t interrupts_sent;  // cores asked
  std::uint64_t local_flushes;    // of the whole space on one core
};
TlbStatistics tlb_statistics();

// Once, after the interrupt controller is up and before the second core runs user code. `kernel_root` is loaded in
// place of a retired space.
void init_tlb_shootdown(base::PhysAddr kernel_root);

}  // namespace arch
