// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/perftest.h"

#include <fmt/format.h>

#include <cstdlib>
#include <sstream>
#include <vector>

namespace bench {
namespace {

// By name; a RPC is held against a READ.
std::string program_of(const Cell& cell) {
  const char* operation = cell.operation == Operation::Send    ? "send"
                          : cell.operation == Operation::Write ? "write"
                                                               : "read";
  return fmt::format("ib_{}_{}", operation, cell.quantity == Quantity::Latency ? "lat" : "bw");
}

// A line of nothing but numbers. A standard deviation may be "-nan", which only strtod() reads.
std::optional<std::vector<double>> figures(const std::string& line) {
  std::istringstream words(line);
  std::vector<double> values;
  for (std::string word; words >> word;) {
    char* end = nullptr;
    values.push_back(std::strtod(word.c_str(), &end));
    if (*end != '\0') return std::nullopt;
  }
  return values;
}

}  // namespace

// -F: the guest's clock is not what /proc/cpuinfo says, and the time stamp counter is what is counted with.
std::string perftest_command(const Cell& cell, const Effort& effort) {
  std::string line =
      fmt::format("{} -d rxe0 -x 1 -F -m 4096 -s {} -n {}", program_of(cell), cell.bytes, effort.iterations(cell));
  if (cell.quantity == Quantity::Bandwidth) line += fmt::format(" -t {0} -Q 1", effort.depth);
  if (cell.quantity == Quantity::Bandwidth && cell.operation == Operation::Send) line += " -r 512";
  return line;
}

std::optional<Measured> parse_perftest(const Cell& cell, const std::string& output) {
  // #bytes #iterations t_min t_max t_typical t_avg t_stdev 99% 99.9%, or #bytes #iterations BW-peak BW-average MsgRate
  const std::size_t columns = cell.quantity == Quantity::Latency ? 9 : 5;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    const auto values = figures(line);
    if (!values || values->size() != columns || (*values)[0] != cell.bytes) continue;
    if (cell.quantity == Quantity::Bandwidth) return Measured{.median = (*values)[3]};
    return Measured{.least = (*values)[2], .median = (*values)[4], .p99 = (*values)[7]};
  }
  return std::nullopt;
}

}  // namespace bench
