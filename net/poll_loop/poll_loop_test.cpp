// SPDX-License-Identifier: Apache-2.0
// Descriptors, timers and posted work on one thread; watches that end while they are handled.
#include "net/poll_loop/poll_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace poll_loop {
namespace {

struct Alarm final : base::Timer {
  void expired() override { ++count; }
  unsigned count = 0;
};
struct Job final : base::Work {
  void run() override { ++count; }
  unsigned count = 0;
};

class Loop : public testing::Test {
 protected:
  Loop() { EXPECT_EQ(pipe(ends), 0); }
  ~Loop() override {
    close(ends[0]);
    close(ends[1]);
  }
  void tell() { EXPECT_EQ(write(ends[1], "x", 1), 1); }
  int ends[2];
  MonotonicClock clock;
  base::EventLoop events{clock};
  PollLoop loop{events};
};

TEST_F(Loop, HandlesDescriptorsOnlyWhileTheyAreWanted) {
  unsigned handled = 0;
  auto watch = loop.watch(ends[0], POLLIN, [&](short) { ++handled; });
  tell();
  loop.run_once();
  loop.run_once();
  EXPECT_EQ(handled, 2u);
  watch.wants(0);
  Job job;
  events.post(job);
  loop.run_once();
  EXPECT_EQ(handled, 2u);
  EXPECT_EQ(job.count, 1u);
}

TEST_F(Loop, AHandlerMayEndItsOwnWatchAndOthers) {
  unsigned handled = 0;
  PollLoop::Watch second;
  PollLoop::Watch first = loop.watch(ends[0], POLLIN, [&](short) {
    ++handled;
    first = {};
    second = {};
  });
  second = loop.watch(ends[0], POLLIN, [&](short) { ++handled; });
  tell();
  loop.run_once();
  EXPECT_EQ(handled, 1u);
  Job job;
  events.post(job);
  loop.run_once();
  EXPECT_EQ(handled, 1u);
}

TEST_F(Loop, WaitsForTheEarliestTimer) {
  Alarm alarm;
  events.arm(alarm, clock.now_ns() + 3 * base::millisecond_ns);
  unsigned turns = 0;
  while (alarm.count == 0) {
    loop.run_once();
    ++turns;
  }
  EXPECT_LE(turns, 3u);  // it sleeps and does not spin
}

TEST_F(Loop, HooksRunBeforeEachWait) {
  Job job;
  unsigned hooks = 0;
  auto hook = loop.before_wait([&] {
    ++hooks;
    events.post(job);  // makes the wait end at once
  });
  loop.run_once();
  loop.run_once();
  hook.reset();
  events.post(job);
  loop.run_once();
  EXPECT_EQ(hooks, 2u);
  EXPECT_EQ(job.count, 3u);
}

}  // namespace
}  // namespace poll_loop
