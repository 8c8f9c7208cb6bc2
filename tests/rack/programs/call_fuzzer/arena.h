// SPDX-License-Identifier: Apache-2.0
// The memory and the descriptors that calls are made with: regions of every kind side by side at a fixed address, and
// one descriptor of every kind. Threads change both while others use them.
#pragma once

#include <cstdint>

#include "context.h"

namespace fuzzer {

inline constexpr std::uint64_t page = 4096;
inline constexpr std::uint64_t arena_start = 0x20'0000'0000;
inline constexpr unsigned regions = 24;
inline constexpr std::uint64_t region_bytes = 16 * page;
inline constexpr int usual_descriptors = 64;

void map_region(Context& context, unsigned region);
void open_descriptor(Context& context, int wanted);
void fill_arena(Context& context);
// Where a buffer may be: mostly good memory.
std::uint64_t buffer_address(Context& context);
// Numbers at which programs go wrong.
std::uint64_t edge(Context& context);

}  // namespace fuzzer
