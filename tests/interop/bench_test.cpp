// SPDX-License-Identifier: Apache-2.0
// `lego bench` works and measures everything it says: figures are there for each row and each side. How good the times
// are is no test's business; how many messages a call takes is, for that does not depend on the machine.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tools/support/child.h"
#include "tools/support/folder.h"

namespace interop {
namespace {

TEST(BenchNet, MeasuresEveryCellOnBothSides) {
  const support::Folder folder;
  const std::string file = folder.path() / "net.json";
  const auto ended = support::run_captured({PROGRAM_LEGO, "bench", "net", "--rounds", "1", "--iterations", "20",
                                            "--bandwidth-iterations", "20", "--json", file});
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("ours to"), ended.output.npos) << ended.output;
  const auto json = nlohmann::json::parse(std::ifstream(file));
  std::set<std::string> cells;
  for (const auto& row : json["rows"]) {
    const std::string cell = row["quantity"].get<std::string>() + " " + row["operation"].get<std::string>() + " " +
                             std::to_string(row["bytes"].get<unsigned>());
    cells.insert(cell);
    EXPECT_GT(row["ours"]["median"].get<double>(), 0) << cell;
    EXPECT_GT(row["rxe"]["median"].get<double>(), 0) << cell;
    EXPECT_GT(row["ratio"].get<double>(), 0) << cell;
    EXPECT_EQ(row["ours"]["rounds"].size(), 1u) << cell;
  }
  std::set<std::string> wanted;
  for (const std::string quantity : {"latency ", "bandwidth "}) {
    for (const std::string operation : {"SEND ", "WRITE ", "READ "}) {
      for (const std::string bytes : {"64", "4096"}) wanted.insert(quantity + operation + bytes);
    }
    wanted.insert(quantity + "RPC 4096");
  }
  EXPECT_EQ(cells, wanted);
  for (const char* about : {"qemu", "kernel", "perftest", "icrc"}) EXPECT_NE(json[about], "") << about;
}

TEST(BenchAbi, MeasuresEverythingOnBothSidesAndCountsMessages) {
  const support::Folder folder;
  const std::string file = folder.path() / "abi.json";
  const auto ended =
      support::run_captured({PROGRAM_LEGO, "bench", "abi", "--rounds", "1", "--milliseconds", "20", "--json", file});
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_NE(ended.output.find("geometric mean"), ended.output.npos) << ended.output;
  const auto json = nlohmann::json::parse(std::ifstream(file));
  std::set<std::string> names;
  for (const auto& row : json["rows"]) {
    const auto name = row["name"].get<std::string>();
    names.insert(name);
    for (const char* side : {"ours", "linux"}) EXPECT_GT(row[side]["median_ns"].get<double>(), 0) << name;
    EXPECT_GT(row["speed"].get<double>(), 0) << name;
    ASSERT_TRUE(row["ours"]["rounds"][0].contains("messages")) << name;
    EXPECT_FALSE(row["linux"]["rounds"][0].contains("messages")) << name;
    if (row["wanted"].contains("messages")) {
      EXPECT_TRUE(row["wanted"]["messages_reached"].get<bool>()) << name << ": " << row["messages"];
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"null call", "read a page", "write a page", "stat", "open+close",
                                          "pipe round trip", "unix socket round trip", "context switch", "fork+exit",
                                          "fork+exec", "mmap+touch+munmap", "signal delivery", "futex wake"}));
  EXPECT_GT(json["geometric_mean"].get<double>(), 0);
}

}  // namespace
}  // namespace interop
