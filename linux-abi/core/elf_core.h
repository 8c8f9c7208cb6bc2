// SPDX-License-Identifier: Apache-2.0
// The layout of a core file (core(5), System V ABI chapter 5): an ELF header, program headers, notes, then memory.
// Pure: what a process was at its end comes in, bytes go out. The structures are Linux's for x86-64.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/error.h"

namespace core {

// struct user_regs_struct
struct Registers {
  std::uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs, rflags, rsp,
      ss, fs_base, gs_base, ds, es, fs, gs;
};
static_assert(sizeof(Registers) == 27 * 8);

struct Time {
  std::int64_t seconds = 0, microseconds = 0;
};

// struct elf_prstatus
struct ThreadStatus {
  std::int32_t signal = 0, code = 0, error = 0;
  std::int16_t current_signal = 0, padding = 0;
  std::uint64_t pending = 0, blocked = 0;
  std::int32_t tid = 0, parent = 0, group = 0, session = 0;
  Time user, system, children_user, children_system;
  Registers registers{};
  std::int32_t has_vector_registers = 1, padding_end = 0;
};
static_assert(sizeof(ThreadStatus) == 336 && offsetof(ThreadStatus, registers) == 112);

// struct elf_prpsinfo
struct ProcessInformation {
  std::int8_t state = 0;
  char state_name = 'R';
  std::int8_t zombie = 0, nice = 0;
  std::uint32_t padding = 0;
  std::uint64_t flags = 0;
  std::uint32_t uid = 0, gid = 0;
  std::int32_t pid = 0, parent = 0, group = 0, session = 0;
  std::array<char, 16> name{};
  std::array<char, 80> arguments{};
};
static_assert(sizeof(ProcessInformation) == 136 && offsetof(ProcessInformation, name) == 40);

class Notes {
 public:
  // `owner`: "CORE" or "LINUX"; type: NT_*.
  base::Result<> add(std::string_view owner, std::uint32_t type, std::span<const std::byte> content);
  std::span<const std::byte> bytes() const { return bytes_.span(); }

 private:
  base::Array<std::byte> bytes_;
};

// The content of NT_FILE: which files are mapped where.
class MappedFiles {
 public:
  base::Result<> add(std::uint64_t start, std::uint64_t end, std::uint64_t offset, std::string_view path);
  base::Result<base::Array<std::byte>> content() const;

 private:
  struct Place {
    std::uint64_t start, end, page;
  };
  base::Array<Place> places_;
  base::Array<char> paths_;
};

// A mapping: file_bytes of it, from its start, are in the file; the rest reads as nothing.
struct Segment {
  std::uint64_t address = 0, memory_bytes = 0, file_bytes = 0;
  std::uint32_t rights = 0;  // as PROT_*
};

// Everything before the memory, which follows at the next multiple of the page size, segment after segment.
base::Result<base::Array<std::byte>> head_of(std::span<const Segment> segments, const Notes& notes);

// The vector registers as notes: NT_FPREGSET is the first part of an XSAVE image; NT_X86_XSTATE the whole, in which
// debuggers look for the features (XCR0) among the bytes that are software's.
void note_features(std::span<std::byte> image, std::uint64_t features);
inline constexpr std::size_t fxsave_bytes = 512;

}  // namespace core
