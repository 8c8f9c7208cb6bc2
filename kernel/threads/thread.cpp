// SPDX-License-Identifier: Apache-2.0
// A thread's own properties: see thread.h.
#include "kernel/threads/thread.h"

#include <algorithm>

#include "arch/x86_64/interrupts_off.h"
#include "kernel/base/assert.h"
#include "kernel/threads/core.h"
#include "kernel/threads/scheduler.h"

namespace threads {

Thread::Thread() {
  queue_entry_.thread = this;
  deadline_.thread = this;
}

void Thread::set_name(std::string_view name) {
  const std::size_t length = std::min(name.size(), name_.size() - 1);
  std::copy_n(name.begin(), length, name_.begin());
  std::fill(name_.begin() + static_cast<std::ptrdiff_t>(length), name_.end(), '\0');
}

arch::TrapFrame& Thread::user_frame() const {
  LEGO_ASSERT(is_user());
  return *reinterpret_cast<arch::TrapFrame*>(stack_.top() - sizeof(arch::TrapFrame));
}

void Thread::set_address_space(arch::TlbDomain* space) {
  LEGO_ASSERT(is_user() && this == &current());
  const arch::InterruptsOff off;
  space_ = space;
  if (space != nullptr) {
    arch::load_address_space(*space);
  } else {
    arch::be_lazy();
  }
}

void Thread::save_user_registers() {
  if (registers_saved_ || !registers_are_live()) return;
  fpu_.save_registers();
  bases_ = arch::read_user_segment_bases();
  registers_saved_ = true;
}

void Thread::load_user_registers() {
  fpu_.restore_registers();
  arch::write_user_segment_bases(bases_);
  Core& core = Core::here();
  core.registers = this;
  registers_core_ = core.index();
}

arch::UserSegmentBases Thread::segment_bases() const {
  const arch::InterruptsOff off;
  return this == &current() && registers_are_live() ? arch::read_user_segment_bases() : bases_;
}

void Thread::set_segment_bases(const arch::UserSegmentBases& bases) {
  const arch::InterruptsOff off;
  bases_ = bases;
  if (this == &current() && registers_are_live()) arch::write_user_segment_bases(bases);
}

const arch::FpuState& Thread::read_fpu() {
  LEGO_ASSERT(is_user());
  const arch::InterruptsOff off;
  if (this == &current()) save_user_registers();
  return fpu_;
}

arch::FpuState& Thread::write_fpu() {
  LEGO_ASSERT(is_user());
  const arch::InterruptsOff off;
  if (this == &current()) save_user_registers();
  registers_core_ = no_core;
  return fpu_;
}

void Thread::set_nice(int nice) {
  nice_.store(std::clamp(nice, policy::lowest_nice, policy::highest_nice), std::memory_order_relaxed);
  HomeLock home(*this);
  home.core().apply_nice(*this);
}

base::Result<> Thread::set_affinity(CoreMask mask) {
  if ((mask & Core::online()).empty()) return base::fail(base::Error::InvalidArgument);
  affinity_.store(mask.bits(), std::memory_order_relaxed);
  HomeLock home(*this);
  Core& core = home.core();
  core.apply_affinity(*this, home.release());
  return {};
}

ThreadTimes Thread::times() const { return Core::at(core_.load(std::memory_order_relaxed)).times_of(*this); }

bool Thread::must_end_wait(Interruptible kind) const {
  if (kind == Interruptible::Never) return false;
  return killed() || (kind == Interruptible::Yes && interrupted_.load(std::memory_order_relaxed));
}

void Thread::interrupt() {
  interrupted_.store(true, std::memory_order_relaxed);  // made known by the lock
  return_work_.store(true, std::memory_order_relaxed);
  notice();
}

void Thread::kill() {
  killed_.store(true, std::memory_order_relaxed);  // made known by the lock
  return_work_.store(true, std::memory_order_relaxed);
  notice();
}

// It may sleep, or be in user mode on another core.
void Thread::notice() {
  HomeLock home(*this);
  Core& core = home.core();
  if (run_state_.load(std::memory_order_relaxed) != RunState::Blocked) return core.poke_if_running(*this);
  if (must_end_wait(sleep_kind_)) core.make_ready(*this, home.release());
}

}  // namespace threads
