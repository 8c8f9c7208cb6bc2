// SPDX-License-Identifier: Apache-2.0
// The options of each benchmark; a further one is a further subcommand. Results go to stdout, everything else to
// stderr.
#include "tools/command/bench_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>

#include "tools/bench/abi_benchmark.h"
#include "tools/bench/net_benchmark.h"
#include "tools/machines/guest_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

using support::Failure;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!(file << text) || !file.flush()) throw Failure(fmt::format("bench: cannot write {}", path));
}

void say(const std::string& line) { fmt::print(stderr, "lego: {}\n", line); }

struct NetBenchmark {
  bench::NetOptions options;
  std::string json;

  void declare(CLI::App& app) {
    const CLI::Range some(1u, 1'000'000u);
    app.add_option("--json", json, "keep all numbers in this file");
    app.add_option("--rounds", options.rounds, "how often everything is measured")->check(some)->capture_default_str();
    app.add_option("--iterations", options.effort.latency_iterations, "operations for a latency")
        ->check(CLI::Range(5u, 65'536u))  // perftest takes no less; more samples are not kept
        ->capture_default_str();
    app.add_option("--bandwidth-iterations", options.effort.bandwidth_iterations, "operations for a bandwidth")
        ->check(CLI::Range(5u, 1'000'000u))
        ->capture_default_str();
    app.add_option("--depth", options.effort.depth, "operations at a time, for a bandwidth")
        ->check(CLI::Range(1u, 16u))
        ->capture_default_str();
  }

  void run() {
    if (!json.empty()) write_file(json, "");  // better now than after minutes
    options.image = support::build_folder() / "memory/mcomponent.elf";
    machines::make_guest_image();
    const bench::NetReport report = bench::run_net_benchmark(options, say);
    fmt::print("{}", report.table());
    if (!json.empty()) write_file(json, report.json());
  }
};

struct AbiBenchmark {
  bench::AbiOptions options;
  std::string json;

  void declare(CLI::App& app) {
    app.add_option("--json", json, "keep all numbers in this file");
    app.add_option("--rounds", options.rounds, "how often everything is measured")
        ->check(CLI::Range(1u, 1'000'000u))
        ->capture_default_str();
    app.add_option("--milliseconds", options.milliseconds, "how long a measurement takes")
        ->check(CLI::Range(1u, 60'000u))
        ->capture_default_str();
    app.add_option("--only", options.only, "measure nothing but this; repeatable");
  }

  void run() {
    if (!json.empty()) write_file(json, "");  // better now than after minutes
    options.lego = support::build_folder() / "tools/command/lego";
    options.program = support::build_folder() / "tools/bench/abi_program/abi_bench";
    machines::make_guest_image();
    const bench::AbiReport report = bench::run_abi_benchmark(options, say);
    fmt::print("{}", report.table());
    if (!json.empty()) write_file(json, report.json());
  }
};

}  // namespace

int bench_command(const std::vector<std::string>& arguments) {
  CLI::App app("Measures something beside the same in Linux, in one run, and prints a table of ratios.",
               "tools/lego bench");
  app.require_subcommand(1);
  NetBenchmark net;
  CLI::App* const net_app =
      app.add_subcommand("net", "RDMA: two components, and two Linux guests with soft-RoCE, on one switch");
  net.declare(*net_app);
  AbiBenchmark abi;
  CLI::App* const abi_app = app.add_subcommand("abi", "system calls: a vNode, and a Linux guest with as many cores");
  abi.declare(*abi_app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", net_app->parsed() ? net_app->help() : abi_app->parsed() ? abi_app->help() : app.help());
    return 0;
  } catch (const CLI::ParseError& error) {
    throw Failure(fmt::format("bench: {}", error.what()));
  }
  if (net_app->parsed()) net.run();
  if (abi_app->parsed()) abi.run();
  return 0;
}

}  // namespace command
