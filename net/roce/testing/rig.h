// SPDX-License-Identifier: Apache-2.0
// A simulated Ethernet with engines on it, under virtual time: frames are lost, repeated, delayed, overtaken and
// damaged as a seed says; sinks may be full and may hold frames for a while. Everything runs in one thread and every
// run of a seed is the same. For tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "kernel/base/clock.h"
#include "kernel/base/random.h"
#include "net/roce/engine.h"

namespace roce::testing {

class VirtualClock final : public base::Clock {
 public:
  std::uint64_t now_ns() const override { return now_; }
  void set(std::uint64_t now) { now_ = now; }

 private:
  std::uint64_t now_ = 1000;
};

// Chances are per million frames.
struct Faults {
  std::uint32_t drop = 0;
  std::uint32_t duplicate = 0;
  std::uint32_t reorder = 0;  // the frame takes reorder_delay_ns longer
  std::uint32_t corrupt = 0;
  std::uint64_t delay_ns = 20'000;
  std::uint64_t jitter_ns = 0;
  std::uint64_t reorder_delay_ns = 200'000;
};

// What a test decides for one frame.
struct Fate {
  unsigned copies = 1;
  std::uint64_t second_later_ns = 0;  // than the first
};

struct SinkBehaviour {
  std::size_t capacity = 256;  // frames held at a time
  std::uint64_t hold_ns = 0;   // how long a frame is held; 0: given back within transmit()
  std::uint64_t frame_ns = 0;  // and how long the wire takes for one, one after the other
  std::uint32_t refuse = 0;    // chance per million to say full without being so, once
};

enum class Family : std::uint8_t { Ipv4, Ipv6 };

class World;

// One machine: an engine and its network interface.
class Node final : public FrameSink {
 public:
  Node(World& world, std::uint32_t number, const EngineConfig& config);
  ~Node();

  Result<> transmit(std::span<const Segment> segments, TransmitToken token) override;
  void quiesce() override;

  Engine& engine() { return *engine_; }
  const Counters& counters() const { return engine_->counters(); }
  const MacAddress& mac() const { return config_.mac; }
  std::uint32_t ipv4() const { return config_.ipv4; }
  verbs::Gid gid(Family family = Family::Ipv4) const {
    auto& device = engine_->device();
    return family == Family::Ipv4 ? device.gid() : device.link_local_gid();
  }
  std::uint64_t seed() const { return config_.seed; }
  void restart(std::uint64_t seed);  // forgets everything, as after a power cycle

  SinkBehaviour sink;
  // Sees every frame that leaves, before faults.
  std::function<void(const std::vector<std::byte>&)> on_transmit;

 private:
  friend class World;
  struct Held {
    std::vector<Segment> segments;
    std::vector<std::byte> copy;
    TransmitToken token;
    std::uint64_t until_ns;
  };
  void release();

  World& world_;
  EngineConfig config_;
  base::Own<Engine> engine_;
  std::deque<Held> held_;
  std::uint64_t busy_until_ns_ = 0;
  bool refused_ = false;  // space_available() is owed
};

class World {
 public:
  explicit World(std::uint64_t seed) : random(seed) {}

  Node& add(std::uint32_t link_mtu = 4200);
  Node& add(const EngineConfig& config);
  // Handles the next thing that is due, if it is due before `until_ns`.
  bool step(std::uint64_t until_ns = base::never_ns);
  // Until the condition holds; false: nothing more happens, or time is over.
  bool run(const std::function<bool()>& condition, std::uint64_t limit_ns = 300 * base::second_ns);
  void run_for(std::uint64_t time_ns);

  void send(const Node& from, std::vector<std::byte> frame);
  void forget_frames() { wire_.clear(); }  // all that are on their way
  void inject(Node& to, std::vector<std::byte> frame, std::uint64_t delay_ns = 0);

  VirtualClock clock;
  base::Random random;
  Faults faults;
  bool partitioned = false;
  std::function<Fate(const std::vector<std::byte>&)> fate;  // beside the faults; none: all arrive
  std::vector<std::unique_ptr<Node>> nodes;

 private:
  struct Arrival {
    Node* to;
    std::vector<std::byte> frame;
  };
  std::multimap<std::uint64_t, Arrival> wire_;
};

// A default configuration for machine `number` (10.9.0.number).
EngineConfig default_config(std::uint32_t number, std::uint32_t link_mtu = 4200);

}  // namespace roce::testing
