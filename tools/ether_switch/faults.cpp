// SPDX-License-Identifier: Apache-2.0
#include "tools/ether_switch/faults.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "kernel/base/clock.h"
#include "kernel/base/random.h"

namespace ether_switch {
namespace {

using Text = std::string_view;
constexpr double longest_seconds = 1e6;

// The number at the front of `text`, which loses it.
std::optional<double> take_number(Text& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::optional<std::uint32_t> parse_percent(Text text) {
  const auto number = take_number(text);
  if (!number || text != "%" || *number > 100) return std::nullopt;
  return static_cast<std::uint32_t>(std::llround(*number * 10000));
}

std::optional<std::uint64_t> scale(double number, Text unit) {
  double unit_ns = 0;
  if (unit == "us") unit_ns = base::microsecond_ns;
  if (unit == "ms") unit_ns = base::millisecond_ns;
  if (unit == "s") unit_ns = base::second_ns;
  if (unit_ns == 0 || number * unit_ns > longest_seconds * 1e9) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(number * unit_ns));
}

std::optional<std::uint64_t> parse_duration(Text text) {
  const auto number = take_number(text);
  return number ? scale(*number, text) : std::nullopt;
}

// 2ms, 1ms-2ms, or 0-2ms where the first takes the unit of the second.
bool parse_delay(Text text, FaultPlan& plan) {
  const auto dash = text.find('-');
  const auto most = parse_duration(dash == text.npos ? text : text.substr(dash + 1));
  if (!most) return false;
  plan.delay_min_ns = plan.delay_max_ns = *most;
  if (dash == text.npos) return true;
  Text first = text.substr(0, dash);
  Text unit = text.substr(dash + 1);
  const auto number = take_number(first);
  take_number(unit);
  const auto least = number ? scale(*number, first.empty() ? unit : first) : std::nullopt;
  plan.delay_min_ns = least.value_or(0);
  return least && *least <= *most;
}

// p0+m0@10s/5s
bool parse_partition(Text text, FaultPlan& plan) {
  const auto at = text.find('@');
  const auto slash = text.find('/', at == text.npos ? 0 : at);
  if (at == text.npos || slash == text.npos) return false;
  const auto start = parse_duration(text.substr(at + 1, slash - at - 1));
  const auto length = parse_duration(text.substr(slash + 1));
  if (!start || !length) return false;
  Partition partition{.names = {}, .start_ns = *start, .length_ns = *length};
  Text names = text.substr(0, at);
  while (true) {
    const auto plus = names.find('+');
    if (names.substr(0, plus).empty()) return false;
    partition.names.emplace_back(names.substr(0, plus));
    if (plus == names.npos) break;
    names.remove_prefix(plus + 1);
  }
  plan.partitions.push_back(std::move(partition));
  return true;
}

bool parse_seed(Text text, FaultPlan& plan) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), plan.seed);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_rate(Text text, std::uint32_t& rate) {
  const auto percent = parse_percent(text);
  rate = percent.value_or(0);
  return percent.has_value();
}

// What is wrong with one entry, or nothing.
std::string parse_entry(Text entry, FaultPlan& plan) {
  const auto equals = entry.find('=');
  const Text key = entry.substr(0, equals);
  const Text value = equals == entry.npos ? Text() : entry.substr(equals + 1);
  const auto expect = [&](bool good, Text form) {
    return good ? std::string() : fmt::format("'{}' is not of the form {}={}", entry, key, form);
  };
  if (key == "drop") return expect(parse_rate(value, plan.drop_per_million), "2%");
  if (key == "dup") return expect(parse_rate(value, plan.duplicate_per_million), "1%");
  if (key == "reorder") return expect(parse_rate(value, plan.reorder_per_million), "5%");
  if (key == "delay") return expect(parse_delay(value, plan), "0-2ms");
  if (key == "partition") return expect(parse_partition(value, plan), "p0+m0@10s/5s");
  if (key == "seed") return expect(parse_seed(value, plan), "7");
  return fmt::format("'{}' is none of drop, dup, reorder, delay, partition and seed", key);
}

}  // namespace

std::expected<FaultPlan, std::string> FaultPlan::parse(std::string_view list) {
  FaultPlan plan;
  while (true) {
    const auto comma = list.find(',');
    if (std::string wrong = parse_entry(list.substr(0, comma), plan); !wrong.empty()) return std::unexpected(wrong);
    if (comma == list.npos) return plan;
    list.remove_prefix(comma + 1);
  }
}

bool FaultPlan::disturbs_frames() const {
  return drop_per_million != 0 || duplicate_per_million != 0 || reorder_per_million != 0 || delay_max_ns != 0;
}

std::uint64_t sender_hash(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char character : name) hash = (hash ^ static_cast<unsigned char>(character)) * 0x100000001b3;
  return hash;
}

FrameFate fate_of(const FaultPlan& plan, std::uint64_t sender, std::uint64_t frame_number) {
  // Each number is drawn whether it is needed or not: changing one rate leaves the other faults where they were.
  base::Random random(base::Random(plan.seed ^ sender).next() + frame_number);
  FrameFate fate;
  fate.drop = random.chance(plan.drop_per_million);
  fate.duplicate = random.chance(plan.duplicate_per_million);
  const bool reorder = random.chance(plan.reorder_per_million);
  const auto overtaken_by = static_cast<std::uint32_t>(1 + random.below(max_overtaken_by));
  fate.overtaken_by = reorder ? overtaken_by : 0;
  fate.delay_ns = plan.delay_min_ns + random.below(plan.delay_max_ns - plan.delay_min_ns + 1);
  return fate;
}

}  // namespace ether_switch
