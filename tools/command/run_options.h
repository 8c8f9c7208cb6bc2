// SPDX-License-Identifier: Apache-2.0
// What stands on the command line of `lego run`: options, `--`, then the program and its arguments as they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/rack/rack_config.h"

namespace command {

struct RunOptions {
  rack::RackConfig rack;
  std::string root;                                           // empty: the minimal root
  std::vector<std::pair<std::string, std::string>> files;     // host, guest
  std::vector<std::pair<std::string, std::string>> copy_out;  // guest, host
  std::vector<std::string> environment;                       // K=V, what the program gets
  std::string working_directory = "/";
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string hostname = "lego";
  std::string stats;             // a file; empty: none
  std::uint32_t trace = 0;       // bits of messages::ProgramStartRequest
  std::uint64_t timeout_ns = 0;  // 0: none
  std::string keep_logs;         // a folder; empty: logs are kept only when the rack fails
  std::vector<std::string> program;
};

// Throws support::Failure with one line for what cannot be understood. Nothing: help was asked for and printed.
std::optional<RunOptions> parse_run_options(const std::vector<std::string>& arguments);

// 64M, 1G, 512K or a number of bytes.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace command
