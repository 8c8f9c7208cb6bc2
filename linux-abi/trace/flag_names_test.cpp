// SPDX-License-Identifier: Apache-2.0
// Arguments as strace prints them; the expected texts are its own.
#include "linux-abi/trace/flag_names.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace {

std::string shown(char kind, std::uint64_t value) {
  std::array<char, 200> buffer;
  linux_abi::TraceText out(buffer);
  return linux_abi::add_number(out, kind, value) ? std::string(out.text()) : "not a number";
}

std::string quoted(std::string_view text, bool more = false) {
  std::array<char, 200> buffer;
  linux_abi::TraceText out(buffer);
  linux_abi::add_quoted(out, text, more);
  return std::string(out.text());
}

TEST(FlagNames, AreThoseOfStrace) {
  EXPECT_EQ(shown('O', 0), "O_RDONLY");
  EXPECT_EQ(shown('O', 02001 | 0100 | 01000), "O_WRONLY|O_CREAT|O_TRUNC|O_APPEND");
  EXPECT_EQ(shown('O', 0200000 | 02000000), "O_RDONLY|O_DIRECTORY|O_CLOEXEC");
  EXPECT_EQ(shown('O', 020200000 | 2), "O_RDWR|O_TMPFILE");
  EXPECT_EQ(shown('O', 0x40000000), "O_RDONLY|0x40000000");
  EXPECT_EQ(shown('P', 0), "PROT_NONE");
  EXPECT_EQ(shown('P', 5), "PROT_READ|PROT_EXEC");
  EXPECT_EQ(shown('M', 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
  EXPECT_EQ(shown('M', 0x812), "MAP_PRIVATE|MAP_FIXED|MAP_DENYWRITE");
  EXPECT_EQ(shown('M', 3), "MAP_SHARED_VALIDATE");
  EXPECT_EQ(shown('A', 0x1000), "AT_EMPTY_PATH");
  EXPECT_EQ(shown('A', 0), "0");
  EXPECT_EQ(shown('C', 0x1200000 | 17), "CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD");
  EXPECT_EQ(shown('D', static_cast<std::uint32_t>(-100)), "AT_FDCWD");
  EXPECT_EQ(shown('D', 3), "3");
  EXPECT_EQ(shown('S', 9), "SIGKILL");
  EXPECT_EQ(shown('S', 34), "SIGRT_2");
  EXPECT_EQ(shown('o', 0644), "0644");
  EXPECT_EQ(shown('d', 0xffffffff), "-1");
  EXPECT_EQ(shown('s', 1), "not a number");
}

TEST(FlagNames, TextIsQuoted) {
  EXPECT_EQ(quoted("a\"b\\c\n\t"), "\"a\\\"b\\\\c\\n\\t\"");
  EXPECT_EQ(quoted(std::string_view("\0\x1f\xff", 3)), "\"\\000\\037\\377\"");
  EXPECT_EQ(quoted("abc", true), "\"abc\"...");
}

TEST(FlagNames, EveryKindHasAMeaning) {
  for (const auto& kind : linux_abi::argument_kinds()) EXPECT_EQ(linux_abi::meaning_of(kind.letter), kind.meaning);
  EXPECT_EQ(linux_abi::meaning_of('?'), "");
}

}  // namespace
