// SPDX-License-Identifier: Apache-2.0
// The virtual Ethernet switch as a program: `lego run` starts it first, then everything that attaches to it.
//   ether_switch --port p0=/run/x/p0.sock --port m0=/run/x/m0.sock [--pcap FILE] [--faults LIST] [--ready-fd N]
// When all ports listen it writes one byte to descriptor N. SIGTERM ends it with a line of counters.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "tools/ether_switch/server.h"
#include "tools/support/failure.h"

namespace {

std::vector<ether_switch::PortSpec> parse_ports(const std::vector<std::string>& texts) {
  std::vector<ether_switch::PortSpec> ports;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == text.npos) throw support::Failure(fmt::format("'{}' is not NAME=PATH", text));
    ports.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return ports;
}

ether_switch::FaultPlan parse_faults(const std::string& list) {
  if (list.empty()) return {};
  auto plan = ether_switch::FaultPlan::parse(list);
  if (!plan) throw support::Failure(plan.error());
  return *plan;
}

std::optional<ether_switch::PcapWriter> open_capture(const std::string& path) {
  if (path.empty()) return std::nullopt;
  auto capture = ether_switch::PcapWriter::create(path);
  if (!capture) throw support::Failure(fmt::format("cannot write {}", path));
  return std::move(*capture);
}

support::Fd termination_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return support::Fd(signalfd(-1, &signals, SFD_CLOEXEC));
}

int serve(int count, char** values) {
  CLI::App app("The virtual Ethernet switch of a rack in QEMU", "ether_switch");
  std::vector<std::string> ports;
  std::string capture;
  std::string faults;
  int ready_fd = -1;
  app.add_option("--port", ports, "NAME=PATH: a port and its socket; repeatable")->required();
  app.add_option("--pcap", capture, "capture all frames in this file");
  app.add_option("--faults", faults, "drop=2%,dup=1%,reorder=5%,delay=0-2ms,partition=p0+m0@10s/5s,seed=7");
  app.add_option("--ready-fd", ready_fd, "write one byte here when all ports listen");
  CLI11_PARSE(app, count, values);
  const support::Fd stop = termination_signals();
  ether_switch::Server server(parse_ports(ports), parse_faults(faults), open_capture(capture));
  if (ready_fd >= 0) {
    if (write(ready_fd, "r", 1) != 1) throw support::Failure("nobody waits for this switch");
    close(ready_fd);
  }
  server.run(stop.get());
  fmt::print(stderr, "switch: {}\n", server.summary());
  return 0;
}

}  // namespace

int main(int count, char** values) {
  try {
    return serve(count, values);
  } catch (const std::exception& error) {
    fmt::print(stderr, "switch: {}\n", error.what());
    return support::exit_failure;
  }
}
