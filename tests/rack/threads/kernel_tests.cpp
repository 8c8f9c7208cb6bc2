// SPDX-License-Identifier: Apache-2.0
// Kernel threads: wake-ups, deadlines, interruption, mutexes, classes, affinity, stealing, creation and exit.
#include "tests/rack/threads/kernel_tests.h"

#include <array>

#include "arch/x86_64/percpu.h"
#include "kernel/base/random.h"
#include "kernel/memory/frames.h"
#include "kernel/memory/heap.h"
#include "kernel/threads/idle_poller.h"
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

// --- Classes, affinity, stealing ------------------------------------------------------------------------------------
namespace {

struct Order {
  std::atomic<int> next{0};
  std::array<char, 16> who{};
  void note(char name) { who[static_cast<std::size_t>(next.fetch_add(1))] = name; }
};

void note_normal(void* argument) { static_cast<Order*>(argument)->note('n'); }
void note_high(void* argument) { static_cast<Order*>(argument)->note('h'); }

// Makes six threads ready while none of them can run: this one is in the kernel on their only core.
void make_ready_in_mixed_order(void* argument) {
  auto& order = *static_cast<Order*>(argument);
  Group group;
  const threads::ThreadOptions normal{.affinity = CoreMask::only(0)};
  const threads::ThreadOptions high{.klass = policy::Class::High, .affinity = CoreMask::only(0)};
  for (int i = 0; i < 3; ++i) {
    group.add("normal", note_normal, &order, normal);
    group.add("high", note_high, &order, high);
  }
  threads::preemption_point();  // the high ones run here
  CHECK(order.next.load() >= 3 && std::string_view(order.who.data(), 3) == "hhh");
  group.wait();
}

void check_core(void* argument) {
  const auto wanted = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(argument));
  CHECK_EQUAL(arch::this_core(), wanted);
  for (int i = 0; i < 20; ++i) {
    nap();
    threads::yield();
    CHECK_EQUAL(arch::this_core(), wanted);
  }
}

void move_around(void*) {
  const std::uint32_t cores = threads::statistics().cores;
  for (std::uint32_t i = 0; i < 20; ++i) {
    CHECK(threads::current().set_affinity(CoreMask::only(i % cores)).has_value());
    threads::preemption_point();
    CHECK_EQUAL(arch::this_core(), i % cores);
  }
  CHECK(!threads::current().set_affinity(CoreMask()).has_value());
  CHECK(!threads::current().set_affinity(CoreMask::only(63)).has_value());
}

struct Spread {
  std::atomic<std::uint64_t> cores_seen{0};
  std::uint64_t all_cores;
};

// Works until every core has been seen to work: a core that never takes a thread makes the test time out.
void work_until_spread(void* argument) {
  auto& spread = *static_cast<Spread*>(argument);
  do {
    spread.cores_seen.fetch_or(std::uint64_t{1} << arch::this_core());
    threads::preemption_point();
  } while (spread.cores_seen.load() != spread.all_cores);
}

}  // namespace

void test_classes() {
  Order order;
  Group group;
  group.add("maker", make_ready_in_mixed_order, &order, {.affinity = CoreMask::only(0)});
  group.wait();
  CHECK(std::string_view(order.who.data()) == "hhhnnn");
}

void test_affinity() {
  Group group;
  for (std::uint32_t core = 0; core < threads::statistics().cores; ++core) {
    group.add("pinned", check_core, reinterpret_cast<void*>(std::uintptr_t{core}), {.affinity = CoreMask::only(core)});
  }
  group.add("nomad", move_around, nullptr);
  group.wait();
}

void test_stealing() {
  const std::uint32_t cores = threads::statistics().cores;
  Spread spread{.all_cores = (std::uint64_t{1} << cores) - 1};
  const std::uint64_t steals_before = threads::statistics().steals;
  Group group;
  // All begin on core 0, and may go anywhere from then on.
  for (std::uint32_t i = 0; i < 2 * cores; ++i) {
    threads::Thread* thread = group.add("worker", work_until_spread, &spread, {.affinity = CoreMask::only(0)});
    CHECK(thread->set_affinity(CoreMask::all()).has_value());
  }
  group.wait();
  if (cores > 1) CHECK(threads::statistics().steals > steals_before);
}

// --- Idle pollers ---------------------------------------------------------------------------------------------------
namespace {

// A device whose work shows up at the last look, once: the core must look again instead of halting.
class LateDevice final : public threads::IdlePoller {
 public:
  bool poll() override {
    polls.fetch_add(1);
    if (!pending.exchange(false)) return false;
    handled.fetch_add(1);
    done.set();
    return true;
  }
  bool ready_to_halt() override {
    last_looks.fetch_add(1);
    if (!late.exchange(false)) return true;
    pending = true;
    return false;
  }
  std::atomic<bool> late{false}, pending{false};
  std::atomic<std::uint32_t> polls{0}, last_looks{0}, handled{0};
  Event done;
};
LateDevice late_device;

}  // namespace

void test_idle_pollers() {
  CHECK(threads::add_idle_poller(late_device).has_value());
  late_device.late = true;
  CHECK(late_device.done.wait(in_ms(10000)) == BlockResult::Woken);
  CHECK_EQUAL(late_device.handled.load(), 1u);
  CHECK(late_device.last_looks.load() > 0 && late_device.polls.load() > 0);
}

// With nothing to do, no core is interrupted: there is no periodic tick.
void test_quiet_idle() {
  const auto taken = [] {
    std::uint64_t sum = 0;
    for (std::uint32_t core = 0; core < threads::statistics().cores; ++core) sum += arch::percpu(core).interrupts;
    return sum;
  };
  sleep_ms(20);
  const std::uint64_t interrupts = taken();
  const std::uint64_t idle_ns = threads::statistics().idle_ns;
  sleep_ms(200);
  CHECK(taken() - interrupts <= 3);
  CHECK(threads::statistics().idle_ns - idle_ns >= 150 * base::millisecond_ns);
}

// --- Creation and exit ----------------------------------------------------------------------------------------------
namespace {

void do_nothing(void*) {}
void exit_early(void*) { threads::exit(); }

void create_and_exit(int count) {
  Group group;
  for (int i = 0; i < count; ++i) {
    group.add("short", i % 2 == 0 ? do_nothing : exit_early, nullptr);
    if (i % 64 == 63) group.wait();
  }
}

// What thread_gone() announces is freed right after it.
void wait_until_freed(std::uint32_t threads_now) {
  const std::uint64_t deadline = in_ms(10000);
  while (threads::statistics().threads_now != threads_now && threads::clock().now_ns() < deadline) sleep_ms(1);
  CHECK_EQUAL(threads::statistics().threads_now, threads_now);
}

}  // namespace

void test_create_and_exit() {
  const std::uint32_t threads_before = threads::statistics().threads_now;
  create_and_exit(200);  // fills the pools of stacks
  wait_until_freed(threads_before);
  const std::uint64_t frames_before = kernel::frames().counters().free;
  const std::uint64_t heap_before = kernel::heap().pages();
  create_and_exit(10000);
  wait_until_freed(threads_before);
  // The pools may have grown by what ran at once a little later; 10,000 lost stacks would be 40,000 frames.
  CHECK(kernel::frames().counters().free + 128 * 8 >= frames_before);
  CHECK(kernel::heap().pages() <= heap_before + 16);

  auto never_started = threads::create({.name = "unused"}, do_nothing, nullptr);
  if (CHECK(never_started.has_value())) threads::discard(**never_started);
  CHECK_EQUAL(threads::statistics().threads_now, threads_before);
}

}  // namespace image_test
