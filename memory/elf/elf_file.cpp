// SPDX-License-Identifier: Apache-2.0
// Reads ELF headers: see elf_file.h.
#include "memory/elf/elf_file.h"

#include <linux/elf.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/base/types.h"

namespace memory {
namespace {

using base::Error;
using base::fail;
using base::page_bytes;
using base::Result;
using base::round_down;
using base::round_up;

static_assert(sizeof(Elf64_Ehdr) == elf_header_bytes && sizeof(Elf64_Phdr) == elf_program_header_bytes);

constexpr std::uint64_t user_end = std::uint64_t{1} << 47;

// start + bytes does not wrap and stays at or below limit.
bool within(std::uint64_t start, std::uint64_t bytes, std::uint64_t limit) {
  return start <= limit && bytes <= limit - start;
}

std::uint32_t protection_of(std::uint32_t flags) {
  return ((flags & PF_R) != 0 ? 1U : 0U) | ((flags & PF_W) != 0 ? 2U : 0U) | ((flags & PF_X) != 0 ? 4U : 0U);
}

Result<ElfSegment> read_load_segment(const Elf64_Phdr& header, std::uint64_t file_bytes) {
  if (header.p_filesz > header.p_memsz) return fail(Error::Malformed);
  if (!within(header.p_vaddr, header.p_memsz, user_end - page_bytes)) return fail(Error::Malformed);
  if (!within(header.p_offset, header.p_filesz, file_bytes)) return fail(Error::Malformed);
  if (header.p_vaddr % page_bytes != header.p_offset % page_bytes) return fail(Error::Malformed);
  ElfSegment segment;
  segment.start = round_down(header.p_vaddr, page_bytes);
  segment.file_offset = round_down(header.p_offset, page_bytes);
  const std::uint64_t data_end = header.p_vaddr + header.p_filesz;
  segment.file_end = header.p_filesz == 0 ? segment.start : round_up(data_end, page_bytes);
  segment.memory_end = std::max<std::uint64_t>(header.p_vaddr + header.p_memsz, segment.file_end);
  segment.protection = protection_of(header.p_flags);
  // Linux clears the rest of the last page only if there is memory beyond the file's part and it may be written.
  const bool clears = header.p_memsz > header.p_filesz && header.p_filesz > 0 && (header.p_flags & PF_W) != 0;
  segment.zero_start = clears ? data_end : segment.file_end;
  return segment;
}

void note_extent(ElfProgram& program, const Elf64_Phdr& header) {
  const std::uint64_t start = header.p_vaddr, file_end = header.p_vaddr + header.p_filesz;
  if ((header.p_flags & PF_X) != 0) {
    program.code_start = program.code_end == 0 ? start : std::min(program.code_start, start);
    program.code_end = std::max(program.code_end, file_end);
  }
  program.data_start = std::max(program.data_start, start);
  program.data_end = std::max(program.data_end, file_end);
  program.highest = std::max<std::uint64_t>(program.highest, header.p_vaddr + header.p_memsz);
}

Result<> add_load_segment(ElfProgram& program, const ElfHeader& header, const Elf64_Phdr& load,
                          std::uint64_t file_bytes) {
  if (load.p_memsz == 0) return {};
  const ElfSegment segment = TRY(read_load_segment(load, file_bytes));
  if (program.segment_count == max_segments) return fail(Error::Malformed);
  const bool first = program.segment_count == 0;
  if (!first && segment.start < program.segments[program.segment_count - 1].start) return fail(Error::Malformed);
  if (first) program.lowest = segment.start;
  program.segments[program.segment_count++] = segment;
  note_extent(program, load);
  if (std::has_single_bit(load.p_align)) program.alignment = std::max<std::uint64_t>(program.alignment, load.p_align);
  const std::uint64_t table = header.program_headers_offset;
  if (program.program_headers == 0 && table >= load.p_offset &&
      within(table - load.p_offset, header.program_headers_bytes(), load.p_filesz))
    program.program_headers = load.p_vaddr + (table - load.p_offset);
  return {};
}

}  // namespace

Result<ElfHeader> parse_elf_header(std::span<const std::byte> bytes, std::uint64_t file_bytes) {
  if (bytes.size() < SELFMAG || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0) return fail(Error::NotExecutable);
  Elf64_Ehdr raw;
  if (bytes.size() < sizeof raw) return fail(Error::Malformed);
  std::memcpy(&raw, bytes.data(), sizeof raw);
  if (raw.e_ident[EI_CLASS] != ELFCLASS64 || raw.e_ident[EI_DATA] != ELFDATA2LSB || raw.e_machine != EM_X86_64)
    return fail(Error::NotSupported);
  if (raw.e_type != ET_EXEC && raw.e_type != ET_DYN) return fail(Error::NotSupported);
  if (raw.e_phentsize != sizeof(Elf64_Phdr) || raw.e_phnum == 0 || raw.e_phnum > max_program_headers)
    return fail(Error::Malformed);
  if (!within(raw.e_phoff, std::uint64_t{raw.e_phnum} * sizeof(Elf64_Phdr), file_bytes)) return fail(Error::Malformed);
  return ElfHeader{.position_independent = raw.e_type == ET_DYN,
                   .entry = raw.e_entry,
                   .program_headers_offset = raw.e_phoff,
                   .program_header_count = raw.e_phnum};
}

Result<ElfProgram> parse_elf_program(const ElfHeader& header, std::span<const std::byte> bytes,
                                     std::uint64_t file_bytes) {
  if (bytes.size() < header.program_headers_bytes()) return fail(Error::Malformed);
  ElfProgram program;
  program.alignment = page_bytes;
  std::uint64_t table_address = 0;
  for (std::uint32_t i = 0; i < header.program_header_count; ++i) {
    Elf64_Phdr entry;
    std::memcpy(&entry, bytes.data() + i * sizeof entry, sizeof entry);
    switch (entry.p_type) {
      case PT_LOAD:
        TRY(add_load_segment(program, header, entry, file_bytes));
        break;
      case PT_INTERP:
        if (entry.p_filesz < 2 || entry.p_filesz > max_interpreter_path + 1 ||
            !within(entry.p_offset, entry.p_filesz, file_bytes))
          return fail(Error::Malformed);
        program.interpreter_offset = entry.p_offset;
        program.interpreter_bytes = entry.p_filesz;
        break;
      case PT_PHDR:
        table_address = entry.p_vaddr;
        break;
      case PT_GNU_STACK:
        program.executable_stack = (entry.p_flags & PF_X) != 0;
        break;
      default:
        break;
    }
  }
  if (program.segment_count == 0) return fail(Error::Malformed);
  if (table_address != 0) program.program_headers = table_address;
  if (header.entry >= user_end) return fail(Error::Malformed);
  return program;
}

}  // namespace memory
