// SPDX-License-Identifier: Apache-2.0
// What `lego bench net` has found: for each cell all rounds of both sides, as a table of ratios and as JSON. A cell's
// result is the median of its rounds' medians; the least is that of all rounds.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/host.h"
#include "tools/bench/measurement.h"

namespace bench {

struct Series {
  std::vector<Measured> rounds;
  double least() const;
  double median() const;
};

struct Row {
  Cell cell;
  Series ours;
  Series rxe;
  double ratio() const { return ours.median() / rxe.median(); }
};

// What the project wants of a cell: latencies at most, bandwidths at least so many times soft-RoCE's. 0: nothing.
double wanted_ratio(const Cell& cell);
bool is_as_wanted(const Row& row);

struct Circumstances {
  unsigned rounds = 0;
  Effort effort;
  Host host;
  std::string kernel;
  std::string perftest;
  std::string icrc;
};

struct NetReport {
  Circumstances circumstances;
  std::vector<Row> rows;

  std::string table() const;
  std::string json() const;
};

}  // namespace bench
