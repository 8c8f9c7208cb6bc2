// SPDX-License-Identifier: Apache-2.0
// Checks inside a test image: a failure is a line on the console and makes the image's verdict FAILED; the test goes
// on.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernel/base/log.h"

namespace image_test {

inline std::atomic<std::uint32_t> failures{0};

inline bool check(bool good, const char* what, const char* file, unsigned line) {
  if (!good) {
    failures.fetch_add(1, std::memory_order_relaxed);
    base::log_error("test", "CHECK failed: {} ({}:{})", what, file, line);
  }
  return good;
}

template <typename Left, typename Right>
bool check_equal(const Left& left, const Right& right, const char* what, const char* file, unsigned line) {
  if (left == right) return true;
  failures.fetch_add(1, std::memory_order_relaxed);
  base::log_error("test", "CHECK_EQUAL failed: {}: {} and {} ({}:{})", what, left, right, file, line);
  return false;
}

}  // namespace image_test

#define CHECK(condition) ::image_test::check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(left, right) ::image_test::check_equal((left), (right), #left " == " #right, __FILE__, __LINE__)
