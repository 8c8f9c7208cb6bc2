// SPDX-License-Identifier: Apache-2.0
// Reads the headers of an ELF program and says which parts of the file go where, as Linux's loader would map them
// (System V ABI, AMD64 supplement). Trusts nothing: all numbers come from a user's file. Errors: NotExecutable (no ELF
// file at all), NotSupported (another machine, class or type), Malformed (damaged or truncated).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"

namespace memory {

inline constexpr std::size_t elf_header_bytes = 64;
inline constexpr std::size_t elf_program_header_bytes = 56;
inline constexpr std::size_t max_program_headers = 64;
inline constexpr std::size_t max_segments = 32;
inline constexpr std::size_t max_interpreter_path = 255;

struct ElfHeader {
  bool position_independent = false;
  std::uint64_t entry = 0;
  std::uint64_t program_headers_offset = 0;  // in the file
  std::uint32_t program_header_count = 0;
  std::size_t program_headers_bytes() const { return program_header_count * elf_program_header_bytes; }
};

// Addresses are as in the file: a position-independent program is placed by adding its base.
struct ElfSegment {
  std::uint64_t start = 0;     // page-aligned: [start, file_end) shows the file from file_offset (page-aligned) on,
  std::uint64_t file_end = 0;  // rounded up to a page;
  std::uint64_t file_offset = 0;
  std::uint64_t zero_start = 0;  // [zero_start, file_end rounded up) is to be cleared (empty if equal),
  std::uint64_t memory_end = 0;  // and [file_end rounded up, memory_end rounded up) is anonymous
  std::uint32_t protection = 0;  // PROT_*
};

struct ElfProgram {
  std::array<ElfSegment, max_segments> segments;
  std::size_t segment_count = 0;
  std::uint64_t lowest = 0;              // page-aligned
  std::uint64_t highest = 0;             // end of the last segment in memory, not rounded
  std::uint64_t alignment = 0;           // of the base: the largest p_align, at least a page
  std::uint64_t program_headers = 0;     // address in memory; 0 if no segment holds them
  std::uint64_t interpreter_offset = 0;  // of the path in the file
  std::uint64_t interpreter_bytes = 0;   // with its final zero byte; 0: none
  bool executable_stack = false;
  std::uint64_t code_start = 0, code_end = 0, data_start = 0, data_end = 0;
};

// The first elf_header_bytes of a file of file_bytes (fewer if the file is shorter).
base::Result<ElfHeader> parse_elf_header(std::span<const std::byte> bytes, std::uint64_t file_bytes);
// bytes: header.program_headers_bytes() from header.program_headers_offset on.
base::Result<ElfProgram> parse_elf_program(const ElfHeader& header, std::span<const std::byte> bytes,
                                           std::uint64_t file_bytes);

}  // namespace memory
