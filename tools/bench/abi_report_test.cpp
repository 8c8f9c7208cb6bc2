// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/abi_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bench {
namespace {

AbiRow row(const std::string& name, std::vector<double> ours, std::vector<double> theirs, double messages) {
  AbiRow made{.name = name, .ours = {}, .linux_guest = {}};
  for (const double value : ours) made.ours.rounds.push_back({value - 1, value, messages});
  for (const double value : theirs) made.linux_guest.rounds.push_back({value - 1, value, std::nullopt});
  return made;
}

TEST(AbiReport, UnderstandsTheProgramsLine) {
  const auto found = parse_abi_measured(
      "stat", R"({"name": "stat", "least_ns": 10.5, "median_ns": 12.0, "times": 100, "messages": 0.25})");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->least_ns, 10.5);
  EXPECT_EQ(found->median_ns, 12);
  EXPECT_EQ(found->messages, 0.25);
  const auto native = parse_abi_measured("stat", R"({"name": "stat", "least_ns": 1, "median_ns": 2, "times": 9})");
  ASSERT_TRUE(native);
  EXPECT_FALSE(native->messages);
  EXPECT_FALSE(parse_abi_measured("read", R"({"name": "stat", "median_ns": 2})"));
  EXPECT_FALSE(parse_abi_measured("stat", R"({"name": "stat"})"));
  EXPECT_FALSE(parse_abi_measured("stat", "abi_bench: open: No such file or directory"));
}

TEST(AbiReport, SpeedIsLinuxsTimeByOurs) {
  EXPECT_DOUBLE_EQ(row("stat", {50, 900, 40}, {100, 110, 90}, 0).speed(), 2);
  AbiReport report;
  report.rows = {row("stat", {50}, {100}, 0), row("null call", {100}, {50}, 0), row("futex wake", {10}, {80}, 0)};
  EXPECT_NEAR(report.mean_speed(), 2, 1e-9);
}

TEST(AbiReport, KeepsEverythingAsJson) {
  AbiReport report;
  report.rows = {row("stat", {10, 12}, {11, 11}, 0.01), row("mmap+touch+munmap", {100}, {49}, 3),
                 row("fork+exit", {10}, {10}, 7)};
  const auto json = nlohmann::json::parse(report.json());
  ASSERT_EQ(json["rows"].size(), 3u);
  EXPECT_EQ(json["rows"][0]["speed"], 1);
  EXPECT_EQ(json["rows"][0]["ours"]["least_ns"], 9);
  EXPECT_EQ(json["rows"][0]["ours"]["rounds"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["wanted"]["messages_reached"], true);
  EXPECT_EQ(json["rows"][1]["wanted"]["messages_reached"], false);
  EXPECT_EQ(json["rows"][1]["wanted"]["speed_reached"], false);
  EXPECT_FALSE(json["rows"][2]["wanted"].contains("messages"));
  const std::string table = report.table();
  EXPECT_NE(table.find("<= 2 NO"), table.npos) << table;
  EXPECT_NE(table.find("geometric mean"), table.npos) << table;
}

}  // namespace
}  // namespace bench
