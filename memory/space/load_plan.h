// SPDX-License-Identifier: Apache-2.0
// Where a program goes in a fresh address space: Linux's layout for x86-64 (executable, heap, mmap area, stack), with
// its randomisation, and the VMAs of a program's segments.
#pragma once

#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/random.h"
#include "kernel/vma/vma_set.h"
#include "memory/elf/elf_file.h"
#include "net/messages/space.h"

namespace memory {

struct SpaceLayout {
  vma::Layout areas;               // for VmaSet
  std::uint64_t program_base = 0;  // added to a position-independent program without an interpreter's help
  std::uint64_t stack_top = 0;
  std::uint64_t stack_bytes = 0;
  std::uint64_t break_gap = 0;  // between the program's end and the break
  base::UserVa system_pages;    // where they go if there is room
};

// random 0: the layout of a process without randomisation.
SpaceLayout choose_layout(std::uint64_t stack_limit, std::uint64_t random);

// Maps a program's segments at `base` (0 for a fixed one) into `vmas` and appends the ranges to clear. Malformed if a
// segment would leave the user's half, NoMemory as VmaSet::map.
base::Result<> map_program(vma::VmaSet& vmas, const ElfProgram& program, base::ObjectId file, std::uint64_t base,
                           base::Array<messages::ZeroRange>& zero_ranges);

// The stack: one VMA of the initial size ending at layout.stack_top that grows down.
base::Result<> map_stack(vma::VmaSet& vmas, const SpaceLayout& layout, bool executable);

// The pages of messages::system_pages_object: data that only pComponents write, then code.
base::Result<> map_system_pages(vma::VmaSet& vmas, const SpaceLayout& layout, std::uint64_t data_pages,
                                std::uint64_t code_pages);

}  // namespace memory
