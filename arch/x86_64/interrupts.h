// SPDX-License-Identifier: Apache-2.0
// Interrupt vectors and exceptions. A device or a subsystem allocates a vector on a core (MSI, MSI-X) or on every core
// (inter-processor interrupts); its handler runs on that core with interrupts disabled, and end-of-interrupt is done
// here. Handlers are short and never sleep. Exceptions go to the hooks that higher layers install once at start-up;
// what no hook takes is a panic.
#pragma once

#include <cstdint>

#include "arch/x86_64/trap_frame.h"
#include "kernel/base/error.h"

namespace arch {

class InterruptHandler {
 public:
  virtual void interrupt() = 0;

 protected:
  ~InterruptHandler() = default;
};

struct InterruptVector {
  std::uint32_t core = 0;
  std::uint8_t number = 0;
};

// A vector of its own on one core. The handler must outlive it. Error::Exhausted: the core has none left.
base::Result<InterruptVector> allocate_vector(InterruptHandler& handler, std::uint32_t core);
void free_vector(InterruptVector vector);
// The same number on every core, for send_interrupt(). Never freed.
base::Result<std::uint8_t> allocate_shared_vector(InterruptHandler& handler);

// What a device writes to raise the vector: the message of PCI MSI and MSI-X. Error::NotSupported when the core's APIC
// id does not fit the 8 bits there (that would need interrupt remapping): choose a lower core.
struct MsiMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};
base::Result<MsiMessage> msi_message(InterruptVector vector);

// Inter-processor interrupts; `vector` comes from allocate_shared_vector().
void send_interrupt(std::uint32_t core, std::uint8_t vector);
void send_interrupt_to_others(std::uint8_t vector);

// true: handled, go on with the frame (which may have been changed). Called with interrupts disabled, on the stack that
// was interrupted (user mode: on the kernel stack). A handler that may sleep enables interrupts itself.
using PageFaultHandler = bool (*)(TrapFrame& frame, std::uint64_t address, std::uint64_t error);
using ExceptionHandler = bool (*)(TrapFrame& frame);
void set_page_fault_handler(PageFaultHandler handler);
void set_exception_handler(std::uint8_t vector, ExceptionHandler handler);  // not NMI, #DF, #MC

// Called at the end of every exception and interrupt except NMI, #DF and #MC, with interrupts disabled, before
// the frame is restored: to switch threads, and to deliver signals when frame.from_user().
using TrapHook = void (*)(TrapFrame& frame);
void set_trap_exit_hook(TrapHook hook);
// Called first on every exception and interrupt (with the same exceptions) that comes from user mode.
void set_user_entry_hook(TrapHook hook);

// What an NMI does on the core that gets one; the default is a panic. Panics use it to stop the other cores.
void set_nmi_handler(TrapHook handler);

// Builds the interrupt descriptor table; load_interrupt_table() makes this core use it.
void make_interrupt_table();
void load_interrupt_table();

}  // namespace arch
