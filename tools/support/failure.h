// SPDX-License-Identifier: Apache-2.0
// What stops a command: one line for the user and the exit status. Hosted tools throw it from wherever they notice;
// main() prints it. The statuses are those of `docker run`.
#pragma once

#include <stdexcept>
#include <string>

namespace support {

inline constexpr int exit_failure = 125;  // of the rack or of lego itself
inline constexpr int exit_timed_out = 124;

class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& line, int status = exit_failure) : std::runtime_error(line), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace support
