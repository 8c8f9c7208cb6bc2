// SPDX-License-Identifier: Apache-2.0
// The fuzzer's random numbers: all that one thread does follows from its seed. No locks, no memory but its own word, so
// that it works in any state of the process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzzer {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  bool one_in(std::uint64_t times) { return below(times) == 0; }
  template <typename T, std::size_t n>
  const T& of(const T (&values)[n]) {
    return values[below(n)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace fuzzer
