// SPDX-License-Identifier: Apache-2.0
// The processes that a rack consists of, as lego tells them to the guardian: a list of command lines and log files.
#pragma once

#include <string>
#include <vector>

namespace rack {

struct PlannedProcess {
  std::string name;                    // p0, m0, s0, gmm, switch: what a failure is reported under
  std::vector<std::string> arguments;  // the program is arguments[0]
  std::string log;                     // gets stdout and stderr, appended
  // The process writes a byte to a descriptor when others may rely on it; those after it are started then. An argument
  // "{ready_fd}" becomes the descriptor's number.
  bool announces_ready = false;
};
using ProcessPlan = std::vector<PlannedProcess>;

std::string to_json(const ProcessPlan& plan);
// Throws support::Failure for text that is no plan.
ProcessPlan plan_from_json(const std::string& text);

}  // namespace rack
