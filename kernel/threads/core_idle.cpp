// SPDX-License-Identifier: Apache-2.0
// Time on a core: slices, deadlines, accounting, and what it does when no thread wants to run. See core.h.
#include <array>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/assert.h"
#include "kernel/threads/core.h"
#include "kernel/threads/policy/placement.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"

namespace threads {

namespace {

std::atomic<std::uint64_t> online_cores{0};

}  // namespace

// acquire: pairs with the release in run(): a core that is online is set up.
CoreMask Core::online() { return CoreMask(online_cores.load(std::memory_order_acquire)); }

// For the earliest deadline, and for the end of the slice while others wait. Lock held, on this core. A timer that
// comes too early is left as it is, and set anew when it has fired: threads that wake one another would set it back and
// forth at each switch, and that is dear.
void Core::set_timer() {
  std::uint64_t earliest = deadlines_.empty() ? base::never_ns : deadlines_.begin()->at_ns;
  const bool slice_matters = running_ != &idle_ && !queue_.empty() && !wants_switch();
  if (slice_matters && slice_start_ns_ + policy::slice_ns < earliest) earliest = slice_start_ns_ + policy::slice_ns;
  if (earliest >= timer_ns_) return;
  timer_ns_ = earliest;
  kernel::set_deadline(earliest);
}

std::uint64_t Core::slice_ran_ns(std::uint64_t now_ns) const {
  return now_ns > slice_start_ns_ ? now_ns - slice_start_ns_ : 0;
}

void Core::timer_fired() {
  const std::uint64_t state = lock_.lock();
  timer_ns_ = base::never_ns;  // one shot
  lock_.unlock(state);
  wake_expired();
  check();
}

void Core::wake_expired() {
  while (true) {
    const std::uint64_t state = lock_.lock();
    if (deadlines_.empty() || deadlines_.begin()->at_ns > kernel::now_ns()) return lock_.unlock(state);
    make_ready(*deadlines_.begin()->thread, state);
  }
}

void Core::check_slice(std::uint64_t now_ns) {
  if (queue_.empty()) return;
  const std::uint64_t ran_ns = slice_ran_ns(now_ns);
  if (running_ == &idle_ || queue_.should_preempt(running_->queue_entry_, ran_ns)) {
    request_switch();
  } else if (ran_ns >= policy::slice_ns) {
    slice_start_ns_ = now_ns;  // its share is larger: another turn
  }
}

void Core::check() {
  const std::uint64_t state = lock_.lock();
  const std::uint64_t now_ns = kernel::now_ns();
  charge(now_ns);
  const bool slice_over = running_ != &idle_ && now_ns >= slice_start_ns_ + policy::slice_ns;
  check_slice(now_ns);
  set_timer();
  const bool crowded = slice_over && !queue_.empty();
  lock_.unlock(state);
  if (!crowded) return;
  // Idle cores and those that run one thread have no timer ticks: those with several hand over.
  const CoreMask others = online();
  for (std::uint32_t other = 0; other < base::max_cores; ++other) {
    if (other != index_ && others.contains(other) && at(other).load() + 2 <= load()) {
      move_one(*this, at(other));
      return;
    }
  }
}

ThreadTimes Core::times_of(const Thread& thread) const {
  const auto relaxed = std::memory_order_relaxed;
  // The other core may have lost its processor in the middle: what it shows then may be a little wrong.
  constexpr unsigned most_tries = 1000;
  for (unsigned tries = 0;; ++tries) {
    const std::uint32_t sequence = time_sequence_.load(std::memory_order_acquire);
    std::uint64_t user_ticks = thread.user_ticks_.load(relaxed), system_ticks = thread.system_ticks_.load(relaxed);
    const bool running = timed_.load(relaxed) == &thread, in_user = in_user_.load(relaxed);
    const std::uint64_t since_ticks = mode_since_ticks_.load(relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool settled = sequence % 2 == 0 && time_sequence_.load(relaxed) == sequence;
    if (!settled && tries < most_tries) continue;
    const std::uint64_t now_ticks = arch::read_tsc();
    if (running && now_ticks > since_ticks) (in_user ? user_ticks : system_ticks) += now_ticks - since_ticks;
    return {.user_ns = kernel::ticks_to_ns(user_ticks), .system_ns = kernel::ticks_to_ns(system_ticks)};
  }
}

// Something to run: of its own, or of a core that has more than it can run.
bool Core::take_work() {
  if (!wants_switch()) {
    const CoreMask existing = online();
    const auto count = static_cast<std::uint32_t>(64 - std::countl_zero(existing.bits()));
    std::array<std::uint32_t, base::max_cores> loads;
    for (std::uint32_t core = 0; core < count; ++core) loads[core] = at(core).load();
    const auto victim = policy::choose_victim(index_, {loads.data(), count});
    if (!victim || !move_one(at(*victim), *this)) return false;
  }
  idle_state_.store(IdleState::Busy, std::memory_order_relaxed);
  give_way(Arrival::Preempted, lock_.lock());
  idle_state_.store(IdleState::Polling, std::memory_order_relaxed);
  return true;
}

void Core::idle_once() {
  if (take_work() || poll_devices(index_)) return;
  arch::disable_interrupts();
  idle_state_.store(IdleState::Halting, std::memory_order_seq_cst);
  // seq_cst: see interrupt_if_needed.
  if (!resched_.load(std::memory_order_seq_cst) && may_halt(index_)) {
    arch::enable_interrupts_and_halt();
  } else {
    arch::enable_interrupts();
  }
  idle_state_.store(IdleState::Polling, std::memory_order_relaxed);
}

void Core::begin(std::uint32_t index) {
  index_ = index;
  idle_.core_.store(index, std::memory_order_relaxed);
  idle_.run_state_.store(Thread::RunState::Running, std::memory_order_relaxed);
  idle_.set_name("idle");
  running_ = &idle_;
  charged_until_ns_ = kernel::now_ns();
  mode_since_ticks_.store(arch::read_tsc(), std::memory_order_relaxed);
  timed_.store(&idle_, std::memory_order_relaxed);
  arch::this_cpu().current_thread = reinterpret_cast<std::uint64_t>(&idle_);
  online_cores.fetch_or(std::uint64_t{1} << index, std::memory_order_release);  // pairs with the acquire in online()
}

void Core::run() {
  LEGO_ASSERT(&here() == this && running_ == &idle_);
  idle_state_.store(IdleState::Polling, std::memory_order_relaxed);
  arch::enable_interrupts();
  while (true) idle_once();
}

}  // namespace threads
