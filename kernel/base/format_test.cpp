// SPDX-License-Identifier: Apache-2.0
#include "kernel/base/format.h"

#include <gtest/gtest.h>

#include <array>

namespace {

template <typename... Arguments>
std::string text(std::string_view pattern, const Arguments&... arguments) {
  std::array<char, 100> buffer;
  return std::string(base::format(buffer, pattern, arguments...));
}

TEST(Format, PrintsNumbersTextAndErrors) {
  EXPECT_EQ(text("a {} b {} {:x}", -5, 7u, 255), "a -5 b 7 ff");
  EXPECT_EQ(text("{} {}", "text", base::Error::NoMemory), "text out of memory");
  EXPECT_EQ(text("{}", std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(text("{} {}", base::NodeId(3), true), "3 true");
}

TEST(Format, KeepsPlaceholdersWithoutArguments) { EXPECT_EQ(text("{} {}", 1), "1 {}"); }

TEST(Format, CutsWhatDoesNotFit) {
  std::array<char, 4> buffer;
  EXPECT_EQ(base::format(buffer, "abcdef {}", 1), "abcd");
}

}  // namespace
