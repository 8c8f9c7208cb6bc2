// SPDX-License-Identifier: Apache-2.0
// The global managers as a Linux program:
//   gmmd --switch /run/x/gmm.sock --ip 10.77.0.1/16 --mac 02:4c:45:00:00:01 --key FILE [--state FILE]
// Attaches to the rack's virtual Ethernet, serves until SIGTERM, and logs on stderr. Exit status 1: it could not start,
// or the switch is gone.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "gmm/daemon.h"
#include "kernel/base/log.h"
#include "net/roce/addresses.h"

namespace {

int termination_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

int serve(const gmm::Options& options) {
  enum class End { None, Asked, SwitchGone } end = End::None;
  poll_loop::MonotonicClock clock;
  base::EventLoop events(clock);
  poll_loop::PollLoop loop(events);
  const int stop = termination_signals();
  const auto watch = loop.watch(stop, POLLIN, [&end](short) { end = End::Asked; });
  const auto daemon = gmm::Daemon::create(loop, options, [&end] { end = End::SwitchGone; });
  if (!daemon) return 1;
  while (end == End::None) loop.run_once();
  base::log_info("gmm", "{}", end == End::Asked ? "ends as asked" : "the switch is gone");
  close(stop);
  return end == End::Asked ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
  CLI::App app("The global managers of a rack", "gmmd");
  gmm::Options options;
  std::string address;
  std::string mac;
  app.add_option("--switch", options.switch_socket, "socket of our port of the virtual switch")->required();
  app.add_option("--ip", address, "our address, with the length of the network's prefix: 10.77.0.1/16")->required();
  app.add_option("--mac", mac, "our Ethernet address")->required();
  app.add_option("--key", options.key_file, "file with the rack key")->required();
  app.add_option("--state", options.state_file, "file that keeps the ids given out; created if it is not there");
  app.add_option("--name", options.name, "our name in logs");
  CLI11_PARSE(app, count, values);
  const auto network = roce::parse_network(address);
  const auto parsed_mac = roce::parse_mac(mac);
  if (!network || !parsed_mac) {
    base::log_error("gmm", "'{}' is no address", std::string_view(network ? mac : address));
    return 1;
  }
  options.ip = network->address;
  options.prefix_length = network->prefix_length;
  options.mac = *parsed_mac;
  return serve(options);
}
