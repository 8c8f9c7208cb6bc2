// SPDX-License-Identifier: Apache-2.0
// Page faults and exceptions on their way to the handlers of user_mode.h. What the kernel itself did wrong is not taken
// here: interrupts.h then panics. Handlers run with interrupts enabled and SMAP's window closed (the entry clears AC,
// IRET sets it again); they may sleep, and go on on another core.
#include "arch/x86_64/user_mode_faults.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_copy_fixup.h"
#include "arch/x86_64/user_mode.h"

namespace arch {

namespace {

constexpr std::uint8_t user_exceptions[] = {
    vector::divide_error,
    vector::debug,
    vector::breakpoint,
    vector::overflow,
    vector::bound_range,
    vector::invalid_opcode,
    vector::device_not_available,
    vector::segment_not_present,
    vector::stack_fault,
    vector::general_protection,
    vector::x87_error,
    vector::alignment_check,
    vector::simd_error,
};

FaultOutcome ask(TrapFrame& frame, std::uint64_t address, std::uint64_t error) {
  const PageFault fault{.address = base::UserVa(address),
                        .present = (error & page_fault::present) != 0,
                        .write = (error & page_fault::write) != 0,
                        .instruction = (error & page_fault::instruction) != 0,
                        .from_user = frame.from_user()};
  UserModeHandlers& handlers = user_mode_handlers();
  return handlers.page_fault == nullptr ? FaultOutcome::Failed : handlers.page_fault(frame, fault);
}

bool user_exception(TrapFrame& frame, base::UserVa address) {
  UserModeHandlers& handlers = user_mode_handlers();
  if (handlers.exception == nullptr) return false;
  handlers.exception(frame, static_cast<std::uint8_t>(frame.vector), frame.error, address);
  return true;
}

bool fault_from_user(TrapFrame& frame, std::uint64_t address, std::uint64_t error) {
  enable_interrupts();
  const bool handled =
      ask(frame, address, error) == FaultOutcome::Retry || user_exception(frame, base::UserVa(address));
  disable_interrupts();
  return handled;
}

// A fault in user_copy. The frame's flags say whether it may sleep.
bool fault_from_kernel(TrapFrame& frame, std::uint64_t address, std::uint64_t error) {
  const std::uint64_t fixup = user_fixup(frame.rip);
  if (fixup == 0 || address >= user_space_end) return false;
  FaultOutcome outcome = FaultOutcome::Failed;
  if ((frame.rflags & rflags_interrupt) != 0) {
    enable_interrupts();
    outcome = ask(frame, address, error);
    disable_interrupts();
  }
  if (outcome == FaultOutcome::Failed) frame.rip = fixup;
  return true;
}

bool handle_page_fault(TrapFrame& frame, std::uint64_t address, std::uint64_t error) {
  if ((error & page_fault::reserved_bit) != 0) return false;  // our page tables are broken
  return frame.from_user() ? fault_from_user(frame, address, error) : fault_from_kernel(frame, address, error);
}

bool handle_exception(TrapFrame& frame) {
  if (!frame.from_user()) return false;
  enable_interrupts();
  const bool handled = user_exception(frame, base::UserVa());
  disable_interrupts();
  return handled;
}

}  // namespace

void install_fault_routes() {
  set_page_fault_handler(handle_page_fault);
  set_user_entry_hook([](TrapFrame&) { user_mode_handlers().entered_from_user(); });
  for (const std::uint8_t number : user_exceptions) set_exception_handler(number, handle_exception);
}

}  // namespace arch
