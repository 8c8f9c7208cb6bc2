// SPDX-License-Identifier: Apache-2.0
// Learning, flooding and every kind of fault, with time in the test's hand.
#include "tools/ether_switch/ether_switch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernel/base/clock.h"
#include "kernel/base/random.h"

namespace ether_switch {
namespace {

using Frame = std::vector<std::byte>;

struct Delivered {
  PortIndex to;
  unsigned number;
  bool operator==(const Delivered&) const = default;
};

// A frame from address `source` to address `destination` (one byte each; 0xff for all) that carries a number.
Frame make_frame(unsigned destination, unsigned source, unsigned number) {
  Frame frame(60);
  const auto put = [&](std::size_t offset, unsigned address) {
    for (std::size_t i = 0; i < 6; ++i) frame[offset + i] = static_cast<std::byte>(address == 0xff ? 0xff : 2);
    frame[offset + 5] = static_cast<std::byte>(address);
  };
  put(0, destination);
  put(6, source);
  for (std::size_t i = 0; i < 4; ++i) frame[20 + i] = static_cast<std::byte>(number >> (8 * i));
  return frame;
}

class Collector : public FrameSink {
 public:
  void deliver(PortIndex to, std::span<const std::byte> frame) override {
    unsigned number = 0;
    for (std::size_t i = 0; i < 4; ++i) number |= static_cast<unsigned>(frame[20 + i]) << (8 * i);
    delivered.push_back({to, number});
  }
  std::vector<Delivered> take() { return std::exchange(delivered, {}); }
  std::vector<Delivered> delivered;
};

struct Rig {
  explicit Rig(const char* faults = nullptr)
      : plan(faults == nullptr ? FaultPlan{} : *FaultPlan::parse(faults)), fabric(plan, {"p0", "m0", "s0"}, sink) {}
  void send(PortIndex from, unsigned destination, unsigned number, std::uint64_t now_ns = 0) {
    fabric.receive(from, make_frame(destination, static_cast<unsigned>(from) + 1, number), now_ns);
  }
  // Lets every port be learned.
  void introduce() {
    for (PortIndex port = 0; port < 3; ++port) send(port, 0xff, 0);
    fabric.release(introduced_ns);
    sink.take();
  }
  static constexpr std::uint64_t introduced_ns = 2 * max_held_ns;
  FaultPlan plan;
  Collector sink;
  EtherSwitch fabric;
};

TEST(EtherSwitch, FloodsWhatItDoesNotKnowAndLearns) {
  Rig rig;
  rig.send(0, 2, 7);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 7}, {2, 7}}));
  rig.send(1, 1, 8);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{0, 8}}));
  rig.send(0, 2, 9);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 9}}));
  rig.send(0, 0xff, 10);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 10}, {2, 10}}));
  EXPECT_EQ(rig.fabric.next_release_ns(), base::never_ns);
}

TEST(EtherSwitch, AFrameNeverGoesBack) {
  Rig rig;
  rig.introduce();
  rig.send(0, 1, 1);
  EXPECT_TRUE(rig.sink.take().empty());
}

TEST(EtherSwitch, FollowsAnAddressThatMovesAndForgetsALostPort) {
  Rig rig;
  rig.introduce();
  rig.fabric.receive(2, make_frame(0xff, 2, 0), 0);  // m0's address now speaks from s0's port
  rig.sink.take();
  rig.send(0, 2, 5);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{2, 5}}));
  rig.fabric.disconnect(2);
  rig.send(0, 2, 6);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 6}, {2, 6}}));
}

TEST(EtherSwitch, EndlessAddressesOfAGuestAreBounded) {
  Rig rig;
  rig.introduce();
  base::Random random(5);
  for (unsigned i = 0; i < 20000; ++i) {
    Frame frame = make_frame(1, 2, i);
    for (std::size_t byte = 7; byte < 12; ++byte) frame[byte] = static_cast<std::byte>(random.next());
    rig.fabric.receive(1, frame, 0);
  }
  rig.sink.take();
  rig.send(1, 1, 3);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{0, 3}}));
}

TEST(EtherSwitch, IgnoresFragmentsOfFrames) {
  Rig rig;
  rig.fabric.receive(0, Frame(13), 0);
  EXPECT_TRUE(rig.sink.take().empty());
}

TEST(EtherSwitch, DropsExactlyTheFramesOfThePlan) {
  Rig rig("drop=10%,seed=11");
  std::vector<Delivered> expected;
  for (unsigned number = 0; number < 500; ++number) {
    rig.send(0, 0xff, number);
    if (fate_of(rig.plan, sender_hash("p0"), number).drop) continue;
    expected.push_back({1, number});
    expected.push_back({2, number});
  }
  EXPECT_EQ(rig.sink.take(), expected);
  EXPECT_EQ(rig.fabric.counters().dropped, 500 - expected.size() / 2);
  EXPECT_GT(rig.fabric.counters().dropped, 20u);
}

