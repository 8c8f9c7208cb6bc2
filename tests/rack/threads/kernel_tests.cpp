// SPDX-License-Identifier: Apache-2.0
// Kernel threads that wait: wake-ups, deadlines, interruption, mutexes.
#include "tests/rack/threads/kernel_tests.h"

#include <array>

#include "kernel/base/random.h"
#include "kernel/threads/mutex.h"
#include "tests/rack/threads/check.h"
#include "tests/rack/threads/group.h"

namespace image_test {

using base::never_ns;
using threads::BlockResult;
using threads::CoreMask;
using threads::Interruptible;

namespace {

// --- Two threads that hand a token to each other --------------------------------------------------------------------
struct Court {
  int rounds = 0;
  base::SpinLock lock{base::LockRank::Process};
  base::WaitQueue queues[2];
  int turn = 0;
  int played[2] = {0, 0};
};
struct Player {
  Court* court;
  int side;
};

void play(void* argument) {
  const auto [court, side] = *static_cast<Player*>(argument);
  for (int round = 0; round < court->rounds; ++round) {
    while (true) {
      threads::ThreadWaiter waiter;
      {
        const base::SpinGuard guard(court->lock);
        if (court->turn == side) break;
        court->queues[side].add(waiter);
      }
      CHECK(threads::block_until_woken(waiter, never_ns, Interruptible::Never) == BlockResult::Woken);
    }
    const base::SpinGuard guard(court->lock);
    ++court->played[side];
    court->turn = 1 - side;
    court->queues[1 - side].wake_one();
  }
}

void ping_pong(CoreMask left, CoreMask right, int rounds) {
  Court court;
  court.rounds = rounds;
  Player players[2] = {{&court, 0}, {&court, 1}};
  Group group;
  group.add("left", play, &players[0], {.affinity = left});
  group.add("right", play, &players[1], {.affinity = right});
  group.wait();
  CHECK_EQUAL(court.played[0], rounds);
  CHECK_EQUAL(court.played[1], rounds);
}

// --- Deadlines ------------------------------------------------------------------------------------------------------
void sleep_at_random(void* argument) {
  base::Random random(reinterpret_cast<std::uintptr_t>(argument));
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t deadline = threads::clock().now_ns() + random.below(3 * base::millisecond_ns);
    CHECK(threads::sleep_until(deadline, Interruptible::Yes) == BlockResult::TimedOut);
    CHECK(threads::clock().now_ns() >= deadline);
  }
}

// Wake-ups that come at about the time of the deadline: each wait ends, and a lost wake-up would show as a time-out
// although the token is there.
struct Race {
  base::SpinLock lock{base::LockRank::Process};
  base::WaitQueue queue;
  std::uint64_t tokens = 0;
  bool over = false;
};

void wake_at_random(void* argument) {
  auto& race = *static_cast<Race*>(argument);
  base::Random random(3);
  for (int i = 0; i < 300; ++i) {
    threads::sleep_until(threads::clock().now_ns() + random.below(400 * base::microsecond_ns), Interruptible::Never);
    const base::SpinGuard guard(race.lock);
    ++race.tokens;
    race.queue.wake_one();
  }
  const base::SpinGuard guard(race.lock);
  race.over = true;
  race.queue.wake_all();
}

}  // namespace

void test_ping_pong() {
  ping_pong(CoreMask::only(0), CoreMask::only(0), 3000);
  // An emulated core that halts comes back when the host lets it: fewer rounds.
  ping_pong(CoreMask::all(), CoreMask::all(), 200);
  const std::uint32_t cores = threads::statistics().cores;
  if (cores > 1) ping_pong(CoreMask::only(0), CoreMask::only(cores - 1), 200);
}

void test_deadlines() {
  Group group;
  for (std::uintptr_t seed = 1; seed <= 16; ++seed)
    group.add("sleeper", sleep_at_random, reinterpret_cast<void*>(seed));
  group.wait();
  CHECK(threads::sleep_until(0, Interruptible::Never) == BlockResult::TimedOut);
}

void test_wake_and_deadline_race() {
  Race race;
  Group group;
  group.add("waker", wake_at_random, &race);
  base::Random random(5);
  std::uint64_t taken = 0;
  bool over = false;
  while (!over) {
    threads::ThreadWaiter waiter;
    bool sleeps = false;
    {
      const base::SpinGuard guard(race.lock);
      if (race.tokens > 0) {
        --race.tokens;
        ++taken;
      } else if (race.over) {
        over = true;
      } else {
        race.queue.add(waiter);
        sleeps = true;
      }
    }
    if (!sleeps) continue;
    const auto deadline = threads::clock().now_ns() + random.below(400 * base::microsecond_ns);
    const BlockResult result = threads::block_until_woken(waiter, deadline, Interruptible::Yes);
    const base::SpinGuard guard(race.lock);
    if (result == BlockResult::Woken) {
      CHECK(race.tokens > 0 || race.over);
      CHECK(!waiter.is_linked());
    } else {
      CHECK(result == BlockResult::TimedOut);
      threads::give_up(waiter);
    }
  }
  group.wait();
  CHECK_EQUAL(taken, 300u);
}

