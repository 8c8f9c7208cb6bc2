// SPDX-License-Identifier: Apache-2.0
// `lego bench net` works and measures everything it says: figures are there for each cell and each side. How good they
// are is no test's business.
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

}  // namespace
}  // namespace interop
