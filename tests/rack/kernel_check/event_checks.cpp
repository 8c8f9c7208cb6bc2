// SPDX-License-Identifier: Apache-2.0
// Event cores: work is handed around all cores, each of which halts in between, thousands of times. A wake-up that is
// lost stops the test. In between, timers and a poller that works by interrupts.
#include <atomic>

#include "arch/x86_64/interrupts.h"
#include "arch/x86_64/percpu.h"
#include "kernel/base/task.h"
#include "kernel/core/cores.h"
#include "kernel/core/event_core.h"
#include "tests/rack/kernel_check/check.h"

namespace kernel_check {
namespace {

constexpr std::uint64_t rounds = 2401;  // ends on core 0 again, with 1 to 4 cores
void (*finish)() = nullptr;

// Goes from core to core; the last hop ends the first part.
class Baton final : public base::Work {
 public:
  void run() override;
  std::uint64_t hops = 0;
};
Baton baton;

// "Work" that an interrupt announces, as a network device's does.
class FakeDevice final : public kernel::Poller, public arch::InterruptHandler {
 public:
  bool poll() override {
    if (!pending_.exchange(false)) return false;
    ++polled;
    return true;
  }
  bool arm() override { return !pending_.load(); }
  void disarm() override {}
  void interrupt() override {}
  // From another core.
  void happen() {
    pending_.store(true);
    arch::send_interrupt(vector.core, vector.number);
  }
  arch::InterruptVector vector;
  std::atomic<std::uint64_t> polled{0};

 private:
  std::atomic<bool> pending_{false};
};
FakeDevice fake_device;

base::Task<> sleep_and_poke() {
  base::EventLoop& loop = kernel::this_event_core().loop();
  for (unsigned i = 0; i < 20; ++i) {
    const std::uint64_t until = loop.now_ns() + 200 * base::microsecond_ns;
    co_await base::Sleep(loop, until);
    EXPECT(loop.now_ns() >= until);
    const std::uint64_t before = fake_device.polled.load();
    fake_device.happen();
    while (fake_device.polled.load() == before) co_await base::Sleep(loop, loop.now_ns() + 50 * base::microsecond_ns);
  }
  co_return {};
}

void all_done(base::Result<> result) {
  EXPECT(result.has_value());
  EXPECT(kernel::event_core(0).counters().halts > 0);
  finish();
}

void Baton::run() {
  if (++hops < rounds) {
    kernel::event_core(static_cast<std::uint32_t>(hops % kernel::core_count())).loop().post(*this);
    return;
  }
  EXPECT(arch::this_core() == 0);
  if (kernel::core_count() == 1) return finish();
  base::spawn(sleep_and_poke(), all_done);
}

}  // namespace

void check_event_cores(void (*done)()) {
  finish = done;
  EXPECT(kernel::make_event_cores().has_value());
  const std::uint32_t last = kernel::core_count() - 1;
  const auto vector = arch::allocate_vector(fake_device, last);
  EXPECT(vector.has_value());
  fake_device.vector = *vector;
  kernel::event_core(last).add(fake_device);
  kernel::event_core(0).loop().post(baton);
  kernel::run_event_cores();
}

}  // namespace kernel_check
