// SPDX-License-Identifier: Apache-2.0
#include "net/roce/core.h"

#include <algorithm>
#include <bit>

#include "net/roce/neighbor_discovery.h"
#include "net/roce/queue_pair.h"

namespace roce {
namespace {

constexpr std::uint32_t qpn_bits = 24;

LinkConfig link_config(const EngineConfig& config) {
  return {config.mac, config.ipv4, config.prefix_length, config.gateway, discovery::link_local(config.mac)};
}

}  // namespace

Core::Core(const EngineConfig& config_in, const base::Clock& clock_in, FrameSink& sink)
    : config(config_in),
      clock(clock_in),
      gid(verbs::Gid::from_ipv4(config_in.ipv4)),
      link_local(discovery::link_local(config_in.mac)),
      random(config_in.seed),
      transmitter(sink, counters, crc_method(config_in.crc)),
      neighbors(link_config(config_in), clock_in, deadlines, transmitter, counters, *this) {}

Result<> Core::initialize() {
  TRY(transmitter.initialize(config.transmit_slots, config.mac));
  TRY(neighbors.initialize());
  TRY(memory.initialize(config.max_memory_regions, random));
  TRY(queue_pairs_.resize(config.max_queue_pairs));
  // QP numbers 0 and 1 belong to management: with two bits of index and a generation from 1 none comes near.
  index_bits_ = std::max(2u, static_cast<std::uint32_t>(std::bit_width(config.max_queue_pairs - 1)));
  for (QueuePairSlot& slot : queue_pairs_) slot.generation = static_cast<std::uint32_t>(random.next());
  return {};
}

void Core::pump() {
  if (pumping_) return;  // a call back from the sink or a user: the loop below goes on with what it left
  pumping_ = true;
  while (!ready_.empty() && !transmitter.blocked()) {
    Sender& sender = ready_.front();
    ready_.pop_front();
    Emitted emitted = Emitted::Frame;
    for (std::uint32_t i = 0; i < limits::burst && emitted == Emitted::Frame; ++i) emitted = sender.emit();
    if (emitted == Emitted::Nothing || sender.is_linked()) continue;
    if (emitted == Emitted::Full) {
      ready_.push_front(sender);
    } else {
      ready_.push_back(sender);
    }
  }
  pumping_ = false;
}

Result<std::uint32_t> Core::add_queue_pair(RoceQueuePair& queue_pair) {
  for (std::size_t tried = 0; tried < queue_pairs_.size(); ++tried) {
    const std::uint32_t index = next_index_;
    next_index_ = (next_index_ + 1) % static_cast<std::uint32_t>(queue_pairs_.size());
    QueuePairSlot& slot = queue_pairs_[index];
    if (slot.queue_pair != nullptr) continue;
    const std::uint32_t generations = (std::uint32_t{1} << (qpn_bits - index_bits_)) - 1;
    slot.generation = slot.generation % generations + 1;  // 1 to `generations`
    slot.queue_pair = &queue_pair;
    return qpn_of(index);
  }
  return base::fail(Error::Exhausted);
}

void Core::remove_queue_pair(std::uint32_t qpn) {
  LEGO_ASSERT(find_queue_pair(qpn) != nullptr);
  queue_pairs_[qpn & ((std::uint32_t{1} << index_bits_) - 1)].queue_pair = nullptr;
}

RoceQueuePair* Core::find_queue_pair(std::uint32_t qpn) const {
  const std::uint32_t index = qpn & ((std::uint32_t{1} << index_bits_) - 1);
  if (index >= queue_pairs_.size() || qpn_of(index) != qpn) return nullptr;
  return queue_pairs_[index].queue_pair;
}

void Core::neighbor_changed() {
  for (QueuePairSlot& slot : queue_pairs_) {
    if (slot.queue_pair != nullptr) schedule(*slot.queue_pair);
  }
  if (management_ != nullptr) schedule(*management_);
}

}  // namespace roce
