// SPDX-License-Identifier: Apache-2.0
// Components of rpc tests on RoCE engines, joined by the simulated wire of net/roce's own tests.
#pragma once

#include "net/roce/testing/rig.h"
#include "net/rpc/test_world.h"

namespace rpc::test {

class RoceWorld final : public World {
 public:
  explicit RoceWorld(std::uint64_t seed) : World(seed), wire(seed) {}
  ~RoceWorld() override { remove_nodes(); }
  const base::Clock& clock() const override { return wire.clock; }
  Attachment attach(std::uint32_t ip) override {
    roce::EngineConfig config;
    config.mac = {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(ip)}};
    config.ipv4 = ip;
    config.link_mtu = 4200;
    config.seed = random.next();
    roce::testing::Node& node = wire.add(config);
    return {nullptr, node.engine().device(), node.engine().connections()};
  }
  bool network_step(std::uint64_t until_ns) override { return wire.step(until_ns); }
  void pass_time(std::uint64_t until_ns) override { wire.clock.set(std::max(wire.clock.now_ns(), until_ns)); }

  roce::testing::World wire;
};

}  // namespace rpc::test
