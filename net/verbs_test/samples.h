// SPDX-License-Identifier: Apache-2.0
// How long each of many operations took, kept in memory that its owner has for it, and what that comes to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace verbs_test {

struct Times {
  std::uint64_t least_ns = 0;
  std::uint64_t median_ns = 0;
  std::uint64_t p99_ns = 0;
};

class Samples {
 public:
  // As many as the memory has room for; those after them are not kept.
  explicit Samples(std::span<std::uint32_t> memory) : memory_(memory) {}

  void add(std::uint64_t ns);
  std::size_t count() const { return count_; }
  // Zeros if there are none. Sorts what is there.
  Times times();

 private:
  std::span<std::uint32_t> memory_;  // nanoseconds; longer ones as the most that fits
  std::size_t count_ = 0;
};

}  // namespace verbs_test
