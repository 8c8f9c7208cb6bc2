// SPDX-License-Identifier: Apache-2.0
// Interrupts between cores, exception hooks, the per-core timer and the clock.
#include <atomic>

#include "arch/x86_64/apic.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/cpu_features.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/msr.h"
#include "arch/x86_64/percpu.h"
#include "kernel/core/cores.h"
#include "kernel/time/clock.h"
#include "kernel/time/timer.h"
#include "tests/rack/kernel_check/check.h"

namespace kernel_check {
namespace {

class Counter final : public arch::InterruptHandler {
 public:
  void interrupt() override {
    EXPECT(!arch::interrupts_enabled());
    cores.fetch_or(std::uint64_t{1} << arch::this_core());
    count.fetch_add(1);
  }
  std::atomic<std::uint64_t> cores{0}, count{0};
};
Counter shared_counter, own_counter;
std::atomic<std::uint64_t> deadlines{0}, exits{0};

// Other cores answer when the host runs them: no limit but the test's own.
template <typename Condition>
void wait_for(Condition condition) {
  while (!condition()) arch::pause();
}

bool step_over(arch::TrapFrame& frame) {
  EXPECT(frame.vector == arch::vector::invalid_opcode && !frame.from_user());
  frame.rax += 1;
  frame.rip += 2;  // UD2
  return true;
}

std::uint64_t fault_address = 0, fault_error = 0;
bool note_fault(arch::TrapFrame& frame, std::uint64_t address, std::uint64_t error) {
  fault_address = address;
  fault_error = error;
  frame.rip = frame.rbx;  // try_load() put its way out there
  return true;
}

}  // namespace

// probes.asm
extern "C" std::uint64_t probe_undefined_instruction(std::uint64_t value);
extern "C" void probe_load(const volatile void* address);

void check_interrupts(const kernel::BootInfo&) {
  const auto shared = arch::allocate_shared_vector(shared_counter);
  EXPECT(shared.has_value());
  const std::uint64_t others = kernel::core_count() - 1;
  arch::enable_interrupts();
  arch::send_interrupt_to_others(*shared);
  wait_for([&] { return shared_counter.count.load() == others; });
  EXPECT(shared_counter.cores.load() == ((std::uint64_t{1} << kernel::core_count()) - 1 - 1));
  for (std::uint32_t core = 0; core < kernel::core_count(); ++core) arch::send_interrupt(core, *shared);
  wait_for([&] { return shared_counter.count.load() == 2 * others + 1; });
  EXPECT(shared_counter.cores.load() == (std::uint64_t{1} << kernel::core_count()) - 1);

  const std::uint32_t last = kernel::core_count() - 1;
  const auto own = arch::allocate_vector(own_counter, last);
  EXPECT(own.has_value() && own->core == last);
  const auto message = arch::msi_message(*own);
  EXPECT(message.has_value() && message->data == own->number);
  EXPECT(message->address == (0xfee00000 | std::uint64_t{arch::percpu(last).apic_id} << 12));
  arch::send_interrupt(last, own->number);
  wait_for([] { return own_counter.count.load() == 1; });
  arch::free_vector(*own);
  unsigned vectors = 0;
  arch::InterruptVector taken[256];
  while (const auto vector = arch::allocate_vector(own_counter, last)) taken[vectors++] = *vector;
  EXPECT(vectors > 150);
  while (vectors > 0) arch::free_vector(taken[--vectors]);
  arch::disable_interrupts();
}

void check_exceptions(const kernel::BootInfo&) {
  arch::set_exception_handler(arch::vector::invalid_opcode, step_over);
  arch::set_trap_exit_hook([](arch::TrapFrame&) { exits.fetch_add(1); });
  EXPECT(probe_undefined_instruction(41) == 42);
  EXPECT(exits.load() >= 1);
  arch::set_trap_exit_hook(nullptr);
  arch::set_exception_handler(arch::vector::invalid_opcode, nullptr);

  arch::set_page_fault_handler(note_fault);
  probe_load(reinterpret_cast<const void*>(0x1234));
  EXPECT(fault_address == 0x1234 && fault_error == 0);
  probe_load(reinterpret_cast<const void*>(0xffff'8000'0000'0000 + (std::uint64_t{1} << 45)));
  EXPECT(fault_address == 0xffff'a000'0000'0000);
  arch::set_page_fault_handler(nullptr);
  if (arch::cpu_features().smep) EXPECT((arch::read_cr4() & arch::cr::cr4_smep) != 0);
  if (arch::cpu_features().smap) EXPECT((arch::read_cr4() & arch::cr::cr4_smap) != 0);
  if (arch::cpu_features().umip) EXPECT((arch::read_cr4() & arch::cr::cr4_umip) != 0);
}

void check_timer(const kernel::BootInfo&) {
  kernel::on_deadline([] { deadlines.fetch_add(1); });
  arch::enable_interrupts();
  for (const std::uint64_t wait_ns : {std::uint64_t{0}, base::microsecond_ns, 3 * base::millisecond_ns}) {
    const std::uint64_t seen = deadlines.load(), deadline = kernel::now_ns() + wait_ns;
    arch::disable_interrupts();
    kernel::set_deadline(deadline);
    arch::enable_interrupts();
    wait_for([&] { return deadlines.load() == seen + 1; });
    EXPECT(kernel::now_ns() >= deadline);
  }
  // Halted, and set anew for an earlier time.
  arch::disable_interrupts();
  kernel::set_deadline(kernel::now_ns() + 1000 * base::second_ns);
  const std::uint64_t seen = deadlines.load(), deadline = kernel::now_ns() + base::millisecond_ns;
  kernel::set_deadline(deadline);
  while (deadlines.load() == seen) {
    arch::enable_interrupts_and_halt();
    arch::disable_interrupts();
  }
  EXPECT(kernel::now_ns() >= deadline);
  // Called off.
  kernel::set_deadline(kernel::now_ns() + base::millisecond_ns);
  kernel::set_deadline(base::never_ns);
  arch::enable_interrupts();
  kernel::spin_for_ns(3 * base::millisecond_ns);
  EXPECT(deadlines.load() == seen + 1);
  arch::disable_interrupts();
  kernel::on_deadline(nullptr);
}

void check_clock(const kernel::BootInfo&) {
  std::uint64_t last = kernel::now_ns();
  EXPECT(last > 0);
  for (unsigned i = 0; i < 100'000; ++i) {
    const std::uint64_t now = kernel::now_ns();
    EXPECT(now >= last);
    last = now;
  }
  const std::uint64_t start = kernel::now_ns();
  kernel::spin_for_ns(base::millisecond_ns);
  EXPECT(kernel::now_ns() - start >= base::millisecond_ns);
  EXPECT(kernel::ticks_to_ns(kernel::tsc_hertz()) > 999'999'000 &&
         kernel::ticks_to_ns(kernel::tsc_hertz()) < 1'000'001'000);
}

}  // namespace kernel_check
