// SPDX-License-Identifier: Apache-2.0
// The JUnit file is ctest's own and regular, one attribute style throughout, so that a scan for the attributes of each
// <testcase> is all the XML reading there is.
#include "tools/command/test_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "tools/support/failure.h"

namespace command {
namespace {

std::string_view attribute(std::string_view tag, std::string_view name) {
  const std::string start = fmt::format(" {}=\"", name);
  const auto at = tag.find(start);
  if (at == tag.npos) return {};
  tag.remove_prefix(at + start.size());
  return tag.substr(0, tag.find('"'));
}

// The number in front of `text`, as in "12 tests."
unsigned number_after(std::string_view output, std::string_view text) {
  const auto at = output.rfind(text);
  unsigned number = 0;
  if (at != output.npos) {
    const std::string_view rest = output.substr(at + text.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), number);
  }
  return number;
}

bool is_kind(const std::string& label) { return std::ranges::find(kinds, label) != std::end(kinds); }

void apply_property(ListedTest& test, const nlohmann::json& property) {
  const std::string name = property.at("name");
  if (name == "LABELS") test.labels = property.at("value").get<std::set<std::string>>();
  if (name == "RUN_SERIAL") test.serial = property.at("value").get<bool>();
  if (name == "DISABLED") test.disabled = property.at("value").get<bool>();
}

}  // namespace

std::string_view kind_covers(std::string_view kind) {
  if (kind == "unit") return "pure code, hosted, with address and undefined-behaviour sanitizers";
  if (kind == "sim") return "a whole rack in one process under a seeded scheduler";
  if (kind == "rack") return "the images, in QEMU";
  if (kind == "interop") return "the images against Linux peers, in QEMU";
  if (kind == "debian") return "programs of a Debian root in vNodes, beside the same programs on Linux";
  return "hostile bytes to every parser";
}

std::vector<ListedTest> parse_listing(const std::string& json) {
  try {
    std::vector<ListedTest> tests;
    const auto listing = nlohmann::json::parse(json);
    for (const auto& entry : listing.at("tests")) {
      ListedTest test{.name = entry.at("name"), .labels = {}};
      for (const auto& property : entry.value("properties", nlohmann::json::array())) apply_property(test, property);
      tests.push_back(std::move(test));
    }
    return tests;
  } catch (const nlohmann::json::exception& error) {
    throw support::Failure(fmt::format("ctest's list of tests cannot be read: {}", error.what()));
  }
}

std::vector<std::string> check_listing(const std::vector<ListedTest>& tests) {
  std::vector<std::string> complaints;
  for (const ListedTest& test : tests) {
    const auto count = std::ranges::count_if(test.labels, is_kind);
    if (count != 1) complaints.push_back(fmt::format("{}: needs exactly one label of a kind of test", test.name));
    if ((test.labels.contains("rack") || test.labels.contains("interop")) && !test.serial) {
      complaints.push_back(fmt::format("{}: tests in QEMU must have RUN_SERIAL", test.name));
    }
  }
  return complaints;
}

std::map<std::string, RanTest> parse_junit(std::string_view xml) {
  std::map<std::string, RanTest> tests;
  constexpr std::string_view open = "<testcase ";
  for (auto at = xml.find(open); at != xml.npos; at = xml.find(open, at)) {
    at += open.size() - 1;
    const auto next = xml.find(open, at);
    const std::string_view whole = xml.substr(at, next == xml.npos ? next : next - at);
    const std::string_view tag = whole.substr(0, whole.find('>'));
    RanTest test;
    const std::string_view status = attribute(tag, "status");
    if (status == "run") test.outcome = Outcome::Passed;
    if (status == "fail") test.outcome = Outcome::Failed;
    test.seconds = strtod(std::string(attribute(tag, "time")).c_str(), nullptr);
    test.cases = std::max(1u, number_after(whole, "[==========] Running "));
    test.skipped = number_after(whole, "[  SKIPPED ] ");
    tests.emplace(attribute(tag, "name"), test);
  }
  return tests;
}

std::vector<std::string> not_passed(const std::vector<ListedTest>& listed, const std::map<std::string, RanTest>& ran) {
  std::vector<std::string> lines;
  for (const ListedTest& test : listed) {
    const auto found = ran.find(test.name);
    if (found == ran.end() || found->second.outcome == Outcome::NotRun) {
      lines.push_back(fmt::format("{}: did not run, which counts as failed", test.name));
    } else if (found->second.outcome == Outcome::Failed) {
      lines.push_back(fmt::format("{}: failed", test.name));
    } else if (found->second.skipped > 0) {
      lines.push_back(fmt::format("{}: {} skipped, which counts as failed", test.name, found->second.skipped));
    }
  }
  return lines;
}

std::string coverage(const std::vector<ListedTest>& listed, const std::map<std::string, RanTest>& ran) {
  std::string text;
  for (const std::string_view kind : kinds) {
    unsigned programs = 0;
    unsigned cases = 0;
    double seconds = 0;
    for (const ListedTest& test : listed) {
      const auto found = ran.find(test.name);
      if (!test.labels.contains(std::string(kind)) || found == ran.end()) continue;
      ++programs;
      cases += found->second.cases;
      seconds += found->second.seconds;
    }
    if (programs == 0) continue;
    text += fmt::format("{:<8} {:>4} tests, {:>5} cases, {:>7.1f} s: {}\n", kind, programs, cases, seconds,
                        kind_covers(kind));
  }
  return text;
}

}  // namespace command
