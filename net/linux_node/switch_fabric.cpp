// SPDX-License-Identifier: Apache-2.0
#include "net/linux_node/switch_fabric.h"

#include "net/linux_node/get_random.h"

namespace linux_node {
namespace {

constexpr std::uint32_t link_mtu = 4200;  // a page in one packet

class SwitchFabric final : public Fabric {
 public:
  explicit SwitchFabric(std::unique_ptr<roce_socket::RocePort> port) : port_(std::move(port)) {}
  verbs::Device& device() override { return port_->engine().device(); }
  verbs::ConnectionManager& connections() override { return port_->engine().connections(); }
  NetworkCounters counters() override {
    const roce::Counters& from = port_->engine().counters();
    return {from.tx_packets, from.tx_bytes, from.rx_packets, from.rx_bytes, from.retransmits};
  }

 private:
  std::unique_ptr<roce_socket::RocePort> port_;
};

base::Result<std::unique_ptr<Fabric>> attach(const SwitchConfig& config, poll_loop::PollLoop& loop,
                                             base::SpinLock& lock, std::function<void()> lost) {
  roce::EngineConfig engine;
  engine.mac = config.mac;
  engine.ipv4 = config.ip;
  engine.prefix_length = config.prefix_length;
  engine.link_mtu = link_mtu;
  engine.seed = GetRandom().number();
  auto socket = TRY(ether_socket::EtherSocket::connect(config.switch_socket));
  return std::make_unique<SwitchFabric>(
      TRY(roce_socket::RocePort::create(loop, lock, std::move(socket), engine, std::move(lost))));
}

}  // namespace

MakeFabric on_switch(const SwitchConfig& config) {
  return [config](poll_loop::PollLoop& loop, base::SpinLock& lock, std::function<void()> lost) {
    return attach(config, loop, lock, std::move(lost));
  };
}

}  // namespace linux_node
