// SPDX-License-Identifier: Apache-2.0
// Programs of the classic Berkeley packet filter as seccomp(2) runs them over calls: what a user gave is checked once,
// so that a run ends and touches nothing but its own words. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "linux-abi/abi/errno.h"

namespace linux_abi {

// struct sock_filter
struct FilterInstruction {
  std::uint16_t code = 0;
  std::uint8_t if_true = 0, if_false = 0;
  std::uint32_t operand = 0;
};
static_assert(sizeof(FilterInstruction) == 8);

// struct seccomp_data
struct CallData {
  std::int32_t number = 0;
  std::uint32_t architecture = 0xc000003e;  // AUDIT_ARCH_X86_64
  std::uint64_t instruction = 0;
  std::array<std::uint64_t, 6> arguments{};
};
static_assert(sizeof(CallData) == 64);

inline constexpr std::size_t max_filter_instructions = 4096;

// EINVAL: not a program that seccomp takes.
Answer<> check_filter(std::span<const FilterInstruction> program);
// Of a program that was checked: what it returns.
std::uint32_t run_filter(std::span<const FilterInstruction> program, const CallData& call);

}  // namespace linux_abi
