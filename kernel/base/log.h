// SPDX-License-Identifier: Apache-2.0
// Log lines, to the serial console of a component or the stderr of a Linux program:
//   [    0.123456] info memory: joined as node 3
// `area` is the folder that speaks. Lines over 240 characters are cut.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "kernel/base/format.h"

namespace base {

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };

// Lines below this level are not written (default Info).
void set_log_level(LogLevel level);
bool log_enabled(LogLevel level);
void write_log(LogLevel level, std::string_view area, std::string_view text);

template <typename... Arguments>
void log(LogLevel level, std::string_view area, std::string_view pattern, const Arguments&... arguments) {
  if (!log_enabled(level)) return;
  std::array<char, 240> buffer;
  write_log(level, area, format(buffer, pattern, arguments...));
}
template <typename... Arguments>
void log_debug(std::string_view area, std::string_view pattern, const Arguments&... arguments) {
  log(LogLevel::Debug, area, pattern, arguments...);
}
template <typename... Arguments>
void log_info(std::string_view area, std::string_view pattern, const Arguments&... arguments) {
  log(LogLevel::Info, area, pattern, arguments...);
}
template <typename... Arguments>
void log_warning(std::string_view area, std::string_view pattern, const Arguments&... arguments) {
  log(LogLevel::Warning, area, pattern, arguments...);
}
template <typename... Arguments>
void log_error(std::string_view area, std::string_view pattern, const Arguments&... arguments) {
  log(LogLevel::Error, area, pattern, arguments...);
}

}  // namespace base
