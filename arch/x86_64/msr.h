// SPDX-License-Identifier: Apache-2.0
// Model-specific registers and control-register bits that the kernel uses; names and numbers are those of Intel's
// Software Developer's Manual, volume 4 (MSRs) and volume 3A section 2.5 (control registers).
#pragma once

#include <cstdint>

namespace arch::msr {

inline constexpr std::uint32_t ia32_apic_base = 0x1b;
inline constexpr std::uint32_t ia32_sysenter_cs = 0x174;
inline constexpr std::uint32_t ia32_pat = 0x277;
inline constexpr std::uint32_t ia32_tsc_deadline = 0x6e0;
inline constexpr std::uint32_t x2apic_first = 0x800;  // + register offset / 16
inline constexpr std::uint32_t ia32_efer = 0xc0000080;
inline constexpr std::uint32_t ia32_star = 0xc0000081;
inline constexpr std::uint32_t ia32_lstar = 0xc0000082;
inline constexpr std::uint32_t ia32_fmask = 0xc0000084;
inline constexpr std::uint32_t ia32_fs_base = 0xc0000100;
inline constexpr std::uint32_t ia32_gs_base = 0xc0000101;
inline constexpr std::uint32_t ia32_kernel_gs_base = 0xc0000102;
inline constexpr std::uint32_t ia32_tsc_aux = 0xc0000103;

inline constexpr std::uint64_t efer_syscall = 1u << 0;
inline constexpr std::uint64_t efer_long_mode = 1u << 8;
inline constexpr std::uint64_t efer_no_execute = 1u << 11;

}  // namespace arch::msr

namespace arch::cr {

inline constexpr std::uint64_t cr0_monitor_coprocessor = 1u << 1;
inline constexpr std::uint64_t cr0_emulation = 1u << 2;
inline constexpr std::uint64_t cr0_task_switched = 1u << 3;
inline constexpr std::uint64_t cr0_numeric_error = 1u << 5;
inline constexpr std::uint64_t cr0_write_protect = 1u << 16;
inline constexpr std::uint64_t cr0_alignment_mask = 1u << 18;
inline constexpr std::uint64_t cr4_global_pages = 1u << 7;
inline constexpr std::uint64_t cr4_fxsave = 1u << 9;
inline constexpr std::uint64_t cr4_simd_exceptions = 1u << 10;
inline constexpr std::uint64_t cr4_umip = 1u << 11;
inline constexpr std::uint64_t cr4_fsgsbase = 1u << 16;
inline constexpr std::uint64_t cr4_xsave = 1u << 18;
inline constexpr std::uint64_t cr4_smep = 1u << 20;
inline constexpr std::uint64_t cr4_smap = 1u << 21;

}  // namespace arch::cr
