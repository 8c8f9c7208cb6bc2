// SPDX-License-Identifier: Apache-2.0
// Core files as a debugger reads them: names by pattern, headers, notes.
#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "linux-abi/core/core_name.h"
#include "linux-abi/core/elf_core.h"

namespace {

std::string name(std::string_view pattern, bool add_pid = false) {
  const core::NameFacts facts{.pid = 12,
                              .tid = 13,
                              .signal = 11,
                              .uid = 1000,
                              .gid = 1001,
                              .limit = 4096,
                              .seconds = 1700000000,
                              .host = "lego",
                              .command = "a/b",
                              .program = "/usr/bin/prog"};
  const auto result = core::name_of(pattern, add_pid, facts);
  return result ? std::string(result->data(), result->size()) : "error";
}

TEST(CoreName, Specifiers) {
  EXPECT_EQ(name("core"), "core");
  EXPECT_EQ(name("/var/%e.%p.%s.%t"), "/var/a!b.12.11.1700000000");
  EXPECT_EQ(name("%u-%g-%h-%i-%d-%c"), "1000-1001-lego-13-1-4096");
  EXPECT_EQ(name("%f %E"), "prog !usr!bin!prog");
  EXPECT_EQ(name("100%%%"), "100%");
  EXPECT_EQ(name("%z%qx"), "x");
  EXPECT_EQ(name("core", true), "core.12");
  EXPECT_EQ(name("core-%p", true), "core-12");
}

TEST(CoreName, WhatMayBeSet) {
  EXPECT_EQ(*core::checked_pattern("x.%p\nrest"), "x.%p");
  EXPECT_EQ(*core::checked_pattern(""), "");
  EXPECT_EQ(core::checked_pattern("|/bin/sh").error(), base::Error::InvalidArgument);
  EXPECT_EQ(core::checked_pattern(std::string(500, 'a'))->size(), core::max_pattern_bytes);
}

TEST(ElfCore, HeadersNotesAndMemoryFollowOneAnother) {
  core::Notes notes;
  core::ThreadStatus status{.tid = 7};
  status.registers.rip = 0x1234;
  ASSERT_TRUE(notes.add("CORE", NT_PRSTATUS, std::as_bytes(std::span(&status, 1))));
  core::MappedFiles files;
  ASSERT_TRUE(files.add(0x1000, 0x3000, 0x2000, "/bin/a"));
  ASSERT_TRUE(files.add(0x5000, 0x6000, 0, "/lib/b"));
  const auto content = files.content();
  ASSERT_TRUE(content);
  ASSERT_TRUE(notes.add("CORE", NT_FILE, content->span()));
  const core::Segment segments[] = {{0x1000, 0x2000, 0x1000, 5}, {0x8000, 0x1000, 0, 0}, {0x9000, 0x3000, 0x3000, 3}};
  const auto head = core::head_of(segments, notes);
  ASSERT_TRUE(head);

  Elf64_Ehdr header;
  std::memcpy(&header, head->data(), sizeof header);
  EXPECT_EQ(header.e_type, ET_CORE);
  EXPECT_EQ(header.e_machine, EM_X86_64);
  ASSERT_EQ(header.e_phnum, 4);
  Elf64_Phdr programs[4];
  std::memcpy(programs, head->data() + header.e_phoff, sizeof programs);
  EXPECT_EQ(programs[0].p_type, static_cast<Elf64_Word>(PT_NOTE));
  EXPECT_EQ(programs[0].p_offset + programs[0].p_filesz, head->size());
  EXPECT_EQ(programs[1].p_offset, 4096u);
  EXPECT_EQ(programs[1].p_flags, static_cast<Elf64_Word>(PF_R | PF_X));
  EXPECT_EQ(programs[2].p_offset, programs[1].p_offset + 0x1000);
  EXPECT_EQ(programs[2].p_flags, 0u);
  EXPECT_EQ(programs[3].p_offset, programs[2].p_offset);
  EXPECT_EQ(programs[3].p_filesz, 0x3000u);

  const std::byte* note = head->data() + programs[0].p_offset;
  Elf64_Nhdr first;
  std::memcpy(&first, note, sizeof first);
  EXPECT_EQ(first.n_type, static_cast<Elf64_Word>(NT_PRSTATUS));
  EXPECT_STREQ(reinterpret_cast<const char*>(note + sizeof first), "CORE");
  core::ThreadStatus read;
  std::memcpy(&read, note + sizeof first + 8, sizeof read);
  EXPECT_EQ(read.registers.rip, 0x1234u);
  const std::byte* second = note + sizeof first + 8 + sizeof read;
  std::memcpy(&first, second, sizeof first);
  EXPECT_EQ(first.n_type, static_cast<Elf64_Word>(NT_FILE));
  std::uint64_t words[8];
  std::memcpy(words, second + sizeof first + 8, sizeof words);
  const std::uint64_t expected[8] = {2, 4096, 0x1000, 0x3000, 2, 0x5000, 0x6000, 0};
  EXPECT_EQ(std::memcmp(words, expected, sizeof words), 0);
  EXPECT_STREQ(reinterpret_cast<const char*>(second + sizeof first + 8 + sizeof words), "/bin/a");
}

}  // namespace
