// SPDX-License-Identifier: Apache-2.0
// The order of a core's threads: weights, shares over a simulated core, classes, sleepers, yields, moves.
#include "kernel/threads/policy/run_queue.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "kernel/base/random.h"

namespace policy {
namespace {

Entity with_nice(int nice) {
  Entity entity;
  entity.weight = weight_of_nice(nice);
  return entity;
}

// Runs a core for `total_ns` in whole slices and returns what each entity got. All are runnable all the time.
std::vector<std::uint64_t> share(RunQueue& queue, std::vector<Entity>& entities, std::uint64_t total_ns) {
  std::vector<std::uint64_t> got(entities.size());
  for (Entity& entity : entities) queue.add_new(entity);
  for (std::uint64_t now = 0; now < total_ns; now += slice_ns) {
    Entity* running = queue.take_next();
    got[static_cast<std::size_t>(running - entities.data())] += slice_ns;
    queue.charge(*running, slice_ns);
    queue.add_preempted(*running);
  }
  return got;
}

TEST(Weights, EachStepIsAFactorOfFiveQuarters) {
  EXPECT_EQ(weight_of_nice(0), 1024u);
  for (int nice = lowest_nice; nice < highest_nice; ++nice) {
    const double ratio = double(weight_of_nice(nice)) / double(weight_of_nice(nice + 1));
    EXPECT_NEAR(ratio, 1.25, 0.07) << nice;
  }
  EXPECT_EQ(weight_of_nice(-100), weight_of_nice(-20));
  EXPECT_EQ(weight_of_nice(100), weight_of_nice(19));
  EXPECT_GT(weight_of_nice(19), 0u);
}

TEST(RunQueue, EqualThreadsShareEqually) {
  RunQueue queue;
  std::vector<Entity> entities(5);
  const auto got = share(queue, entities, 1000 * slice_ns);
  for (const auto ns : got) EXPECT_EQ(ns, 200 * slice_ns);
  while (queue.take_next() != nullptr) {
  }
  EXPECT_TRUE(queue.empty());
}

TEST(RunQueue, SharesFollowTheWeights) {
  RunQueue queue;
  std::vector<Entity> entities;
  for (int nice : {-5, 0, 0, 5, 10}) entities.push_back(with_nice(nice));
  const std::uint64_t total = 40000 * slice_ns;
  const auto got = share(queue, entities, total);
  double weights = 0;
  for (const Entity& entity : entities) weights += entity.weight;
  for (std::size_t i = 0; i < entities.size(); ++i) {
    EXPECT_NEAR(double(got[i]) / double(total), entities[i].weight / weights, 0.002) << i;
  }
  while (queue.take_next() != nullptr) {
  }
}

TEST(RunQueue, EveryThreadRunsWithinItsTurn) {
  RunQueue queue;
  std::vector<Entity> entities(8);
  std::vector<unsigned> waited(8, 0);
  for (Entity& entity : entities) queue.add_new(entity);
  for (int turn = 0; turn < 1000; ++turn) {
    Entity* running = queue.take_next();
    for (std::size_t i = 0; i < entities.size(); ++i) {
      waited[i] = &entities[i] == running ? 0 : waited[i] + 1;
      EXPECT_LE(waited[i], 8u);
    }
    queue.charge(*running, slice_ns);
    queue.add_preempted(*running);
  }
  while (queue.take_next() != nullptr) {
  }
}

TEST(RunQueue, HighThreadsRunFirstInOrderOfArrival) {
  RunQueue queue;
  Entity normal, first, second;
  first.klass = second.klass = Class::High;
  queue.add_new(normal);
  queue.add_woken(first);
  queue.add_woken(second);
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.take_next(), &first);
  queue.add_yielded(first);
  EXPECT_EQ(queue.take_next(), &second);
  EXPECT_EQ(queue.take_next(), &first);
  EXPECT_EQ(queue.take_next(), &normal);
  EXPECT_EQ(queue.take_next(), nullptr);
}

TEST(RunQueue, HighPreemptsNormalAndNothingPreemptsHigh) {
  RunQueue queue;
  Entity running, high, normal;
  high.klass = Class::High;
  queue.add_new(normal);
  EXPECT_FALSE(queue.should_preempt(high, 100 * slice_ns));
  EXPECT_FALSE(queue.should_preempt(running, 0));
  queue.add_woken(high);
  EXPECT_TRUE(queue.should_preempt(running, 0));
  queue.remove(high);
  queue.remove(normal);
}

TEST(RunQueue, ASliceEndsOnlyForSomebodyWhoIsBehind) {
  RunQueue queue;
  Entity running, other;
  EXPECT_FALSE(queue.should_preempt(running, slice_ns));
  queue.add_new(other);
  queue.charge(running, slice_ns - 1);
  EXPECT_TRUE(queue.should_preempt(running, slice_ns));
  queue.remove(other);
  Entity heavy = with_nice(-20);
  queue.join(heavy);
  Entity light = with_nice(19);
  queue.join(light);
  queue.charge(light, slice_ns);
  queue.add_preempted(light);
  queue.charge(heavy, slice_ns);
  EXPECT_FALSE(queue.should_preempt(heavy, slice_ns)) << "the heavy thread has not had its share yet";
  queue.remove(light);
}

TEST(RunQueue, ASleeperRunsSoonButDoesNotHoardTime) {
  RunQueue queue;
  Entity busy, sleeper;
  queue.add_new(sleeper);
  EXPECT_EQ(queue.take_next(), &sleeper);  // and sleeps for 100 slices
  for (int i = 0; i < 100; ++i) queue.charge(busy, slice_ns);
  queue.add_woken(sleeper);
  EXPECT_TRUE(queue.should_preempt(busy, 0));
  queue.add_preempted(busy);
  // It now gets its bonus, not 100 slices.
  std::uint64_t before_busy = 0;
  while (true) {
    Entity* running = queue.take_next();
    if (running == &busy) break;
    before_busy += slice_ns / 4;
    queue.charge(*running, slice_ns / 4);
    queue.add_preempted(*running);
  }
  EXPECT_GT(before_busy, 0u);
  EXPECT_LE(before_busy, slice_ns);
  queue.remove(sleeper);
}

TEST(RunQueue, AShortSleepDoesNotWinTime) {
  RunQueue queue;
  Entity always, naps;
  queue.add_new(always);
  queue.add_new(naps);
  std::uint64_t got_always = 0, got_naps = 0;
  for (int i = 0; i < 20000; ++i) {
    Entity* running = queue.take_next();
    const std::uint64_t ran = slice_ns / 2;
    queue.charge(*running, ran);
    if (running == &naps) {  // sleeps for a moment at the end of each turn
      got_naps += ran;
      queue.add_woken(naps);
    } else {
      got_always += ran;
      queue.add_preempted(always);
    }
  }
  EXPECT_NEAR(double(got_naps) / double(got_always), 1.0, 0.01);
  queue.remove(always);
  queue.remove(naps);
}

TEST(RunQueue, YieldGoesBehindTheOthersAndCostsAtMostASlice) {
  RunQueue queue;
  Entity yielder, b, c;
  queue.add_new(b);
  queue.add_new(c);
  b.virtual_ns = c.virtual_ns = 0;
  queue.remove(c);
  c.virtual_ns = 1000000;
  queue.add_preempted(c);
  queue.add_yielded(yielder);
  EXPECT_EQ(queue.take_next(), &b);
  EXPECT_EQ(queue.take_next(), &c);
  EXPECT_EQ(queue.take_next(), &yielder);
  c.virtual_ns = 1000 * std::int64_t(slice_ns);
  queue.add_preempted(c);
  const std::int64_t before = yielder.virtual_ns;
  queue.add_yielded(yielder);
  EXPECT_LE(yielder.virtual_ns - before, std::int64_t(slice_ns));
  queue.remove(c);
  queue.remove(yielder);
  queue.add_yielded(yielder);  // alone: runs again at once
  EXPECT_EQ(queue.take_next(), &yielder);
}

TEST(RunQueue, AMovedThreadKeepsItsDistance) {
  RunQueue old_core, new_core;
  Entity on_old, on_new, moved;
  for (int i = 0; i < 50; ++i) old_core.charge(on_old, slice_ns);
  for (int i = 0; i < 900; ++i) new_core.charge(on_new, slice_ns);
  moved.virtual_ns = on_old.virtual_ns + 123;
  old_core.leave(moved);
  EXPECT_EQ(moved.virtual_ns, 123);
  new_core.join(moved);
  EXPECT_EQ(moved.virtual_ns, on_new.virtual_ns + 123);
}

TEST(RunQueue, TheftTakesWhoWouldWaitLongestAndAsksFirst) {
  RunQueue queue;
  Entity a, b, c, high;
  high.klass = Class::High;
  a.virtual_ns = 1;
  b.virtual_ns = 2;
  c.virtual_ns = 3;
  for (Entity* entity : {&a, &b, &c, &high}) queue.add_preempted(*entity);
  const auto any = [](const Entity&, std::uint32_t) { return true; };
  const auto none = [](const Entity&, std::uint32_t) { return false; };
  const auto odd = [](const Entity& entity, std::uint32_t core) { return core == 7 && entity.virtual_ns == 2; };
  EXPECT_EQ(queue.take_for(0, none), nullptr);
  EXPECT_EQ(queue.take_for(7, odd), &b);
  EXPECT_EQ(queue.take_for(0, any), &high);
  EXPECT_EQ(queue.take_for(0, any), &c);
  EXPECT_EQ(queue.take_for(0, any), &a);
  EXPECT_TRUE(queue.empty());
}

// Random arrivals, sleeps and moves between two cores: everything that is queued comes out exactly once, and the
// threads that never sleep stay within a few slices of one another per weight.
TEST(RunQueue, RandomHistoriesStayFair) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    base::Random random(seed);
    RunQueue queue;
    std::vector<Entity> busy(3), sleepy(5);
    std::vector<bool> asleep(sleepy.size(), false);
    for (Entity& entity : busy) queue.add_new(entity);
    for (Entity& entity : sleepy) queue.add_new(entity);
    std::vector<std::uint64_t> got(busy.size());
    for (int step = 0; step < 20000; ++step) {
      for (std::size_t i = 0; i < sleepy.size(); ++i) {
        if (asleep[i] && random.chance(100000)) {
          asleep[i] = false;
          queue.add_woken(sleepy[i]);
        }
      }
      Entity* running = queue.take_next();
      ASSERT_NE(running, nullptr);
      const std::uint64_t ran = random.below(slice_ns) + 1;
      queue.charge(*running, ran);
      if (running >= sleepy.data() && running < sleepy.data() + sleepy.size()) {
        if (random.chance(500000)) {
          asleep[static_cast<std::size_t>(running - sleepy.data())] = true;
          continue;
        }
      } else {
        got[static_cast<std::size_t>(running - busy.data())] += ran;
      }
      queue.add_preempted(*running);
    }
    for (std::size_t i = 1; i < got.size(); ++i) {
      EXPECT_LE(std::abs(std::int64_t(got[i]) - std::int64_t(got[0])), std::int64_t(2 * slice_ns)) << "seed " << seed;
    }
    std::uint32_t left = 0;
    while (queue.take_next() != nullptr) ++left;
    std::uint32_t expected = 3;
    for (const bool sleeping : asleep) expected += sleeping ? 0 : 1;
    EXPECT_EQ(left, expected);
  }
}

}  // namespace
}  // namespace policy
