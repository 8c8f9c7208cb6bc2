// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/net_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

using nlohmann::ordered_json;

const char* quantity_name(Quantity quantity) { return quantity == Quantity::Latency ? "latency" : "bandwidth"; }

ordered_json to_json(const Series& series, Quantity quantity) {
  ordered_json rounds = ordered_json::array();
  for (const Measured& round : series.rounds) {
    if (quantity == Quantity::Latency) {
      rounds.push_back({{"min", round.least}, {"median", round.median}, {"p99", round.p99}});
    } else {
      rounds.push_back(round.median);
    }
  }
  ordered_json json = {{"median", series.median()}, {"rounds", rounds}};
  if (quantity == Quantity::Latency) json["min"] = series.least();
  return json;
}

ordered_json to_json(const Row& row) {
  const bool latency = row.cell.quantity == Quantity::Latency;
  ordered_json json = {{"quantity", quantity_name(row.cell.quantity)},
                       {"operation", operation_name(row.cell.operation)},
                       {"against", row.cell.operation == Operation::Call ? "READ" : operation_name(row.cell.operation)},
                       {"bytes", row.cell.bytes},
                       {"unit", latency ? "us" : "MiB/s"}};
  if (latency) json["path"] = one_way(row.cell.operation) ? "one way" : "there and back";
  json["ours"] = to_json(row.ours, row.cell.quantity);
  json["rxe"] = to_json(row.rxe, row.cell.quantity);
  json["ratio"] = row.ratio();
  if (wanted_ratio(row.cell) > 0) {
    json["wanted"] = {{latency ? "at_most" : "at_least", wanted_ratio(row.cell)}, {"reached", is_as_wanted(row)}};
  }
  return json;
}

std::string wanted_text(const Row& row) {
  const double wanted = wanted_ratio(row.cell);
  if (wanted == 0) return "";
  return fmt::format("{} {} {}", row.cell.quantity == Quantity::Latency ? "<=" : ">=", wanted,
                     is_as_wanted(row) ? "yes" : "NO");
}

std::string line(const Row& row) {
  const std::string what = fmt::format("{:5} {:4} B", operation_name(row.cell.operation), row.cell.bytes);
  if (row.cell.quantity == Quantity::Bandwidth) {
    return fmt::format("{:26} {:8} {:9.1f} {:10} {:9.1f} {:8.2f}  {}\n", what, "", row.ours.median(), "",
                       row.rxe.median(), row.ratio(), wanted_text(row));
  }
  return fmt::format("{:26} {:8.1f} {:9.1f} {:10.1f} {:9.1f} {:8.2f}  {}\n",
                     what + (one_way(row.cell.operation) ? " one way" : " and back"), row.ours.least(),
                     row.ours.median(), row.rxe.least(), row.rxe.median(), row.ratio(), wanted_text(row));
}

}  // namespace

double Series::median() const {
  std::vector<double> medians;
  for (const Measured& round : rounds) medians.push_back(round.median);
  return median_of(std::move(medians));
}

double Series::least() const {
  double least = rounds.empty() ? 0 : rounds[0].least;
  for (const Measured& round : rounds) least = std::min(least, round.least);
  return least;
}

double wanted_ratio(const Cell& cell) {
  if (cell.quantity == Quantity::Bandwidth) return 2;
  if (cell.operation == Operation::Send && cell.bytes == 64) return 0.5;
  const bool fetch = cell.operation == Operation::Read || cell.operation == Operation::Call;
  return fetch && cell.bytes == 4096 ? 0.4 : 0;
}

bool is_as_wanted(const Row& row) {
  const double wanted = wanted_ratio(row.cell);
  if (wanted == 0) return true;
  return row.cell.quantity == Quantity::Latency ? row.ratio() <= wanted : row.ratio() >= wanted;
}

std::string NetReport::table() const {
  std::string text;
  for (const Quantity quantity : {Quantity::Latency, Quantity::Bandwidth}) {
    const bool latency = quantity == Quantity::Latency;
    text += fmt::format("{:26} {:>18} {:>20} {:>8}  {}\n", latency ? "latency, us" : "bandwidth, MiB/s", "ours",
                        "soft-RoCE", "ours to", "wanted");
    text += fmt::format("{:26} {:>8} {:>9} {:>10} {:>9} {:>8}\n", "", latency ? "min" : "", "median",
                        latency ? "min" : "", "median", "theirs");
    for (const Row& row : rows) {
      if (row.cell.quantity == quantity) text += line(row);
    }
    text += "\n";
  }
  text += fmt::format(
      "Medians of {} rounds, ours and theirs in turns; {} operations one after another for a latency, {} for a\n"
      "bandwidth, {} at a time. A RPC (a page) is held against a READ of as many bytes.\n"
      "{}; {}; perftest {}; ICRC by {};\n"
      "load of the host {:.2f} before, {:.2f} after, on {} CPUs.\n",
      circumstances.rounds, circumstances.effort.latency_iterations, circumstances.effort.bandwidth_iterations,
      circumstances.effort.depth, circumstances.host.qemu, circumstances.kernel, circumstances.perftest,
      circumstances.icrc, circumstances.host.load_before, circumstances.host.load_after, circumstances.host.cpus);
  return text;
}

std::string NetReport::json() const {
  ordered_json all = {{"benchmark", "net"},
                      {"rounds", circumstances.rounds},
                      {"latency_iterations", circumstances.effort.latency_iterations},
                      {"bandwidth_iterations", circumstances.effort.bandwidth_iterations},
                      {"depth", circumstances.effort.depth},
                      {"qemu", circumstances.host.qemu},
                      {"kernel", circumstances.kernel},
                      {"perftest", circumstances.perftest},
                      {"icrc", circumstances.icrc},
                      {"host_cpus", circumstances.host.cpus},
                      {"load_before", circumstances.host.load_before},
                      {"load_after", circumstances.host.load_after},
                      {"rows", ordered_json::array()}};
  for (const Row& row : rows) all["rows"].push_back(to_json(row));
  return all.dump(2) + "\n";
}

}  // namespace bench
