// SPDX-License-Identifier: Apache-2.0
// Executable files that nobody's linker made.
#pragma once

#include <cstdint>

namespace fuzzer {

// Writes one to `path`: a small ELF program with changed headers, or a script with an odd first line.
void write_damaged_program(const char* path, std::uint64_t seed);
// Executes it; does not return.
[[noreturn]] void run_damaged_program(const char* path);

}  // namespace fuzzer
