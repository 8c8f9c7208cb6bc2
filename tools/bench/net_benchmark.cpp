// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/net_benchmark.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <thread>

#include "tools/bench/image_pair.h"
#include "tools/bench/rxe_pair.h"
#include "tools/machines/switch.h"
#include "tools/support/child.h"

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

double load() {
  double minute = 0;
  return getloadavg(&minute, 1) == 1 ? minute : 0;
}

std::string qemu_version() {
  const auto told = support::run_captured({"qemu-system-x86_64", "--version"});
  return told.output.substr(0, told.output.find('\n'));
}

}  // namespace

NetReport run_net_benchmark(const NetOptions& options, const std::function<void(const std::string&)>& progress) {
  NetReport report{.circumstances = {.rounds = options.rounds, .effort = options.effort}, .rows = all_rows()};
  Circumstances& circumstances = report.circumstances;
  circumstances.host_cpus = std::thread::hardware_concurrency();
  circumstances.qemu = qemu_version();
  circumstances.load_before = load();

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
  circumstances.load_after = load();
  return report;
}

}  // namespace bench
