// SPDX-License-Identifier: Apache-2.0
// Short-lived helper programs (mke2fs, debugfs, ctest): run one, wait for it, and say how it ended.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace support {

using Arguments = std::vector<std::string>;

// Runs a program with this process's own stdin, stdout and stderr; returns its status as a shell would say it
// (128+N for signal N). Throws Failure if it cannot be started.
int run_attached(const Arguments& arguments);

struct Finished {
  int status;
  std::string output;  // stdout and stderr, in the order written
};
// Runs a program with `input` as its stdin and collects what it prints. Throws Failure if it cannot be started.
Finished run_captured(const Arguments& arguments, const std::string& input = "");

// Status of waitpid() as a shell says it.
int shell_status(int wait_status);

// The build folder that this program lies in (build/gcc), found by the program's own path.
std::filesystem::path build_folder();

}  // namespace support
