// SPDX-License-Identifier: Apache-2.0
// The split virtqueue against a device that follows the rules, and against one that does not.
#include "kernel/virtio/split_queue.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "kernel/base/random.h"
#include "kernel/virtio/fake_device.h"

namespace virtio {
namespace {

using base::Error;

struct Parameters {
  bool event_index;
  bool indirect;
};

class SplitQueueTest : public testing::TestWithParam<Parameters> {
 protected:
  void SetUp() override { make(8); }
  void make(std::uint16_t size) {
    queue = nullptr;
    const bool indirect = GetParam().indirect;
    auto made = SplitQueue::create(memory, {.size = size,
                                            .event_index = GetParam().event_index,
                                            .tables = static_cast<std::uint16_t>(indirect ? size / 2 : 0),
                                            .table_entries = static_cast<std::uint16_t>(indirect ? size : 0)});
    ASSERT_TRUE(made);
    queue = std::move(*made);
    device = {};
    device.attach(*queue, GetParam().event_index);
  }
  std::vector<Piece> pieces(std::size_t count, std::uint32_t bytes = 4) {
    return std::vector<Piece>(count, {memory.address_of(data.data()), bytes});
  }
  std::uint16_t add_one(std::uint32_t writable = 64) {
    const std::uint16_t slot = queue->next_slot();
    EXPECT_TRUE(queue->add({}, pieces(1, writable)));
    return slot;
  }

  FakeMemory memory;
  std::array<std::byte, 64> data{};
  base::Own<SplitQueue> queue;
  FakeQueue device;
};

std::string name_of(const testing::TestParamInfo<Parameters>& parameters) {
  return std::string(parameters.param.event_index ? "events" : "flags") + (parameters.param.indirect ? "_tables" : "");
}
INSTANTIATE_TEST_SUITE_P(All, SplitQueueTest,
                         testing::Values(Parameters{false, false}, Parameters{false, true}, Parameters{true, false},
                                         Parameters{true, true}),
                         name_of);

TEST_P(SplitQueueTest, ChainArrivesAsItWasAdded) {
  std::array<std::byte, 64> more{};
  data[0] = std::byte{1};
  const Piece reads[] = {{memory.address_of(data.data()), 10}, {memory.address_of(data.data() + 20), 5}};
  const Piece writes[] = {{memory.address_of(more.data()), 64}};
  const std::uint16_t slot = queue->next_slot();
  ASSERT_TRUE(queue->add(reads, writes));
  EXPECT_FALSE(device.pop()) << "not published yet";
  EXPECT_TRUE(queue->publish());
  EXPECT_FALSE(queue->publish()) << "nothing new";
  const auto chain = device.pop();
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->id, slot);
  ASSERT_EQ(chain->reads.size(), 2u);
  EXPECT_EQ(chain->reads[0].size(), 10u);
  EXPECT_EQ(chain->reads[1].data(), data.data() + 20);
  ASSERT_EQ(chain->writes.size(), 1u);

