// SPDX-License-Identifier: Apache-2.0
// What every way into the kernel (exception, interrupt, system call) leaves on the kernel stack, lowest address first.
// offsets.inc has the same numbers for the assembly. The size is a multiple of 16, so a C++ function can be called with
// the stack pointer at the frame.
#pragma once

#include <cstddef>
#include <cstdint>

namespace arch {

struct TrapFrame {
  std::uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  std::uint64_t vector;  // of the exception or interrupt; syscall_vector for a system call
  std::uint64_t error;   // the CPU's error code; 0 where there is none; the call number (orig_rax) for a system call
  std::uint64_t rip, cs, rflags, rsp, ss;  // as IRETQ takes them

  bool from_user() const { return (cs & 3) != 0; }
};
static_assert(sizeof(TrapFrame) == 176 && sizeof(TrapFrame) % 16 == 0);
static_assert(offsetof(TrapFrame, rdi) == 112 && offsetof(TrapFrame, vector) == 120 &&
              offsetof(TrapFrame, error) == 128 && offsetof(TrapFrame, rip) == 136 && offsetof(TrapFrame, ss) == 168);

inline constexpr std::uint64_t syscall_vector = 256;  // no interrupt has this number

// Exceptions: SDM volume 3A, table 6-1.
namespace vector {
inline constexpr std::uint8_t divide_error = 0;
inline constexpr std::uint8_t debug = 1;
inline constexpr std::uint8_t non_maskable = 2;
inline constexpr std::uint8_t breakpoint = 3;
inline constexpr std::uint8_t overflow = 4;
inline constexpr std::uint8_t bound_range = 5;
inline constexpr std::uint8_t invalid_opcode = 6;
inline constexpr std::uint8_t device_not_available = 7;
inline constexpr std::uint8_t double_fault = 8;
inline constexpr std::uint8_t invalid_tss = 10;
inline constexpr std::uint8_t segment_not_present = 11;
inline constexpr std::uint8_t stack_fault = 12;
inline constexpr std::uint8_t general_protection = 13;
inline constexpr std::uint8_t page_fault = 14;
inline constexpr std::uint8_t x87_error = 16;
inline constexpr std::uint8_t alignment_check = 17;
inline constexpr std::uint8_t machine_check = 18;
inline constexpr std::uint8_t simd_error = 19;
inline constexpr std::uint8_t exceptions = 32;  // how many vectors the CPU keeps for itself
}  // namespace vector

// Error code of a page fault: SDM volume 3A, section 4.7.
namespace page_fault {
inline constexpr std::uint64_t present = 1u << 0;  // a protection violation, not an absent entry
inline constexpr std::uint64_t write = 1u << 1;
inline constexpr std::uint64_t user = 1u << 2;  // the access, not the page
inline constexpr std::uint64_t reserved_bit = 1u << 3;
inline constexpr std::uint64_t instruction = 1u << 4;
}  // namespace page_fault

}  // namespace arch
