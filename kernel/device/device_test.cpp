// SPDX-License-Identifier: Apache-2.0
// Buffer placement, and the gate through which one core at a time polls.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <thread>

#include "kernel/device/buffer_pool.h"
#include "kernel/device/poll_gate.h"

namespace device {
namespace {

TEST(BufferPool, NoTwoBuffersAreAPowerOfTwoApart) {
  for (std::size_t bytes : {1u, 64u, 252u, 1526u, 4096u, 4232u, 9032u}) {
    const std::size_t stride = staggered_stride(bytes);
    EXPECT_GE(stride, bytes);
    EXPECT_LT(stride, bytes + 2 * cache_line_bytes);
    EXPECT_EQ(stride % cache_line_bytes, 0u);
    for (std::size_t distance = 1; distance < 64; ++distance) {
      const std::size_t apart = distance * stride;
      EXPECT_FALSE(std::has_single_bit(apart) && apart >= 4096) << bytes << " times " << distance;
    }
  }
}

TEST(PollGate, WhoComesMeanwhileIsNotForgotten) {
  PollGate gate;
  ASSERT_TRUE(gate.enter());
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.enter());
  EXPECT_FALSE(gate.leave()) << "look again";
  EXPECT_TRUE(gate.leave());
  ASSERT_TRUE(gate.enter());
  EXPECT_FALSE(gate.enter());
  gate.leave_unfinished();
  EXPECT_TRUE(gate.enter());
}

// Every event that a thread adds before it calls is handled by it or by the one inside, and never by two at once.
TEST(PollGate, NoEventIsLostBetweenThreads) {
  constexpr unsigned each = 50000;
  PollGate gate;
  std::atomic<unsigned> pending{0}, inside{0};
  unsigned handled = 0;  // by whoever is inside
  const auto work = [&] {
    for (unsigned i = 0; i < each; ++i) {
      pending.fetch_add(1, std::memory_order_relaxed);
      if (!gate.enter()) continue;
      do {
        ASSERT_EQ(inside.fetch_add(1), 0u);
        handled += pending.exchange(0, std::memory_order_relaxed);
        inside.fetch_sub(1);
      } while (!gate.leave());
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(handled, 2 * each);
}

}  // namespace
}  // namespace device
