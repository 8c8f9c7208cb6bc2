// SPDX-License-Identifier: Apache-2.0
// Words, quotes, numbers and what is not a number.
#include "kernel/boot/command_line.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

TEST(CommandLine, FindsWordsAndValues) {
  const CommandLine line("  /boot/m.elf gmm=10.0.0.1:7000\tquiet name=\"a b\" \"x y=z\" empty= gmm=10.0.0.2 ");
  EXPECT_EQ(line.find("gmm"), "10.0.0.2") << "the last one counts";
  EXPECT_EQ(line.find("quiet"), "");
  EXPECT_EQ(line.find("name"), "a b");
  EXPECT_EQ(line.find("x y"), "z");
  EXPECT_EQ(line.find("empty"), "");
  EXPECT_FALSE(line.find("gm"));
  EXPECT_FALSE(line.find("g"));
  EXPECT_TRUE(line.has("/boot/m.elf"));
  EXPECT_EQ(line.find_or("absent", "this"), "this");
  EXPECT_FALSE(CommandLine("").find(""));
  EXPECT_FALSE(CommandLine("   ").has("x"));
  EXPECT_EQ(CommandLine("open=\"no end").find("open"), "\"no end");
}

TEST(CommandLine, Numbers) {
  const CommandLine line("a=12 b=0x1F c=64M d=1k e=x f= g=18446744073709551616 h=0x h2=17179869184G i=5Q j=-1");
  EXPECT_EQ(line.number("a"), 12u);
  EXPECT_EQ(line.number("b"), 0x1fu);
  EXPECT_EQ(line.size("c"), 64u << 20);
  EXPECT_EQ(line.size("d"), 1024u);
  EXPECT_EQ(line.size("a"), 12u);
  EXPECT_EQ(line.number("c").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.number("e").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.number("f").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.number("g").error(), base::Error::Overflow);
  EXPECT_EQ(line.number("h").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.size("h2").error(), base::Error::Overflow);
  EXPECT_EQ(line.size("i").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.size("j").error(), base::Error::InvalidArgument);
  EXPECT_EQ(line.number("absent").error(), base::Error::NotFound);
}

}  // namespace
}  // namespace kernel
