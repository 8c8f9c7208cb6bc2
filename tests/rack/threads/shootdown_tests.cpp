// SPDX-License-Identifier: Apache-2.0
// TLB shootdown: user threads never use a translation after shoot_down() returned, busy or asleep.
#include <array>
#include <optional>

#include "arch/x86_64/tlb_shootdown.h"
#include "arch/x86_64/user_copy.h"
#include "kernel/threads/scheduler.h"
#include "tests/rack/threads/user_task.h"
#include "tests/rack/threads/user_tests.h"

namespace image_test {

using base::UserVa;
using threads::CoreMask;

namespace {

constexpr UserVa words_address = data_address + 16 * base::page_bytes;
constexpr std::uint64_t words_pages = 48;  // more than are invalidated one by one

// Puts a new frame with this value in its first word under a page; the old frame, spoiled, comes back after the
// shootdown, so whoever still reads it sees 0.
void replace_frame(UserSpace& space, UserVa page, std::uint64_t value, std::span<const UserVa> to_forget) {
  const base::PhysAddr frame = new_frame();
  *kernel::direct_map<std::uint64_t>(frame) = value;
  const auto old = space.table().replace(page.value(), arch::Entry::page(frame, user_read));
  CHECK(old.has_value() && old->present());
  space.domain().shoot_down(to_forget);
  *kernel::direct_map<std::uint64_t>(old->frame()) = 0;
  free_frame(old->frame());
}

}  // namespace

// Readers on all cores check that they never read less than what was announced after a shootdown.
void test_shootdown() {
  UserSpace space;
  std::atomic_ref<std::uint64_t> announced(*space.add_page(read_only_address, user_read));
  std::array<UserVa, words_pages> pages;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    pages[i] = words_address + i * base::page_bytes;
    space.add_page(pages[i], user_read);
  }
  std::array<std::optional<UserTask>, 5> readers;
  for (auto& reader : readers) {
    reader.emplace(space).start(Program::Reader, {words_address.value(), read_only_address.value(), 0});
  }
  // And their registers stay what they are.
  UserTask vectors(space);
  vectors.start(Program::Vectors, {77, 20000, cpu_bits()});
  const arch::TlbStatistics before = arch::tlb_statistics();
  for (std::uint64_t value = 1; value <= 150; ++value) {
    const std::size_t batch = value % 50 == 0 ? pages.size() : 1 + value % 8;
    replace_frame(space, words_address, value, std::span(pages).first(batch));
    if (value % 10 == 0) space.domain().shoot_down_all();
    announced.store(value);
    if (value % 4 == 0) nap();
  }
  announced.store(~std::uint64_t{0});
  for (auto& reader : readers) CHECK_EQUAL(reader->wait(), 0u);
  CHECK_EQUAL(vectors.wait(), 0u);
  const arch::TlbStatistics after = arch::tlb_statistics();
  base::log_info("test", "{} shootdowns, {} interrupts, {} flushes", after.shootdowns - before.shootdowns,
                 after.interrupts_sent - before.interrupts_sent, after.local_flushes - before.local_flushes);
  if (threads::statistics().cores > 1) CHECK(after.shootdowns > before.shootdowns);
}

namespace {

struct Sleepy {
  Event asleep;
  Event wake;
  std::uint64_t first = 0, second = 0;
};

std::uint64_t read_word() {
  const auto word = arch::load_user_u32(words_address);
  return word ? *word : 0;
}

void read_sleep_read(UserTask& task) {
  auto& sleepy = *static_cast<Sleepy*>(task.context);
  sleepy.first = read_word();
  sleepy.asleep.set();
  sleepy.wake.wait();
  sleepy.second = read_word();
}

}  // namespace

// A thread that sleeps leaves its core idle with the space still loaded: no interrupt is sent there, and yet the thread
// does not see the old page afterwards.
void test_lazy_shootdown() {
  const std::uint32_t cores = threads::statistics().cores;
  UserSpace space;
  *space.add_page(words_address, user_read) = 1;
  Sleepy sleepy;
  UserTask task(space);
  task.context = &sleepy;
  const CoreMask old_affinity = threads::current().affinity();
  CHECK(threads::current().set_affinity(CoreMask::only(0)).has_value());
  threads::preemption_point();
  const threads::Thread* thread = task.start_in_kernel(read_sleep_read, {.affinity = CoreMask::only(cores - 1)});
  sleepy.asleep.wait();
  while (!thread->is_blocked()) nap();
  const std::uint64_t interrupts = arch::tlb_statistics().interrupts_sent;
  const std::array<UserVa, 1> page{words_address};
  replace_frame(space, words_address, 2, page);
  CHECK_EQUAL(arch::tlb_statistics().interrupts_sent, interrupts);
  sleepy.wake.set();
  task.wait();
  CHECK_EQUAL(sleepy.first, 1u);
  CHECK_EQUAL(sleepy.second, 2u);
  CHECK(threads::current().set_affinity(old_affinity).has_value());
}

void test_nothing_left() {
  CHECK_EQUAL(kernel::frames().counters().used[static_cast<std::size_t>(kernel::FrameKind::Anonymous)], 0u);
}

}  // namespace image_test
