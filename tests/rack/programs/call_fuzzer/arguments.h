// SPDX-License-Identifier: Apache-2.0
// A value for each kind of argument (calls.h): mostly one that means something, now and then anything at all.
#pragma once

#include <cstdint>

#include "context.h"

namespace fuzzer {

// `room`: 16-byte aligned place in the context's scratch memory for what the argument points to.
std::uint64_t argument(Context& context, char kind, unsigned char* room);
// The scratch memory's `n`-th part for an argument.
inline unsigned char* room(Context& context, unsigned n) { return context.scratch + n * 512; }
inline constexpr unsigned room_bytes = 512;

}  // namespace fuzzer
