// SPDX-License-Identifier: Apache-2.0
#include "net/roce/testing/rig.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace roce::testing {
namespace {

std::vector<std::byte> join(std::span<const Segment> segments) {
  std::vector<std::byte> bytes;
  for (const Segment& segment : segments) bytes.insert(bytes.end(), segment.begin(), segment.end());
  return bytes;
}

}  // namespace

EngineConfig default_config(std::uint32_t number, std::uint32_t link_mtu) {
  EngineConfig config;
  config.mac = {{0x52, 0x54, 0, 9, 0, static_cast<std::uint8_t>(number)}};
  config.ipv4 = 0x0a090000 + number;
  config.link_mtu = link_mtu;
  config.seed = 1000 + number;
  return config;
}

Node::Node(World& world, std::uint32_t, const EngineConfig& config) : world_(world), config_(config) {
  restart(config.seed);
}

Node::~Node() = default;

void Node::restart(std::uint64_t seed) {
  held_.clear();
  engine_.reset();
  config_.seed = seed;
  auto made = Engine::create(config_, world_.clock, *this);
  if (!made) {
    std::fprintf(stderr, "no engine: %s\n", base::error_name(made.error()));
    std::abort();
  }
  engine_ = std::move(*made);
}

Result<> Node::transmit(std::span<const Segment> segments, TransmitToken token) {
  std::size_t total = 0;
  for (const Segment& segment : segments) {
    if (segment.empty() || segment.data() == nullptr) std::abort();
    total += segment.size();
  }
  if (segments.size() > max_segments || total > config_.link_mtu + 14) std::abort();
  const bool refuse = sink.refuse > 0 && !refused_ && world_.random.chance(sink.refuse);
  if (held_.size() >= sink.capacity || refuse) {
    refused_ = true;
    return base::fail(Error::Again);
  }
  if (sink.hold_ns == 0 && sink.frame_ns == 0) {
    world_.send(*this, join(segments));
    engine_->transmit_done(token);
    return {};
  }
  busy_until_ns_ = std::max(busy_until_ns_, world_.clock.now_ns()) + sink.frame_ns;
  held_.push_back({{segments.begin(), segments.end()}, join(segments), token, busy_until_ns_ + sink.hold_ns});
  return {};
}

// The wire takes the frame now: its bytes must be those that were handed over.
void Node::release() {
  Held held = std::move(held_.front());
  held_.pop_front();
  std::vector<std::byte> bytes = join(held.segments);
  if (bytes != held.copy) {
    std::fprintf(stderr, "a frame changed while the sink held it\n");
    std::abort();
  }
  world_.send(*this, std::move(bytes));
  engine_->transmit_done(held.token);
}

void Node::quiesce() {
  while (!held_.empty()) release();
}

Node& World::add(std::uint32_t link_mtu) {
  return add(default_config(static_cast<std::uint32_t>(nodes.size() + 1), link_mtu));
}

Node& World::add(const EngineConfig& config) {
  nodes.push_back(std::make_unique<Node>(*this, static_cast<std::uint32_t>(nodes.size() + 1), config));
  return *nodes.back();
}

void World::send(const Node& from, std::vector<std::byte> frame) {
  if (from.on_transmit) from.on_transmit(frame);
  const Fate chosen = fate ? fate(frame) : Fate{};
  MacAddress destination;
  std::copy_n(reinterpret_cast<const std::uint8_t*>(frame.data()), 6, destination.bytes.begin());
  for (auto& node : nodes) {
    if (node.get() == &from || (!destination.is_multicast() && node->mac() != destination)) continue;
    if (partitioned || random.chance(faults.drop)) continue;
    const unsigned copies = chosen.copies + (random.chance(faults.duplicate) ? 1 : 0);
    for (unsigned i = 0; i < copies; ++i) {
      std::vector<std::byte> copy = frame;
      if (random.chance(faults.corrupt)) {
        copy[random.below(copy.size())] ^= static_cast<std::byte>(1u << random.below(8));
      }
      std::uint64_t delay = faults.delay_ns + (faults.jitter_ns > 0 ? random.below(faults.jitter_ns) : 0);
      if (random.chance(faults.reorder)) delay += faults.reorder_delay_ns;
      inject(*node, std::move(copy), delay + i * chosen.second_later_ns);
    }
  }
}

void World::inject(Node& to, std::vector<std::byte> frame, std::uint64_t delay_ns) {
  wire_.emplace(clock.now_ns() + delay_ns, Arrival{&to, std::move(frame)});
}

bool World::step(std::uint64_t until_ns) {
  std::uint64_t next = wire_.empty() ? base::never_ns : wire_.begin()->first;
  Node* timer = nullptr;
  Node* held = nullptr;
  for (auto& node : nodes) {
    if (const std::uint64_t at = node->engine().next_deadline_ns(); at < next) {
      next = at;
      timer = node.get();
      held = nullptr;
    }
    if (!node->held_.empty() && node->held_.front().until_ns < next) {
      next = node->held_.front().until_ns;
      held = node.get();
      timer = nullptr;
    }
    if (node->refused_ && node->held_.size() < node->sink.capacity && clock.now_ns() + 1 < next) {
      next = clock.now_ns() + 1;
      held = nullptr;
      timer = nullptr;
    }
  }
  if (next == base::never_ns || next > until_ns) return false;
  clock.set(std::max(clock.now_ns(), next));
  for (auto& node : nodes) {
    if (node->refused_ && node->held_.size() < node->sink.capacity) {
      node->refused_ = false;
      node->engine().space_available();
    }
  }
  if (held != nullptr) {
    held->release();
  } else if (timer != nullptr) {
    timer->engine().advance();
  } else if (!wire_.empty() && wire_.begin()->first <= clock.now_ns()) {
    Arrival arrival = std::move(wire_.begin()->second);
    wire_.erase(wire_.begin());
    // Now and then several frames come together.
    const More more = !wire_.empty() && wire_.begin()->second.to == arrival.to && wire_.begin()->first <= clock.now_ns()
                          ? More::Yes
                          : More::No;
    arrival.to->engine().receive(arrival.frame, more);
  }
  return true;
}

bool World::run(const std::function<bool()>& condition, std::uint64_t limit_ns) {
  const std::uint64_t until = clock.now_ns() + limit_ns;
  while (!condition()) {
    if (!step(until)) return false;
  }
  return true;
}

void World::run_for(std::uint64_t time_ns) {
  const std::uint64_t until = clock.now_ns() + time_ns;
  while (step(until)) {
  }
  clock.set(std::max(clock.now_ns(), until));
}

}  // namespace roce::testing
