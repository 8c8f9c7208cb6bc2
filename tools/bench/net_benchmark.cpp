// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/net_benchmark.h"

#include <fmt/format.h>

#include "tools/bench/image_pair.h"
#include "tools/bench/rxe_pair.h"
#include "tools/machines/switch.h"

namespace bench {
namespace {

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (const Quantity quantity : {Quantity::Latency, Quantity::Bandwidth}) {
    for (const Operation operation : {Operation::Send, Operation::Write, Operation::Read}) {
      for (const unsigned bytes : {64u, 4096u})
        rows.push_back({.cell = {quantity, operation, bytes}, .ours = {}, .rxe = {}});
    }
    rows.push_back({.cell = {quantity, Operation::Call, 4096}, .ours = {}, .rxe = {}});
  }
  return rows;
}

}  // namespace

NetReport run_net_benchmark(const NetOptions& options, const std::function<void(const std::string&)>& progress) {
  NetReport report{.circumstances = {.rounds = options.rounds, .effort = options.effort, .host = describe_host()},
                   .rows = all_rows()};
  Circumstances& circumstances = report.circumstances;

  const machines::Switch rack({"ours1", "ours2", "control", "rxe1", "rxe2"});
  ImagePair ours(options.image,
                 {.server = rack.socket("ours1"), .client = rack.socket("ours2"), .control = rack.socket("control")});
  RxePair rxe(rack.socket("rxe1"), rack.socket("rxe2"));
  progress("booting two images and two Linux guests");
  rxe.boot();
  ours.boot();
  rxe.wait_until_ready();
  ours.connect();
  circumstances.icrc = ours.icrc_method();
  circumstances.kernel = rxe.kernel();
  circumstances.perftest = rxe.perftest_version();

  for (unsigned round = 1; round <= options.rounds; ++round) {
    progress(fmt::format("round {} of {}", round, options.rounds));
    for (Row& row : report.rows) {
      row.ours.rounds.push_back(ours.measure(row.cell, options.effort));
      row.rxe.rounds.push_back(rxe.measure(row.cell, options.effort));
    }
  }
  circumstances.host.load_after = host_load();
  return report;
}

}  // namespace bench
