// SPDX-License-Identifier: Apache-2.0
// The beginning and the end of threads: by the thousand without losing memory, and when there is none.
#include <array>

#include "kernel/memory/frames.h"
#include "kernel/memory/heap.h"
#include "kernel/memory/kernel_map.h"
#include "kernel/memory/layout.h"
#include "tests/rack/threads/check.h"
#include "tests/rack/threads/group.h"
#include "tests/rack/threads/kernel_tests.h"

namespace image_test {

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

// --- No memory ------------------------------------------------------------------------------------------------------
namespace {

// All free frames, in a list through their first words.
class AllFrames {
 public:
  AllFrames() {
    while (auto frame = kernel::frames().allocate(kernel::kernel_pool(), kernel::FrameKind::Kernel)) {
      *kernel::direct_map<std::uint64_t>(*frame) = first_;
      first_ = frame->value();
    }
  }
  ~AllFrames() {
    while (first_ != 0) {
      const base::PhysAddr frame(first_);
      first_ = *kernel::direct_map<std::uint64_t>(frame);
      kernel::frames().free(kernel::kernel_pool(), frame);
    }
  }

 private:
  std::uint64_t first_ = 0;
};

template <typename Make>
void create_until_refused(Make make) {
  std::array<threads::Thread*, 512> made{};
  std::size_t count = 0;
  {
    const AllFrames taken;
    while (count < made.size()) {
      auto thread = make();
      if (!thread) {
        CHECK(thread.error() == base::Error::NoMemory);
        break;
      }
      made[count++] = *thread;
    }
  }
  CHECK(count < made.size());
  for (std::size_t i = 0; i < count; ++i) threads::discard(*made[i]);
}

}  // namespace

void test_no_memory() {
  const std::uint32_t threads_before = threads::statistics().threads_now;
  for (int round = 0; round < 3; ++round) {
    create_until_refused([] { return threads::create({.name = "refused"}, do_nothing, nullptr); });
    create_until_refused([] { return threads::create_user({.name = "refused"}, do_nothing, nullptr); });
  }
  CHECK_EQUAL(threads::statistics().threads_now, threads_before);
}

}  // namespace image_test
