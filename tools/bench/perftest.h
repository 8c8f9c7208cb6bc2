// SPDX-License-Identifier: Apache-2.0
// perftest's programs (ib_send_lat and its like): their command lines, and what they print.
#pragma once

#include <optional>
#include <string>

#include "tools/bench/measurement.h"

namespace bench {

// The program's name and options; the client's has the server's address after it.
std::string perftest_command(const Cell& cell, const Effort& effort);

// The line of figures for messages of that size: of latencies t_min, t_typical (the median) and the 99 % one; of a
// bandwidth the average. Nothing if there is no such line.
std::optional<Measured> parse_perftest(const Cell& cell, const std::string& output);

}  // namespace bench
