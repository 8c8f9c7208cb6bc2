// SPDX-License-Identifier: Apache-2.0
// The image of port_rack_test. Options: role=server|client, address=A, server=A (IPv4 addresses as numbers), spin (idle
// cores of the client may spin).
#include "kernel/base/log.h"
#include "kernel/core/cores.h"
#include "kernel/core/entropy.h"
#include "kernel/core/event_core.h"
#include "kernel/drivers/machine.h"
#include "kernel/drivers/network.h"
#include "kernel/start/component.h"
#include "kernel/threads/scheduler.h"
#include "kernel/time/clock.h"
#include "net/port/event_port.h"
#include "net/port/open_port.h"
#include "net/port/thread_port.h"
#include "tests/rack/port/client.h"
#include "tests/rack/port/server.h"

namespace port_test {
namespace {

using base::Result;
using kernel::BootInfo;

// What both roles have; it stays for ever.
struct Node {
  drivers::Machine machine;
  base::Own<netdev::NetDevice> device;
  base::Own<port::EthernetPort> port;
};

Result<base::Own<Node>> start_node(const BootInfo& boot) {
  auto node = TRY(base::try_make<Node>());
  TRY(node->machine.start());
  auto devices = TRY(drivers::start_network_devices(node->machine, 0));
  if (devices.empty()) return base::fail(base::Error::NoDevice);
  node->device = std::move(devices[0]);
  roce::EngineConfig config;
  config.ipv4 = static_cast<std::uint32_t>(TRY(boot.command_line().number("address")));
  config.seed = kernel::random_u64();
  config.crc = TRY(port::choose_crc(kernel::clock(), boot.command_line().find_or("crc", "")));
  node->port = TRY(port::open_port(*node->device, kernel::clock(), config));
  base::log_info("test", "ICRC by {}", roce::crc_method(config.crc).name);
  return node;
}

Result<> start_server(const BootInfo& boot) {
  TRY(kernel::make_event_cores());
  Node& node = *TRY(start_node(boot)).release();
  TRY(base::try_make<port::EventPort>(*node.port, *node.device, kernel::event_core(0))).release();
  Server& server = *TRY(base::try_make<Server>(*node.port)).release();
  TRY(server.start(node.machine.memory()));
  base::log_info("test", "serving");
  return {};
}

struct ClientWork {
  explicit ClientWork(Node& its_node) : node(its_node), loop(kernel::clock()), client(*its_node.port, waiting) {}
  Node& node;
  base::EventLoop loop;
  WaitingSince waiting;
  Client client;
  verbs::Gid server;
};

void run_client(void* object) {
  auto& work = *static_cast<ClientWork*>(object);
  const auto ran = work.client.run(work.node.machine.memory(), work.server);
  work.node.port->for_each_counter(
      [](std::string_view name, std::uint64_t value) { base::log_info("test", "{} {}", name, value); });
  base::log_info("test", "client: {}", ran ? "all is well" : base::error_name(ran.error()));
}

Result<> start_client(const BootInfo& boot) {
  threads::init();
  Node& node = *TRY(start_node(boot)).release();
  ClientWork& work = *TRY(base::try_make<ClientWork>(node)).release();
  work.server = verbs::Gid::from_ipv4(static_cast<std::uint32_t>(TRY(boot.command_line().number("server"))));
  port::ThreadPort& port = *TRY(port::ThreadPort::create(work.loop, *node.port, *node.device)).release();
  if (boot.command_line().has("spin")) port.expect(work.waiting);
  const auto run = [](void* driver) { static_cast<port::ThreadPort*>(driver)->run(); };
  threads::start(*TRY(threads::create({.name = "net", .klass = policy::Class::High}, run, &port)));
  threads::start(*TRY(threads::create({.name = "client"}, run_client, &work)));
  return {};
}

void require(const Result<>& started) {
  if (started) return;
  base::log_error("test", "cannot start: {}", started.error());
  base::platform::panic("the test cannot start");
}

}  // namespace
}  // namespace port_test

[[noreturn]] void kernel::component_main(const BootInfo& boot) {
  if (boot.command_line().find_or("role", "") == "server") {
    port_test::require(port_test::start_server(boot));
    run_event_cores();
  }
  port_test::require(port_test::start_client(boot));
  run_on_other_cores([](std::uint32_t) { threads::run_this_core(); });
  threads::run_this_core();
}
