// SPDX-License-Identifier: Apache-2.0
// `lego bench NAME [--json FILE]`: measures something beside the same in Linux, in one run, and prints ratios. The
// status is 0 if it could be measured, whatever came out.
#pragma once

#include <string>
#include <vector>

namespace command {

int bench_command(const std::vector<std::string>& arguments);

}  // namespace command
