// SPDX-License-Identifier: Apache-2.0
// CRC-32 by carry-less multiplication (PCLMULQDQ): a long run of bytes is folded into 16 that have the same remainder,
// and whoever asked goes on from there with a method of its own. The vector registers that this takes are saved and
// restored around it, so that a kernel may use it in any context whose cores run with SSE on (start_percpu).
#pragma once

#include <cstddef>
#include <cstdint>

#include "arch/x86_64/cpu.h"

namespace arch {

// Factors for a reflected polynomial: bits of x^(n+32) and of x^(n-32) modulo the polynomial, for what lies n bits
// ahead, in the order in which the instruction takes the halves of a register.
struct CrcFactors {
  std::uint64_t by_512_bits[2];
  std::uint64_t by_128_bits[2];
};
static_assert(sizeof(CrcFactors) == 32);

inline bool can_fold_crc() {
  constexpr std::uint32_t pclmulqdq = 1u << 1;
  return (cpuid(1).ecx & pclmulqdq) != 0;
}

}  // namespace arch

// blocks: of 64 bytes, at least one. The CRC of `folded`, from a state of 0, is that of the blocks from `state`.
extern "C" void arch_crc_fold(const arch::CrcFactors* factors, std::uint32_t state, const std::byte* bytes,
                              std::size_t blocks, std::byte folded[16]);
