// SPDX-License-Identifier: Apache-2.0
// Real programs of this machine, and the same with every header byte damaged: never a crash, never a wild segment.
#include "memory/elf/elf_file.h"

#include <gtest/gtest.h>
#include <linux/elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "kernel/base/random.h"
#include "kernel/base/types.h"

namespace {

using base::Error;
using memory::ElfHeader;
using memory::ElfProgram;

std::vector<std::byte> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

base::Result<ElfProgram> parse(const std::vector<std::byte>& file) {
  const std::span<const std::byte> bytes(file);
  const ElfHeader header =
      TRY(memory::parse_elf_header(bytes.first(std::min(file.size(), memory::elf_header_bytes)), file.size()));
  return memory::parse_elf_program(header, bytes.subspan(header.program_headers_offset, header.program_headers_bytes()),
                                   file.size());
}

void check_segments(const ElfProgram& program, std::uint64_t file_bytes) {
  for (std::size_t i = 0; i < program.segment_count; ++i) {
    const auto& segment = program.segments[i];
    EXPECT_EQ(segment.start % base::page_bytes, 0u);
    EXPECT_EQ(segment.file_end % base::page_bytes, 0u);
    EXPECT_LE(segment.start, segment.file_end);
    EXPECT_LE(segment.zero_start, segment.file_end);
    EXPECT_LE(segment.memory_end, std::uint64_t{1} << 47);
    EXPECT_LE(segment.file_offset, file_bytes);
    EXPECT_LE(segment.protection, 7u);
  }
}

TEST(ElfFile, ReadsADynamicProgram) {
  const auto file = read_file("/bin/true");
  const auto program = parse(file);
  ASSERT_TRUE(program);
  EXPECT_GE(program->segment_count, 3u);
  EXPECT_GT(program->interpreter_bytes, 2u);
  EXPECT_STREQ(reinterpret_cast<const char*>(file.data() + program->interpreter_offset), "/lib64/ld-linux-x86-64.so.2");
  EXPECT_NE(program->program_headers, 0u);
  EXPECT_LT(program->code_start, program->code_end);
  check_segments(*program, file.size());
}

TEST(ElfFile, TellsForeignAndDamagedFilesApart) {
  auto file = read_file("/bin/true");
  EXPECT_EQ(memory::parse_elf_header({}, 0).error(), Error::NotExecutable);
  auto foreign = file;
  const std::uint16_t machine = EM_AARCH64;
  std::memcpy(foreign.data() + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
  EXPECT_EQ(parse(foreign).error(), Error::NotSupported);
  auto text = file;
  text[0] = std::byte{'#'};
  EXPECT_EQ(parse(text).error(), Error::NotExecutable);
  auto truncated = file;
  truncated.resize(file.size() / 2);
  EXPECT_EQ(parse(truncated).error(), Error::Malformed);
  truncated.resize(30);
  EXPECT_EQ(parse(truncated).error(), Error::Malformed);
}

TEST(ElfFile, SurvivesDamageToAnyHeaderByte) {
  const auto file = read_file("/bin/true");
  base::Random random(7);
  const std::size_t headers = memory::elf_header_bytes + 13 * memory::elf_program_header_bytes;
  for (int round = 0; round < 20000; ++round) {
    auto damaged = std::vector<std::byte>(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(headers));
    for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips)
      damaged[random.below(headers)] = static_cast<std::byte>(random.next());
    const auto header = memory::parse_elf_header(std::span(damaged).first(memory::elf_header_bytes), file.size());
    if (!header || header->program_headers_offset + header->program_headers_bytes() > headers) continue;
    const auto program = memory::parse_elf_program(
        *header, std::span(damaged).subspan(header->program_headers_offset, header->program_headers_bytes()),
        file.size());
    if (program) check_segments(*program, file.size());
  }
}

}  // namespace
