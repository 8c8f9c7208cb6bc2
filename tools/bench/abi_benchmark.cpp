// SPDX-License-Identifier: Apache-2.0
#include "tools/bench/abi_benchmark.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "tools/bench/abi_subjects.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace bench {
namespace {

std::vector<AbiRow> rows_of(const AbiOptions& options) {
  const auto told = support::run_captured({options.program});
  if (told.status != 0) throw support::Failure(fmt::format("bench: {}: {}", options.program.string(), told.output));
  std::vector<AbiRow> rows;
  std::istringstream lines(told.output);
  for (std::string name; std::getline(lines, name);) {
    const bool wanted = options.only.empty() || std::ranges::find(options.only, name) != options.only.end();
    if (wanted) rows.push_back({.name = name, .ours = {}, .linux_guest = {}});
  }
  if (rows.empty()) throw support::Failure(fmt::format("bench: nothing has that name; there are\n{}", told.output));
  return rows;
}

}  // namespace

AbiReport run_abi_benchmark(const AbiOptions& options, const std::function<void(const std::string&)>& progress) {
  AbiReport report{.rounds = options.rounds,
                   .milliseconds = options.milliseconds,
                   .kernel = {},
                   .host = describe_host(),
                   .rows = rows_of(options)};
  progress("booting a rack and a Linux guest");
  VNodeSubject ours(options.lego, options.program);
  LinuxSubject linux_guest(options.program);
  report.kernel = linux_guest.kernel();
  for (unsigned round = 1; round <= options.rounds; ++round) {
    progress(fmt::format("round {} of {}", round, options.rounds));
    for (AbiRow& row : report.rows) {
      row.ours.rounds.push_back(ours.measure(row.name, options.milliseconds));
      row.linux_guest.rounds.push_back(linux_guest.measure(row.name, options.milliseconds));
    }
  }
  report.host.load_after = host_load();
  return report;
}

}  // namespace bench
