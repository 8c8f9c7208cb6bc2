// SPDX-License-Identifier: Apache-2.0
// The conversions are exact enough over days and never wake anybody early.
#include "kernel/time/tick_rate.h"

#include <gtest/gtest.h>

#include "kernel/base/random.h"

namespace kernel {
namespace {

TEST(TickRate, RoundTrips) {
  base::Random random(5);
  for (const std::uint64_t hertz : {std::uint64_t{1'000'000}, std::uint64_t{62'500'000}, std::uint64_t{1'000'000'000},
                                    std::uint64_t{2'593'906'000}, std::uint64_t{16'000'000'000}}) {
    const TickRate rate(hertz);
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t ns = random.below(std::uint64_t{1} << random.below(50));
      const std::uint64_t ticks = rate.to_ticks(ns);
      const long double exact = static_cast<long double>(ns) * static_cast<long double>(hertz) / 1e9L;
      EXPECT_GE(static_cast<long double>(ticks), exact);
      EXPECT_LE(static_cast<long double>(ticks), exact * (1 + 2e-6L) + 2);
      const long double back = static_cast<long double>(ticks) * 1e9L / static_cast<long double>(hertz);
      EXPECT_NEAR(static_cast<double>(rate.to_ns(ticks)), static_cast<double>(back),
                  static_cast<double>(back) * 1e-8 + 1);
    }
  }
}

TEST(TickRate, ManyYearsDoNotOverflow) {
  const TickRate rate(3'000'000'000);
  const std::uint64_t year_ns = 31'557'600ull * 1'000'000'000;
  EXPECT_GE(rate.to_ticks(50 * year_ns), 50 * 31'557'600ull * 3'000'000'000);
  EXPECT_NEAR(static_cast<double>(rate.to_ns(50 * 31'557'600ull * 3'000'000'000)), 50.0 * static_cast<double>(year_ns),
              1e10);
}

}  // namespace
}  // namespace kernel
