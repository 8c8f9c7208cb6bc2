// SPDX-License-Identifier: Apache-2.0
#include "net/roce/engine.h"

#include "net/roce/connection_manager.h"
#include "net/roce/core.h"
#include "net/roce/datagram_pool.h"
#include "net/roce/device.h"
#include "net/roce/frame_input.h"

namespace roce {
namespace {

class EngineImplementation final : public Engine {
 public:
  EngineImplementation(const EngineConfig& config, const base::Clock& clock, FrameSink& sink)
      : core_(config, clock, sink) {}
  Result<> initialize() {
    TRY(core_.initialize());
    TRY(datagrams_.initialize());
    return connections_.initialize();
  }

  verbs::Device& device() override { return device_; }
  verbs::ConnectionManager& connections() override { return connections_; }

  void receive(std::span<const std::byte> frame, More more) override {
    input_.receive(frame);
    if (more == More::No) core_.pump();
  }
  void transmit_done(TransmitToken token) override {
    core_.transmitter.done(token);
    core_.pump();
  }
  void space_available() override {
    core_.transmitter.space_available();
    core_.pump();
  }
  std::uint64_t next_deadline_ns() const override { return core_.deadlines.next_ns(); }
  void advance() override {
    core_.deadlines.run(core_.now_ns());
    core_.pump();
  }
  const Counters& counters() const override { return core_.counters; }

 private:
  Core core_;
  RoceDevice device_{core_};
  DatagramPool datagrams_{core_.transmitter};
  RoceConnectionManager connections_{core_, datagrams_};
  FrameInput input_{core_, datagrams_, connections_};
};

bool sound(const EngineConfig& config) {
  return config.ipv4 != 0 && config.prefix_length <= 32 && config.link_mtu >= 256 + limits::header_bytes &&
         !config.mac.is_multicast() && config.max_queue_pairs > 0 && config.max_queue_pairs <= 1 << 16 &&
         config.max_memory_regions > 0 && config.max_memory_regions <= 1 << 20 && config.transmit_slots > 0 &&
         config.max_connections > 0 && config.max_connections <= 1 << 16;
}

}  // namespace

Result<base::Own<Engine>> Engine::create(const EngineConfig& config, const base::Clock& clock, FrameSink& sink) {
  if (!sound(config)) return base::fail(Error::InvalidArgument);
  auto engine = TRY(base::try_make<EngineImplementation>(config, clock, sink));
  TRY(engine->initialize());
  return engine;
}

}  // namespace roce
