// SPDX-License-Identifier: Apache-2.0
// Log lines: see log.h.
#include "kernel/base/log.h"

#include <atomic>

#include "kernel/base/platform.h"

namespace base {
namespace {

std::atomic<LogLevel> minimum{LogLevel::Info};  // relaxed: pairs with nothing

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return "debug";
    case LogLevel::Info:
      return "info";
    case LogLevel::Warning:
      return "warning";
    case LogLevel::Error:
      return "error";
  }
  return "?";
}

}  // namespace

void set_log_level(LogLevel level) { minimum.store(level, std::memory_order_relaxed); }
bool log_enabled(LogLevel level) { return level >= minimum.load(std::memory_order_relaxed); }

void write_log(LogLevel level, std::string_view area, std::string_view text) {
  std::array<char, 320> line;
  const std::uint64_t us = platform::log_time_ns() / 1000;
  std::array<char, 7> fraction{};
  for (std::uint64_t i = 6, rest = us % 1000000; i > 0; --i, rest /= 10)
    fraction[i - 1] = static_cast<char>('0' + rest % 10);
  platform::write_log_line(format(line, "[{}.{}] {} {}: {}", us / 1000000, std::string_view(fraction.data(), 6),
                                  level_name(level), area, text));
}

}  // namespace base
