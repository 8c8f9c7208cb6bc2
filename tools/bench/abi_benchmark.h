// SPDX-License-Identifier: Apache-2.0
// What programs ask of a kernel, in a vNode and in a stock Linux guest beside one another: the same static program runs
// on both, in turns, so that what else the host does meets both alike.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/bench/abi_report.h"

namespace bench {

struct AbiOptions {
  unsigned rounds = 5;
  unsigned milliseconds = 200;    // of a measurement
  std::vector<std::string> only;  // names; none: all of them
  std::filesystem::path lego;
  std::filesystem::path program;
};

// progress: told what is going on, a line at a time. Throws support::Failure.
AbiReport run_abi_benchmark(const AbiOptions& options, const std::function<void(const std::string&)>& progress);

}  // namespace bench
