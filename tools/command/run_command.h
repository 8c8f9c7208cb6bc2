// SPDX-License-Identifier: Apache-2.0
// `lego run`: a rack for one program.
#pragma once

#include <string>
#include <vector>

namespace command {

// Returns lego's exit status; throws support::Failure for what fails before the rack runs.
int run_command(const std::vector<std::string>& arguments);

}  // namespace command
