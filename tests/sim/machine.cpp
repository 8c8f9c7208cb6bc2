// SPDX-License-Identifier: Apache-2.0
// The simulated machine's cores, and arch:: over them. See machine.h.
#include "tests/sim/machine.h"

#include <cstdlib>

#include "kernel/base/assert.h"
#include "kernel/memory/kernel_map.h"
#include "tests/sim/report.h"

namespace sim {
namespace {

Machine* the_machine = nullptr;

using arch::Entry;

// As the processor does: in the entry itself, and only if it is still what was walked.
bool set_bits(arch::PageTable& table, base::UserVa page, Entry entry, std::uint64_t bits) {
  return table.replace_if(page.value(), entry, Entry(entry.bits() | bits)) == entry;
}

}  // namespace

// --- The machine
// ------------------------------------------------------------------------------------------------------

Machine::Machine(testing_support::Scheduler& scheduler) : scheduler_(scheduler) {
  LEGO_ASSERT(the_machine == nullptr);
  the_machine = this;
}

Machine& Machine::get() {
  LEGO_ASSERT(the_machine != nullptr);
  return *the_machine;
}

Machine::~Machine() {
  release_threads();
  for (const auto& [first, count] : frames_) std::free(kernel::direct_map(base::PhysAddr(first)));
  the_machine = nullptr;
}

void Machine::pause() {
  if (scheduler_.current() != nullptr && scheduler_.random.below(2) == 0) scheduler_.yield();
}

void Machine::add_core(threads::Thread& thread) { cores_[&thread] = std::make_unique<Core>(thread, ++last_core_); }

void Machine::shoot_down(arch::TlbDomain& domain, const std::function<void(Core&)>& forget) {
  std::map<std::uint64_t, threads::Thread*> targets;
  for (const auto& [thread, core] : cores_)
    if (core->domain() == &domain) targets[core->number()] = thread;
  for (const auto& [number, target] : targets) {
    pause();
    const auto found = cores_.find(target);
    if (found == cores_.end() || found->second->number() != number) continue;
    if (!skip_shoot_downs) forget(*found->second);
  }
  pause();
}

// --- A core
// -----------------------------------------------------------------------------------------------------------

void Core::load(arch::TlbDomain* domain) {
  domain_ = domain;
  tlb_.clear();
}

void Core::forget(std::span<const base::UserVa> pages) {
  for (const base::UserVa page : pages) tlb_.erase(page.value() >> base::page_shift);
}

bool Core::walk(base::UserVa page, Access access, Translation& found) {
  arch::PageTable table(domain_->root(), arch::DirectMapAccess(kernel::kernel_tables(), kernel::direct_map_base));
  const Entry entry = table.read(page.value());
  const bool writes = access == Access::Write;
  if (!entry.present() || !entry.user() || (writes && !entry.writable())) return false;
  const std::uint64_t bits = Entry::accessed_bit | (writes ? Entry::dirty_bit : 0);
  if (!set_bits(table, page, entry, bits)) return false;
  found = {kernel::direct_map(entry.frame()), entry.writable(), writes};
  return true;
}

// From the TLB, or from the page table into it. nullptr: a fault.
Core::Translation* Core::translate(base::UserVa page, Access access) {
  const std::uint64_t number = page.value() >> base::page_shift;
  const auto known = tlb_.find(number);
  if (known != tlb_.end()) {
    Translation& translation = known->second;
    if (access == Access::Read || (translation.writable && translation.dirty)) return &translation;
  }
  Translation found{};
  if (!walk(page, access, found)) {
    tlb_.erase(number);
    return nullptr;
  }
  // A translation that is being used for its first store keeps its frame.
  if (known != tlb_.end() && known->second.writable) {
    known->second.dirty = true;
    return &known->second;
  }
  return &(tlb_[number] = found);
}

void Core::fault(base::UserVa address, Access access) {
  arch::TrapFrame frame{};
  frame.cs = 3;
  frame.rip = 0x400000 + instructions_;
  const arch::PageFault fault{
      .address = address, .present = false, .write = access == Access::Write, .instruction = false, .from_user = true};
  arch::user_mode_handlers().page_fault(frame, fault);
}

processor::FaultEnd Core::access(base::UserVa address, Access access, const Use& use) {
  Machine& machine = Machine::get();
  const base::UserVa page(base::round_down(address.value(), base::page_bytes));
  ++instructions_;
  failure_ = processor::FaultEnd::Resolved;
  while (true) {
    machine.pause();
    if (Translation* translation = translate(page, access)) {
      use(*reinterpret_cast<std::uint64_t*>(translation->page + address.value() % base::page_bytes));
      return processor::FaultEnd::Resolved;
    }
    fault(address, access);
    if (failure_ != processor::FaultEnd::Resolved) return failure_;
    if (thread_.killed()) return processor::FaultEnd::Killed;
  }
}

}  // namespace sim

// --- arch::
// -----------------------------------------------------------------------------------------------------------

namespace arch {

TlbDomain::~TlbDomain() = default;

void TlbDomain::shoot_down(std::span<const base::UserVa> pages) {
  if (pages.empty()) return;
  sim::Machine::get().shoot_down(*this, [pages](sim::Core& core) { core.forget(pages); });
}

void TlbDomain::shoot_down_all() {
  sim::Machine::get().shoot_down(*this, [](sim::Core& core) { core.forget_all(); });
}

void TlbDomain::retire() {
  sim::Machine::get().shoot_down(*this, [](sim::Core&) { sim::fail("a space ends while a core has it loaded"); });
}

UserModeHandlers& user_mode_handlers() {
  static UserModeHandlers handlers;
  return handlers;
}

// Nothing here has vector registers; the object says that a thread is a user thread.
base::Result<FpuState> FpuState::create() {
  FpuState state;
  state.memory_ = std::malloc(1);
  return state;
}
FpuState::FpuState(FpuState&& other) noexcept : memory_(std::exchange(other.memory_, nullptr)) {}
FpuState& FpuState::operator=(FpuState&& other) noexcept {
  std::swap(memory_, other.memory_);
  return *this;
}
FpuState::~FpuState() { std::free(memory_); }

}  // namespace arch