namespace {

struct Sleeper {
  Interruptible kind;
  BlockResult result = BlockResult::Woken;
  bool killed = false;
  Event ready{};
  Event wake{};
};

void wait_for_event(void* argument) {
  auto& sleeper = *static_cast<Sleeper*>(argument);
  sleeper.ready.set();
  sleeper.result = sleeper.wake.wait(never_ns, sleeper.kind);
  sleeper.killed = threads::current().killed();
}

enum class Disturbance { Interrupt, Kill, Both };

void disturb(Interruptible kind, Disturbance how, BlockResult expected) {
  Sleeper sleeper{.kind = kind};
  Group group;
  threads::Thread* thread = group.add("sleeper", wait_for_event, &sleeper);
  sleeper.ready.wait();
  if (how == Disturbance::Both) {
    while (!thread->is_blocked()) nap();
  }
  if (how != Disturbance::Kill) thread->interrupt();
  if (how != Disturbance::Interrupt) thread->kill();
  if (expected == BlockResult::Woken) {
    sleep_ms(2);
    sleeper.wake.set();
  }
  group.wait();
  CHECK(sleeper.result == expected);
  CHECK_EQUAL(sleeper.killed, how != Disturbance::Interrupt);
}

}  // namespace

void test_interruption() {
  disturb(Interruptible::Yes, Disturbance::Interrupt, BlockResult::Interrupted);
  disturb(Interruptible::Yes, Disturbance::Kill, BlockResult::Interrupted);
  disturb(Interruptible::KillOnly, Disturbance::Kill, BlockResult::Interrupted);
  disturb(Interruptible::KillOnly, Disturbance::Both, BlockResult::Interrupted);
  disturb(Interruptible::KillOnly, Disturbance::Interrupt, BlockResult::Woken);
  disturb(Interruptible::Never, Disturbance::Both, BlockResult::Woken);
}

// --- Mutex ----------------------------------------------------------------------------------------------------------
namespace {

struct Shared {
  threads::Mutex mutex;
  std::uint64_t count = 0;  // changed without atomicity, across sleeps
  std::array<int, 8> order{};
  int arrived = 0;
};

void increment(void* argument) {
  auto& shared = *static_cast<Shared*>(argument);
  for (int i = 0; i < 150; ++i) {
    const threads::MutexGuard guard(shared.mutex);
    const std::uint64_t before = shared.count;
    if (i % 16 == 0) threads::yield();
    if (i % 32 == 0) nap();
    shared.count = before + 1;
  }
}

struct Arrival {
  Shared* shared = nullptr;
  int number = 0;
  base::Result<> result{};
  Event returned{};
};

void arrive(void* argument) {
  auto& arrival = *static_cast<Arrival*>(argument);
  const threads::MutexGuard guard(arrival.shared->mutex);
  arrival.shared->order[static_cast<std::size_t>(arrival.shared->arrived++)] = arrival.number;
}

void arrive_killable(void* argument) {
  auto& arrival = *static_cast<Arrival*>(argument);
  arrival.result = arrival.shared->mutex.lock_killable();
  if (arrival.result) arrival.shared->mutex.unlock();
  arrival.returned.set();
}

}  // namespace

void test_mutex() {
  Shared shared;
  {
    Group group;
    for (int i = 0; i < 8; ++i) group.add("incrementer", increment, &shared);
  }
  CHECK_EQUAL(shared.count, 8u * 150);

  // Handed over in the order of arrival.
  std::array<Arrival, 8> arrivals;
  Group group;
  shared.mutex.lock();
  CHECK(shared.mutex.held_by_this_thread());
  for (int i = 0; i < 8; ++i) {
    Arrival& arrival = arrivals[static_cast<std::size_t>(i)];
    arrival.shared = &shared;
    arrival.number = i;
    const threads::Thread* thread = group.add("arrival", arrive, &arrival);
    while (!thread->is_blocked()) nap();
  }
  shared.mutex.unlock();
  group.wait();
  for (int i = 0; i < 8; ++i) CHECK_EQUAL(shared.order[static_cast<std::size_t>(i)], i);

  // A killed waiter gives up; the others get it.
  shared.mutex.lock();
  Arrival dying{&shared, 1};
  Arrival living{&shared, 2};
  threads::Thread* victim = group.add("dying", arrive_killable, &dying);
  threads::Thread* other = group.add("living", arrive_killable, &living);
  while (!victim->is_blocked() || !other->is_blocked()) nap();
  victim->kill();
  dying.returned.wait();
  CHECK(shared.mutex.held_by_this_thread() && !shared.mutex.try_lock());
  shared.mutex.unlock();
  group.wait();
  CHECK(!dying.result.has_value() && dying.result.error() == base::Error::Interrupted);
  CHECK(living.result.has_value());
  CHECK(shared.mutex.try_lock());
  shared.mutex.unlock();
}

}  // namespace image_test
