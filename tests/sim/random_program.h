// SPDX-License-Identifier: Apache-2.0
// A program that draws at random what it does: loads and stores, maps, unmaps, forgets and moves pages, writes files,
// forks, ends. Some of its processes have a second thread that loads and stores meanwhile.
#pragma once

#include "tests/sim/process.h"

namespace sim {

struct RandomProgramOptions {
  unsigned steps = 60;            // of each process
  unsigned most_processes = 4;    // at a time
  unsigned most_started = 40;     // in all: long programs would fork for ever
  std::uint64_t area_pages = 20;  // of each area
  unsigned areas = 2;             // in vRegions of their own
};

Thread::Body random_program(const RandomProgramOptions& options);

}  // namespace sim
