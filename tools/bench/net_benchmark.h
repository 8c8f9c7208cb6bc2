// SPDX-License-Identifier: Apache-2.0
// Our RoCEv2 and Linux's beside one another: two images and two Linux guests on one switch, all up from the beginning,
// measured in turns, so that what else the host does meets both alike.
#pragma once

#include <filesystem>
#include <functional>

#include "tools/bench/net_report.h"

namespace bench {

struct NetOptions {
  unsigned rounds = 5;
  Effort effort;
  std::filesystem::path image;  // mcomponent.elf
};

// progress: told what is going on, a line at a time. Throws support::Failure.
NetReport run_net_benchmark(const NetOptions& options, const std::function<void(const std::string&)>& progress);

}  // namespace bench