TEST(EtherSwitch, Duplicates) {
  Rig rig("dup=100%");
  rig.introduce();
  rig.send(0, 2, 1);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 1}, {1, 1}}));
}

TEST(EtherSwitch, ReordersWithinBoundsAndLosesNothing) {
  Rig rig("reorder=30%,seed=4");
  rig.introduce();
  for (unsigned number = 0; number < 1000; ++number) rig.send(0, 2, number, Rig::introduced_ns + number * 1000);
  rig.fabric.release(base::second_ns);
  const auto delivered = rig.sink.take();
  ASSERT_EQ(delivered.size(), 1000u);
  unsigned out_of_order = 0;
  std::vector<bool> seen(1000);
  for (unsigned i = 0; i < delivered.size(); ++i) {
    seen[delivered[i].number] = true;
    if (i > 0 && delivered[i].number < delivered[i - 1].number) ++out_of_order;
    EXPECT_LE(i, delivered[i].number + 4 * max_overtaken_by);
  }
  EXPECT_EQ(std::ranges::count(seen, false), 0);
  EXPECT_GT(out_of_order, 150u);
  EXPECT_EQ(rig.fabric.next_release_ns(), base::never_ns);
}

TEST(EtherSwitch, AHeldFrameIsReleasedWhenNobodyOvertakesIt) {
  Rig rig("reorder=100%");
  rig.send(0, 0xff, 1, 500);
  EXPECT_TRUE(rig.sink.take().empty());
  EXPECT_EQ(rig.fabric.next_release_ns(), 500 + max_held_ns);
  rig.fabric.release(500 + max_held_ns);
  EXPECT_EQ(rig.sink.take().size(), 2u);
}

TEST(EtherSwitch, DelaysWithinBoundsAndKeepsEachSendersOrder) {
  Rig rig("delay=1-3ms,seed=9");
  for (unsigned number = 0; number < 300; ++number) {
    rig.send(number % 2, 0xff, number, number * 10000);
    EXPECT_TRUE(rig.sink.delivered.empty() || number * 10000 >= base::millisecond_ns);
    rig.fabric.release(number * 10000);
  }
  EXPECT_GT(rig.fabric.counters().delayed, 0u);
  rig.fabric.release(300 * 10000 + 3 * base::millisecond_ns);
  const auto delivered = rig.sink.take();
  EXPECT_EQ(delivered.size(), 600u);
  unsigned last[2] = {0, 0};
  for (const Delivered& one : delivered) {
    EXPECT_GE(one.number, last[one.number % 2]);
    last[one.number % 2] = one.number;
  }
}

TEST(EtherSwitch, APartitionCutsThePairForItsTime) {
  Rig rig("partition=p0+m0@1s/2s");
  rig.introduce();
  rig.send(0, 2, 1, base::second_ns - 1);
  EXPECT_EQ(rig.sink.take().size(), 1u);
  rig.send(0, 2, 2, base::second_ns);
  rig.send(1, 1, 3, 2 * base::second_ns);
  EXPECT_TRUE(rig.sink.take().empty());
  rig.send(0, 3, 4, 2 * base::second_ns);  // s0 hears both
  rig.send(1, 3, 5, 2 * base::second_ns);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{2, 4}, {2, 5}}));
  rig.send(0, 2, 6, 3 * base::second_ns);
  EXPECT_EQ(rig.sink.take().size(), 1u);
  EXPECT_EQ(rig.fabric.counters().partitioned, 2u);
}

TEST(EtherSwitch, APartitionOfOneCutsItFromAll) {
  Rig rig("partition=s0@0s/1s");
  rig.send(0, 0xff, 1, 0);
  EXPECT_EQ(rig.sink.take(), (std::vector<Delivered>{{1, 1}}));
  rig.send(2, 0xff, 2, 0);
  EXPECT_TRUE(rig.sink.take().empty());
}

// The same frames at the same times give the same deliveries, whatever else the plan holds.
TEST(EtherSwitch, IsDeterministic) {
  const auto history = [] {
    Rig rig("drop=5%,dup=5%,reorder=20%,delay=0-1ms,seed=99");
    base::Random random(1);
    std::uint64_t now_ns = 0;
    for (unsigned number = 0; number < 2000; ++number) {
      now_ns += random.below(100000);
      rig.fabric.release(now_ns);
      rig.send(random.below(3), static_cast<unsigned>(1 + random.below(3)), number, now_ns);
    }
    rig.fabric.release(now_ns + base::second_ns);
    EXPECT_EQ(rig.fabric.next_release_ns(), base::never_ns);
    return rig.sink.take();
  };
  const auto first = history();
  EXPECT_GT(first.size(), 1200u);
  EXPECT_EQ(first, history());
}

}  // namespace
}  // namespace ether_switch
