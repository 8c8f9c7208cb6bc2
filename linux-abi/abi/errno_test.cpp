// SPDX-License-Identifier: Apache-2.0
#include "linux-abi/abi/errno.h"

#include <gtest/gtest.h>

namespace {

using linux_abi::Answer;
using linux_abi::Errno;

base::Result<int> fails() { return base::fail(base::Error::NotDirectory); }

Answer<std::uint64_t> passes_up() {
  const int value = TRY(fails());
  return static_cast<std::uint64_t>(value);
}

TEST(Errno, TryPassesErrorsOfLowerLayersUp) { EXPECT_EQ(passes_up().error(), ENOTDIR); }

TEST(Errno, EveryErrorHasANumberWithAName) {
  for (std::uint32_t error = 1; error <= static_cast<std::uint32_t>(base::Error::OutOfRange); ++error) {
    const Errno number(static_cast<base::Error>(error));
    EXPECT_GT(number.number(), 0);
    EXPECT_STRNE(linux_abi::errno_name(number.number()), "") << error;
  }
  EXPECT_STREQ(linux_abi::errno_name(9999), "");
}

}  // namespace
