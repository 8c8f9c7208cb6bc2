// SPDX-License-Identifier: Apache-2.0
// Fatal traps: see trap_report.h.
#include "arch/x86_64/trap_report.h"

#include <array>

#include "arch/x86_64/cpu.h"
#include "kernel/base/format.h"
#include "kernel/base/platform.h"

namespace arch {
namespace {

constexpr std::array<const char*, 32> names{"divide error",
                                            "debug",
                                            "NMI",
                                            "breakpoint",
                                            "overflow",
                                            "bound range",
                                            "invalid opcode",
                                            "no x87",
                                            "double fault",
                                            "exception 9",
                                            "invalid TSS",
                                            "segment not present",
                                            "stack fault",
                                            "general protection",
                                            "page fault",
                                            "exception 15",
                                            "x87 error",
                                            "alignment check",
                                            "machine check",
                                            "SIMD error",
                                            "virtualization",
                                            "control protection",
                                            "exception 22",
                                            "exception 23",
                                            "exception 24",
                                            "exception 25",
                                            "exception 26",
                                            "exception 27",
                                            "hypervisor injection",
                                            "VMM communication",
                                            "security",
                                            "exception 31"};

FatalTrapHandler fatal_handler = nullptr;

}  // namespace

const char* exception_name(std::uint64_t vector) { return vector < names.size() ? names[vector] : "interrupt"; }

void report_frame(const TrapFrame& frame, void (*write_line)(std::string_view)) {
  const auto line = [write_line](std::string_view pattern, const auto&... values) {
    std::array<char, 200> buffer;
    write_line(base::format(buffer, pattern, values...));
  };
  line("  rip {:x} cs {:x} rflags {:x} rsp {:x} ss {:x} cr2 {:x} cr3 {:x}", frame.rip, frame.cs, frame.rflags,
       frame.rsp, frame.ss, read_cr2(), read_cr3());
  line("  rax {:x} rbx {:x} rcx {:x} rdx {:x} rsi {:x} rdi {:x} rbp {:x}", frame.rax, frame.rbx, frame.rcx, frame.rdx,
       frame.rsi, frame.rdi, frame.rbp);
  line("  r8 {:x} r9 {:x} r10 {:x} r11 {:x} r12 {:x} r13 {:x} r14 {:x} r15 {:x}", frame.r8, frame.r9, frame.r10,
       frame.r11, frame.r12, frame.r13, frame.r14, frame.r15);
}

void report_fatal_trap(const TrapFrame& frame) {
  if (fatal_handler != nullptr) fatal_handler(frame);
  std::array<char, 120> buffer;
  base::platform::panic(base::format(buffer, "{} (vector {}, error {:x}) at {:x}", exception_name(frame.vector),
                                     frame.vector, frame.error, frame.rip));
}

void set_fatal_trap_handler(FatalTrapHandler handler) { fatal_handler = handler; }

}  // namespace arch
