// SPDX-License-Identifier: Apache-2.0
// Which thread runs where: classes, affinity, stealing, and cores with nothing to do.
#include <array>

#include "arch/x86_64/percpu.h"
#include "kernel/threads/idle_poller.h"
#include "tests/rack/threads/check.h"
#include "tests/rack/threads/group.h"
#include "tests/rack/threads/kernel_tests.h"

namespace image_test {

using threads::BlockResult;
using threads::CoreMask;

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

}  // namespace image_test
