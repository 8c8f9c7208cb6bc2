// SPDX-License-Identifier: Apache-2.0
// The bounds of kernel/threads, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace threads {

// A page fault in a system call may go down to the NIC driver: about 6 KiB of frames, with room for interrupts on top.
inline constexpr std::size_t kernel_stack_bytes = 32 * 1024;

// What 2 GiB of kernel stacks hold; a fork bomb ends with an error, not with the component's memory.
inline constexpr std::uint32_t max_threads = 65536;

}  // namespace threads
