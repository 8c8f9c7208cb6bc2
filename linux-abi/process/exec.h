// SPDX-License-Identifier: Apache-2.0
// Running a program: execve, and the first program of a launch.
#pragma once

#include <string_view>

#include "arch/x86_64/trap_frame.h"
#include "kernel/base/array.h"
#include "linux-abi/process/thread.h"

namespace linux_abi {

// Strings of argv and envp, each ended by a zero byte.
struct ProgramStrings {
  base::Array<char> bytes;
  std::uint32_t argument_count = 0;
  std::uint32_t environment_count = 0;  // they follow the arguments
};
// Linux's MAX_ARG_STRLEN and the total that a quarter of an 8 MiB stack gives.
inline constexpr std::size_t max_string_bytes = 128 * 1024;
inline constexpr std::size_t max_strings_bytes = 2 * 1024 * 1024;
inline constexpr std::uint32_t max_strings = 65536;

// A program that was found and loaded into a new space, ready to be entered. Scripts (#!) are resolved.
struct PreparedProgram {
  OpenFileReference file;
  processor::Reference<processor::AddressSpace> space;
  processor::LoadedProgram loaded;
  std::array<processor::ZeroRange, processor::max_zero_ranges> zero_ranges;
  std::size_t zero_count = 0;
  std::array<char, 16> name{};  // comm
  std::uint32_t set_uid = no_change, set_gid = no_change;
  std::uint32_t persona = 0;
  static constexpr std::uint32_t no_change = ~std::uint32_t{0};
};
// `strings` gets the interpreter's arguments in front where the file is a script. path: as the user gave it (AT_EXECFN,
// and what a script's interpreter is given).
Answer<PreparedProgram> prepare_program(Thread& thread, processor::Family& family, int directory_descriptor,
                                        std::string_view path, int flags, ProgramStrings& strings);

// Clears what must be cleared and writes the stack of the space that the running thread has now; sets the registers.
Answer<> set_up_stack(Thread& thread, const PreparedProgram& program, const ProgramStrings& strings,
                      std::string_view path, arch::TrapFrame& frame);

// execve: on success the frame is the new program's. After the point of no return failures kill the process.
Answer<> execute(Thread& thread, int directory_descriptor, std::string_view path, int flags, ProgramStrings strings,
                 arch::TrapFrame& frame);

}  // namespace linux_abi
