// SPDX-License-Identifier: Apache-2.0
// How the switch misbehaves, as `--faults` says it:
// drop=2%,dup=1%,reorder=5%,delay=0-2ms,partition=p0+m0@10s/5s,seed=7. What happens to a frame is a pure function of
// the seed, the name of its sender and its number among that sender's frames, so that a seed stands for a whole history
// of faults, whatever the timing.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace ether_switch {

// The named ports do not hear one another from `start_ns` on, for `length_ns`; a single name hears nobody.
struct Partition {
  std::vector<std::string> names;
  std::uint64_t start_ns = 0;  // since the switch started
  std::uint64_t length_ns = 0;
};

struct FaultPlan {
  std::uint32_t drop_per_million = 0;
  std::uint32_t duplicate_per_million = 0;
  std::uint32_t reorder_per_million = 0;
  std::uint64_t delay_min_ns = 0;  // each frame waits so long; frames of one sender keep their order
  std::uint64_t delay_max_ns = 0;
  std::vector<Partition> partitions;
  std::uint64_t seed = 0;

  // The error is a sentence for the user.
  static std::expected<FaultPlan, std::string> parse(std::string_view list);

  // Whether frames ever take another way than straight through. Partitions do not count.
  bool disturbs_frames() const;
};

struct FrameFate {
  bool drop = false;
  bool duplicate = false;
  std::uint32_t overtaken_by = 0;  // so many later frames of the sender go first
  std::uint64_t delay_ns = 0;
  bool operator==(const FrameFate&) const = default;
};

// At most so many frames go before one that is out of order, and it waits at most so long for them.
inline constexpr std::uint32_t max_overtaken_by = 4;
inline constexpr std::uint64_t max_held_ns = 1'000'000;  // below the least retransmission time-out, 2 ms

std::uint64_t sender_hash(std::string_view name);
// frame_number counts the sender's frames from 0.
FrameFate fate_of(const FaultPlan& plan, std::uint64_t sender, std::uint64_t frame_number);

}  // namespace ether_switch
