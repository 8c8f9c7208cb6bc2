// SPDX-License-Identifier: Apache-2.0
// The global managers as a Linux program:
//   gmmd --fabric switch:/run/x/gmm.sock --mac 02:4c:45:00:00:01 --ip 10.77.0.1/16 --key FILE [--state FILE]
//   gmmd --fabric verbs:mlx5_0 --ip 10.77.0.1/16 --key FILE [--state FILE]
// Attaches to the rack's virtual Ethernet, or to an RDMA device of this machine by libibverbs; serves until SIGTERM,
// and logs on stderr. Exit status 1: it could not start, or the network is gone.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <optional>

#include "gmm/daemon.h"
#include "kernel/base/log.h"
#include "net/ibverbs/ib_port.h"
#include "net/linux_node/switch_fabric.h"
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

int serve(const gmm::Options& options, const linux_node::MakeFabric& make_fabric) {
  enum class End { None, Asked, NetworkGone } end = End::None;
  poll_loop::MonotonicClock clock;
  base::EventLoop events(clock);
  poll_loop::PollLoop loop(events);
  const int stop = termination_signals();
  const auto watch = loop.watch(stop, POLLIN, [&end](short) { end = End::Asked; });
  const auto daemon = gmm::Daemon::create(loop, options, make_fabric, [&end] { end = End::NetworkGone; });
  if (!daemon) return 1;
  while (end == End::None) loop.run_once();
  base::log_info("gmm", "{}", end == End::Asked ? "ends as asked" : "the network is gone");
  close(stop);
  return end == End::Asked ? 0 : 1;
}

// Nothing, and a line of log, if the words make no sense.
std::optional<linux_node::MakeFabric> choose_fabric(const std::string& fabric, const roce::Ipv4Network& network,
                                                    const std::string& mac) {
  const auto colon = fabric.find(':');
  const std::string kind = fabric.substr(0, colon);
  const std::string name = colon == fabric.npos ? "" : fabric.substr(colon + 1);
  if (kind == "verbs" && !name.empty()) return ibverbs::on_device(name, verbs::Gid::from_ipv4(network.address));
  if (kind != "switch" || name.empty()) {
    base::log_error("gmm", "--fabric: '{}' is neither switch:SOCKET nor verbs:DEVICE", std::string_view(fabric));
    return std::nullopt;
  }
  const auto parsed_mac = roce::parse_mac(mac);
  if (!parsed_mac) {
    base::log_error("gmm", "--mac: '{}' is no address, and the switch needs one", std::string_view(mac));
    return std::nullopt;
  }
  return linux_node::on_switch({name, network.address, network.prefix_length, *parsed_mac});
}

}  // namespace

int main(int count, char** values) {
  CLI::App app("The global managers of a rack", "gmmd");
  gmm::Options options;
  std::string address;
  std::string mac;
  auto* fabric = app.add_option("--fabric", options.fabric,
                                "switch:SOCKET, a port of the virtual switch, or verbs:DEVICE[:PORT], by libibverbs");
  app.add_option_function<std::string>(
         "--switch", [&options](const std::string& socket) { options.fabric = "switch:" + socket; },
         "the same as --fabric switch:SOCKET")
      ->excludes(fabric);
  app.add_option("--ip", address, "our address, with the length of the network's prefix: 10.77.0.1/16")->required();
  app.add_option("--mac", mac, "our Ethernet address on the virtual switch");
  app.add_option("--key", options.key_file, "file with the rack key")->required();
  app.add_option("--state", options.state_file, "file that keeps the ids given out; created if it is not there");
  app.add_option("--name", options.name, "our name in logs");
  CLI11_PARSE(app, count, values);
  const auto network = roce::parse_network(address);
  if (!network) {
    base::log_error("gmm", "--ip: '{}' is no address", std::string_view(address));
    return 1;
  }
  options.ip = network->address;
  const auto make_fabric = choose_fabric(options.fabric, *network, mac);
  return make_fabric ? serve(options, *make_fabric) : 1;
}
