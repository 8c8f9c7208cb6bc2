// SPDX-License-Identifier: Apache-2.0
// What all parts of one engine share: time, memory, counters, the way out, the table of queue pairs, and the list of
// those that have something to send. pump() gives these their turns, a burst each, until the sink is full.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/random.h"
#include "net/roce/counters.h"
#include "net/roce/deadline_queue.h"
#include "net/roce/engine.h"
#include "net/roce/memory_table.h"
#include "net/roce/neighbor_table.h"
#include "net/roce/transmitter.h"

namespace roce {

// What became of an attempt to send one frame.
enum class Emitted : std::uint8_t { Frame, Nothing, Full };

class RoceQueuePair;
using ReadyHook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Something that sends frames when it has its turn.
class Sender : public ReadyHook {
 public:
  virtual Emitted emit() = 0;

 protected:
  ~Sender() = default;
};

class Core final : public NeighborTable::Listener {
 public:
  Core(const EngineConfig& config, const base::Clock& clock, FrameSink& sink);
  Result<> initialize();

  std::uint64_t now_ns() const { return clock.now_ns(); }
  // `sender` has something to send, now or when the sink has room.
  void schedule(Sender& sender) {
    if (!sender.is_linked()) ready_.push_back(sender);
  }
  // Called at the end of every call from outside that may have scheduled something.
  void pump();

  // QP numbers: an index and a generation, so that packets for a queue pair that is gone find nothing.
  Result<std::uint32_t> add_queue_pair(RoceQueuePair& queue_pair);
  void remove_queue_pair(std::uint32_t qpn);
  RoceQueuePair* find_queue_pair(std::uint32_t qpn) const;

  // Also scheduled when a neighbour changes.
  void set_management(Sender& sender) { management_ = &sender; }
  void neighbor_changed() override;

  // Ours, of the family of a peer's.
  const verbs::Gid& own_gid(const verbs::Gid& peer) const { return is_ipv4(peer) ? gid : link_local; }
  bool is_own(const verbs::Gid& address) const { return address == gid || address == link_local; }

  const EngineConfig config;
  const base::Clock& clock;
  const verbs::Gid gid;
  const verbs::Gid link_local;
  Counters counters;
  base::Random random;
  DeadlineQueue deadlines;
  Transmitter transmitter;
  NeighborTable neighbors;
  MemoryTable memory;

 private:
  struct QueuePairSlot {
    RoceQueuePair* queue_pair = nullptr;
    std::uint32_t generation = 0;
  };
  std::uint32_t qpn_of(std::uint32_t index) const { return queue_pairs_[index].generation << index_bits_ | index; }

  boost::intrusive::list<Sender, boost::intrusive::base_hook<ReadyHook>, boost::intrusive::constant_time_size<false>>
      ready_;
  base::Array<QueuePairSlot> queue_pairs_;
  std::uint32_t index_bits_ = 0;
  std::uint32_t next_index_ = 0;  // where the search for a free place begins: numbers come back as late as possible
  Sender* management_ = nullptr;
  bool pumping_ = false;
};

}  // namespace roce
