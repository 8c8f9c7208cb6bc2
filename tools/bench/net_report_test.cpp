// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/net_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bench {
namespace {

Row row(Quantity quantity, Operation operation, unsigned bytes, std::vector<double> ours, std::vector<double> rxe) {
  Row made{.cell = {quantity, operation, bytes}, .ours = {}, .rxe = {}};
  for (const double value : ours) made.ours.rounds.push_back({value - 1, value, value + 1});
  for (const double value : rxe) made.rxe.rounds.push_back({value - 1, value, value + 1});
  return made;
}

TEST(NetReport, TakesTheMedianOfRounds) {
  const Row odd = row(Quantity::Latency, Operation::Read, 4096, {50, 900, 40}, {100, 110, 90});
  EXPECT_DOUBLE_EQ(odd.ours.median(), 50);
  EXPECT_DOUBLE_EQ(odd.ours.least(), 39);
  EXPECT_DOUBLE_EQ(odd.ratio(), 0.5);
  EXPECT_FALSE(is_as_wanted(odd));
  const Row even = row(Quantity::Latency, Operation::Read, 4096, {30, 40}, {100, 100});
  EXPECT_DOUBLE_EQ(even.ratio(), 0.35);
  EXPECT_TRUE(is_as_wanted(even));
}

TEST(NetReport, WantsMoreBandwidthAndLessLatency) {
  EXPECT_TRUE(is_as_wanted(row(Quantity::Bandwidth, Operation::Send, 64, {20}, {10})));
  EXPECT_FALSE(is_as_wanted(row(Quantity::Bandwidth, Operation::Send, 64, {19}, {10})));
  EXPECT_TRUE(is_as_wanted(row(Quantity::Latency, Operation::Send, 64, {5}, {10})));
  EXPECT_FALSE(is_as_wanted(row(Quantity::Latency, Operation::Call, 4096, {5}, {10})));
  EXPECT_EQ(wanted_ratio({Quantity::Latency, Operation::Write, 64}), 0);
}

TEST(NetReport, KeepsEverythingAsJson) {
  NetReport report;
  report.circumstances.rounds = 2;
  report.rows.push_back(row(Quantity::Latency, Operation::Send, 64, {10, 12}, {100, 120}));
  report.rows.push_back(row(Quantity::Bandwidth, Operation::Call, 4096, {30, 50}, {10, 10}));
  const auto json = nlohmann::json::parse(report.json());
  ASSERT_EQ(json["rows"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["ours"]["rounds"].size(), 2u);
  EXPECT_EQ(json["rows"][0]["path"], "one way");
  EXPECT_EQ(json["rows"][0]["ours"]["min"], 9);
  EXPECT_EQ(json["rows"][1]["against"], "READ");
  EXPECT_EQ(json["rows"][1]["ratio"], 4);
  EXPECT_EQ(json["rows"][1]["wanted"]["reached"], true);
  const std::string table = report.table();
  EXPECT_NE(table.find("SEND    64 B one way"), table.npos) << table;
  EXPECT_NE(table.find("RPC   4096 B"), table.npos) << table;
}

}  // namespace
}  // namespace bench
