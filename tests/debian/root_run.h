// SPDX-License-Identifier: Apache-2.0
// Runs of programs on the Debian root: in a vNode on a copy of the image, and natively in the same files. After each
// run in a vNode the file system must be in order and everything the programs had given back.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "tests/rack/run/rack_run.h"

namespace debian {

// What came of one of cases/*.sh.
struct CaseResult {
  std::string output;
  std::string status;  // empty: it did not end
};
using CaseResults = std::map<std::string, CaseResult>;

// Cases with those names, one after the other in one root.
CaseResults run_cases_natively(const harness::Words& names);
CaseResults run_cases_in_vnode(const harness::Words& names, const harness::Words& options, unsigned seconds);

// A command in a vNode with the Debian root.
harness::Ended run_in_vnode(const harness::Words& command, const harness::Words& options, unsigned seconds);
// The same command on this machine, in the same files.
harness::Ended run_natively(const harness::Words& command);

}  // namespace debian
