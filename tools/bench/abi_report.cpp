// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/abi_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace bench {
namespace {

using nlohmann::ordered_json;

// A tenth of a message each time would be one that belongs to the thing; less is the background's.
constexpr double some_messages = 0.1;

bool messages_as_wanted(const AbiRow& row) {
  const auto wanted = wanted_messages(row.name);
  return !wanted || row.messages() < *wanted + some_messages;
}

ordered_json to_json(const AbiSeries& series) {
  ordered_json rounds = ordered_json::array();
  for (const AbiMeasured& round : series.rounds) {
    ordered_json one = {{"least_ns", round.least_ns}, {"median_ns", round.median_ns}};
    if (round.messages) one["messages"] = *round.messages;
    rounds.push_back(std::move(one));
  }
  return {{"median_ns", series.median_ns()}, {"least_ns", series.least_ns()}, {"rounds", std::move(rounds)}};
}

ordered_json to_json(const AbiRow& row) {
  ordered_json json = {{"name", row.name},
                       {"ours", to_json(row.ours)},
                       {"linux", to_json(row.linux_guest)},
                       {"speed", row.speed()},
                       {"messages", row.messages()},
                       {"wanted", {{"speed", wanted_speed}, {"speed_reached", row.speed() >= wanted_speed}}}};
  if (const auto wanted = wanted_messages(row.name)) {
    json["wanted"]["messages"] = *wanted;
    json["wanted"]["messages_reached"] = messages_as_wanted(row);
  }
  return json;
}

std::string line(const AbiRow& row) {
  const auto wanted = wanted_messages(row.name);
  return fmt::format("{:24} {:10.0f} {:10.0f} {:10.0f} {:10.0f} {:8.2f} {:4} {:9.2f}  {}\n", row.name,
                     row.ours.least_ns(), row.ours.median_ns(), row.linux_guest.least_ns(), row.linux_guest.median_ns(),
                     row.speed(), row.speed() >= wanted_speed ? "yes" : "NO", row.messages(),
                     wanted ? fmt::format("<= {} {}", *wanted, messages_as_wanted(row) ? "yes" : "NO") : "");
}

}  // namespace

std::optional<AbiMeasured> parse_abi_measured(const std::string& name, const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || json.value("name", "") != name || !json.contains("median_ns")) return std::nullopt;
  AbiMeasured measured{
      .least_ns = json.value("least_ns", 0.0), .median_ns = json.value("median_ns", 0.0), .messages = {}};
  if (json.contains("messages")) measured.messages = json.value("messages", 0.0);
  if (measured.median_ns <= 0) return std::nullopt;
  return measured;
}

double AbiSeries::least_ns() const {
  double least = rounds.empty() ? 0 : rounds[0].least_ns;
  for (const AbiMeasured& round : rounds) least = std::min(least, round.least_ns);
  return least;
}

double AbiSeries::median_ns() const {
  std::vector<double> medians;
  for (const AbiMeasured& round : rounds) medians.push_back(round.median_ns);
  return median_of(std::move(medians));
}

double AbiRow::messages() const {
  std::vector<double> all;
  for (const AbiMeasured& round : ours.rounds) all.push_back(round.messages.value_or(0));
  return median_of(std::move(all));
}

std::optional<double> wanted_messages(const std::string& name) {
  if (name == "mmap+touch+munmap") return 2;
  if (name == "fork+exit" || name == "fork+exec") return std::nullopt;
  return 0;
}

double AbiReport::mean_speed() const {
  double sum = 0;
  for (const AbiRow& row : rows) sum += std::log(row.speed());
  return rows.empty() ? 0 : std::exp(sum / static_cast<double>(rows.size()));
}

std::string AbiReport::table() const {
  std::string text =
      fmt::format("{:24} {:>21} {:>21} {:>8} {:>4} {:>9}  {}\n{:24} {:>10} {:>10} {:>10} {:>10} {:>8} {:>4}\n",
                  "nanoseconds", "vNode", "Linux", "speed to", "0.5", "messages", "wanted", "", "least", "median",
                  "least", "median", "Linux's", "?");
  for (const AbiRow& row : rows) text += line(row);
  text += fmt::format(
      "{:24} {:>43} {:8.2f} {}\n\n"
      "Medians of {} rounds of {} ms, both in turns by the same program; a speed is Linux's time by ours. Messages "
      "are\n"
      "the requests of the pComponent for one time. Context switch: a byte around eight processes by pipes, each "
      "step.\n"
      "{}; {};\nload of the host {:.2f} before, {:.2f} after, on {} CPUs.\n",
      "geometric mean", "", mean_speed(), mean_speed() >= wanted_mean ? "yes (1.0)" : "NO (1.0)", rounds, milliseconds,
      host.qemu, kernel, host.load_before, host.load_after, host.cpus);
  return text;
}

std::string AbiReport::json() const {
  ordered_json all = {{"benchmark", "abi"},
                      {"rounds", rounds},
                      {"milliseconds", milliseconds},
                      {"qemu", host.qemu},
                      {"kernel", kernel},
                      {"host_cpus", host.cpus},
                      {"load_before", host.load_before},
                      {"load_after", host.load_after},
                      {"geometric_mean", mean_speed()},
                      {"wanted_mean", wanted_mean},
                      {"rows", ordered_json::array()}};
  for (const AbiRow& row : rows) all["rows"].push_back(to_json(row));
  return all.dump(2) + "\n";
}

}  // namespace bench