  EXPECT_FALSE(*queue->take_used());
  device.push(chain->id, 64);
  const auto used = queue->take_used();
  ASSERT_TRUE(used && *used);
  EXPECT_EQ((*used)->slot, slot);
  EXPECT_EQ((*used)->bytes, 64u);
  EXPECT_FALSE(*queue->take_used());
}

TEST_P(SplitQueueTest, FullQueueRefusesAndRecovers) {
  for (unsigned i = 0; i < 8; ++i) add_one();
  EXPECT_FALSE(queue->can_add(1));
  EXPECT_EQ(queue->add({}, pieces(1)).error(), Error::Exhausted);
  EXPECT_EQ(queue->in_flight(), 8);
  (void)queue->publish();
  device.push(device.pop()->id, 1);
  ASSERT_TRUE(queue->take_used()->has_value());
  EXPECT_TRUE(queue->can_add(1));
  add_one();
  EXPECT_FALSE(queue->can_add(1));
}

TEST_P(SplitQueueTest, ShapesThatNeverFitAreErrors) {
  EXPECT_EQ(queue->add({}, {}).error(), Error::InvalidArgument);
  EXPECT_EQ(queue->add(pieces(9), {}).error(), Error::InvalidArgument);
  EXPECT_TRUE(queue->add(pieces(8), {}));
}

TEST_P(SplitQueueTest, TablesStretchAFillingRing) {
  unsigned chains = 0;
  while (queue->can_add(3)) {
    ASSERT_TRUE(queue->add(pieces(2), pieces(1)));
    ++chains;
  }
  EXPECT_EQ(chains, GetParam().indirect ? 4u : 2u);  // 2 direct ones, then 2 descriptors with tables
  (void)queue->publish();
  unsigned indirect = 0;
  while (auto chain = device.pop()) {
    EXPECT_EQ(chain->reads.size(), 2u);
    EXPECT_EQ(chain->writes.size(), 1u);
    indirect += chain->indirect;
    device.push(chain->id, 0);
  }
  EXPECT_EQ(indirect, GetParam().indirect ? 2u : 0u);
  while (*queue->take_used()) {
  }
  EXPECT_EQ(queue->in_flight(), 0);
  EXPECT_TRUE(queue->add(pieces(8), {})) << "all descriptors are back";
}

// Indices are 16 bits and wrap; completions come in any order.
TEST_P(SplitQueueTest, RandomTrafficAcrossManyWraps) {
  make(16);
  base::Random random(1);
  std::vector<std::uint16_t> held;
  std::map<std::uint16_t, std::uint32_t> expected;
  for (unsigned step = 0; step < 200000; ++step) {
    if (random.chance(500000)) {
      const std::size_t reads = random.below(4), writes = random.below(3);
      const auto bytes = static_cast<std::uint32_t>(1 + random.below(60));
      if (reads + writes > 0 && queue->can_add(reads + writes)) {
        const std::uint16_t slot = queue->next_slot();
        ASSERT_FALSE(expected.contains(slot));
        ASSERT_TRUE(queue->add(pieces(reads, bytes), pieces(writes, bytes)));
        expected[slot] = static_cast<std::uint32_t>(writes) * bytes;
        (void)queue->publish();
      }
    } else {
      while (auto chain = device.pop()) {
        ASSERT_EQ(chain->writable(), expected.at(chain->id));
        held.push_back(chain->id);
      }
      if (!held.empty()) {
        std::swap(held[random.below(held.size())], held.back());
        device.push(held.back(), expected.at(held.back()));
        held.pop_back();
      }
    }
    while (true) {
      const auto used = queue->take_used();
      ASSERT_TRUE(used);
      if (!*used) break;
      ASSERT_EQ((*used)->bytes, expected.at((*used)->slot));
      expected.erase((*used)->slot);
    }
    ASSERT_EQ(queue->in_flight(), expected.size());
  }
}

TEST_P(SplitQueueTest, InterruptsOnlyWhenArmed) {
  const auto complete = [&] {
    add_one();
    (void)queue->publish();
    device.push(device.pop()->id, 1);
    return device.should_interrupt();
  };
  EXPECT_FALSE(complete()) << "quiet from the beginning";
  EXPECT_FALSE(queue->arm()) << "something came before";
  EXPECT_TRUE(queue->has_used());
  (void)*queue->take_used();
  EXPECT_TRUE(queue->arm());
  EXPECT_TRUE(complete());
  queue->disarm();
  (void)*queue->take_used();
  EXPECT_FALSE(complete());
}

TEST_P(SplitQueueTest, ArmAfterSeveral) {
  if (!GetParam().event_index) return;  // flags cannot count
  for (unsigned i = 0; i < 6; ++i) add_one();
  (void)queue->publish();
  EXPECT_TRUE(queue->arm(2));
  std::vector<bool> interrupts;
  while (auto chain = device.pop()) {
    device.push(chain->id, 1);
    interrupts.push_back(device.should_interrupt());
  }
  EXPECT_EQ(interrupts, (std::vector<bool>{false, false, true, false, false, false}));
  EXPECT_FALSE(queue->arm(2)) << "more than that were used already";
  EXPECT_TRUE(queue->arm(6));
}

TEST_P(SplitQueueTest, NotifiesOnlyWhenAsked) {
  add_one();
  EXPECT_TRUE(queue->publish());
  (void)device.pop();
  device.forbid_notifications();
  add_one();
  EXPECT_FALSE(queue->publish());
  (void)device.pop();
  EXPECT_FALSE(device.allow_notifications());
  add_one();
  add_one();
  EXPECT_TRUE(queue->publish());
}

// Two threads that sleep whenever the other has told them that it will wake them: a lost wake-up hangs the test.
TEST_P(SplitQueueTest, NoWakeupIsLostBetweenTwoThreads) {
  constexpr unsigned total = 20000;
  std::mutex mutex;
  std::condition_variable condition;
  bool notified = false, interrupted = false;
  const auto raise = [&](bool& flag) {
    const std::lock_guard lock(mutex);
    flag = true;
    condition.notify_all();
  };
  const auto wait_for = [&](bool& flag) {
    std::unique_lock lock(mutex);
    condition.wait(lock, [&] { return flag; });
    flag = false;
  };
  std::thread device_thread([&] {
    for (unsigned done = 0; done < total;) {
      device.forbid_notifications();
      while (auto chain = device.pop()) {
        device.push(chain->id, 1);
        ++done;
        if (device.should_interrupt()) raise(interrupted);
      }
      if (done < total && !device.allow_notifications()) wait_for(notified);
    }
  });
  unsigned sent = 0, finished = 0;
  while (finished < total) {
    while (sent < total && queue->can_add(1)) {
      add_one();
      ++sent;
      if (queue->publish()) raise(notified);
    }
    bool any = false;
    while (*queue->take_used()) {
      ++finished;
      any = true;
    }
    if (!any && finished < total && queue->arm()) wait_for(interrupted);
  }
  device_thread.join();
}

TEST_P(SplitQueueTest, UsedIdOutOfRangeBreaksTheQueue) {
  add_one();
  (void)queue->publish();
  device.push_raw({8, 0});
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
  EXPECT_TRUE(queue->broken());
  EXPECT_EQ(queue->take_used().error(), Error::NoDevice);
  EXPECT_EQ(queue->add({}, pieces(1)).error(), Error::NoDevice);
  EXPECT_FALSE(queue->can_add(1));
  EXPECT_FALSE(queue->publish());
  EXPECT_FALSE(queue->has_used());
  EXPECT_TRUE(queue->arm());
  EXPECT_EQ(queue->in_flight(), 1) << "the memory is still the device's";
  EXPECT_TRUE(queue->reclaim());
  EXPECT_FALSE(queue->reclaim());
}

TEST_P(SplitQueueTest, HugeUsedIdBreaksTheQueue) {
  add_one();
  (void)queue->publish();
  device.push_raw({0xffffffff, 0});
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, ChainThatIsNotInFlightBreaksTheQueue) {
  const std::uint16_t slot = add_one();
  (void)queue->publish();
  device.push(static_cast<std::uint16_t>((slot + 3) % 8), 0);
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, ChainUsedTwiceBreaksTheQueue) {
  const std::uint16_t slot = add_one();
  add_one();
  (void)queue->publish();
  device.push(slot, 1);
  device.push(slot, 1);
  EXPECT_TRUE(queue->take_used());
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, MiddleOfAChainBreaksTheQueue) {
  ASSERT_TRUE(queue->add(pieces(3), {}));
  (void)queue->publish();
  device.push(static_cast<std::uint16_t>(device.pop()->id + 1), 0);
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, LengthBeyondTheBufferBreaksTheQueue) {
  const std::uint16_t slot = add_one(64);
  (void)queue->publish();
  device.push(slot, 65);
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, LengthOfAChainThatIsOnlyReadMeansNothing) {
  ASSERT_TRUE(queue->add(pieces(1), {}));
  (void)queue->publish();
  device.push(device.pop()->id, 4000);
  const auto used = queue->take_used();
  ASSERT_TRUE(used && *used);
  EXPECT_EQ((*used)->bytes, 0u);
}

TEST_P(SplitQueueTest, JumpingUsedIndexBreaksTheQueue) {
  const std::uint16_t slot = add_one();
  (void)queue->publish();
  device.push(slot, 1);
  device.move_used_index(500);
  EXPECT_EQ(queue->take_used().error(), Error::Malformed);
}

TEST_P(SplitQueueTest, SizesThatAreNoPowersOfTwoAreRefused) {
  EXPECT_EQ(SplitQueue::create(memory, {.size = 12}).error(), Error::InvalidArgument);
  EXPECT_EQ(SplitQueue::create(memory, {.size = 0}).error(), Error::InvalidArgument);
  memory.allocations_left = 0;
  EXPECT_EQ(SplitQueue::create(memory, {.size = 8}).error(), Error::NoMemory);
}

}  // namespace
}  // namespace virtio
