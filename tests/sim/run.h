// SPDX-License-Identifier: Apache-2.0
// One run: a rack starts, a client has a program placed in a new vNode, the program runs and ends, everything is
// released, and nothing may be left. The disk must hold what the files held.
#pragma once

#include "tests/sim/process.h"

namespace sim {

struct RunOptions {
  RackOptions rack;
  unsigned segments = 1;
  unsigned segment_pages = 6;
  unsigned files = 0;  // the second is a constant one
  unsigned file_pages = 6;
  std::uint64_t kill_after_ns = 0;  // not 0: the program is killed after that time
};

struct RunCounters {
  std::uint64_t stores = 0, loads = 0, changes = 0, processes = 0;
  excache::Counters excache;
};

RunCounters run_program(const RunOptions& options, const Thread::Body& first);

}  // namespace sim
