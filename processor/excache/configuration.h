// SPDX-License-Identifier: Apache-2.0
// The sizes and limits of an ExCache, each with its reason.
#pragma once

#include <algorithm>
#include <cstdint>

namespace excache {

// Records of write-backs under way: two messages for each of four homes, which keeps their queue pairs busy while
// demand waits behind 16 pages at most.
inline constexpr unsigned max_write_backs = 8;
inline constexpr unsigned max_write_backs_per_home = 2;
// Lines unmapped by one TLB shootdown.
inline constexpr unsigned max_victims = 32;
// Page-table entries handled with the lock held once.
inline constexpr unsigned visit_pages = 64;
// Frames asked for at once from a home that is low.
inline constexpr std::uint32_t frames_per_request = 16;
// Pins of a thread that has not faulted for so long are no longer needed: it ran.
inline constexpr std::uint64_t pin_lifetime_ns = 100'000'000;

struct Configuration {
  std::uint32_t lines = 0;
  // Evictors free lines when fewer than low_water are free, until high_water are.
  std::uint32_t low_water = 0;
  std::uint32_t high_water = 0;
  // The last free lines are for faults taken inside the kernel.
  std::uint32_t kernel_reserve = 0;
  // Lines of files that may be dirty, so that a slow disk cannot fill the ExCache.
  std::uint32_t dirty_file_lines = 0;
  // Lines of files on disk go home when they have been dirty for one to two of these, so that the end of a pComponent
  // takes no older stores with it. Linux writes back after 30 seconds (dirty_expire_centisecs).
  std::uint64_t ageing_period_ns = 15'000'000'000;
  // Tags: lines are shared by fork and by mappings of files. The initial ones stay, and as many more unused ones.
  std::uint32_t initial_tags = 0;
  std::uint32_t max_tags = 0;
  std::uint32_t tags_per_block = 1024;  // added at once when fork needs more
  bool prefetch = true;
  bool evictors = true;

  static Configuration for_lines(std::uint32_t lines) {
    Configuration result;
    result.lines = lines;
    result.kernel_reserve = std::clamp(lines / 64, 1U, 64U);
    result.low_water = result.kernel_reserve + std::clamp(lines / 32, 1U, 256U);
    result.high_water = result.low_water + std::clamp(lines / 32, 1U, 256U);
    result.dirty_file_lines = std::max(lines / 4, 1U);
    result.initial_tags = lines * 3 + 256;
    result.max_tags = lines * 32 + 4096;
    return result;
  }
};

}  // namespace excache
