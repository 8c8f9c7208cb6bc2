// SPDX-License-Identifier: Apache-2.0
// What programs rely on most, again and again in another order of events and with an ExCache too small for it: a page
// that processes share, a parent and children that write their own copies, the same addresses unmapped and mapped
// again, and forgotten pages. Never an old byte, and no frame kept. The last one is a broken processor: it must be
// found out.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/random_program.h"
#include "tests/sim/report.h"
#include "tests/sim/run.h"

namespace sim {
namespace {

constexpr std::uint64_t area = 0x100100;
constexpr std::uint64_t other_area = 0x140200;   // in another vRegion
constexpr std::uint64_t thrash_area = 0x180000;  // more pages than there are lines
constexpr std::uint64_t thrash_pages = 36;

// Loads and stores that leave little of anything else in the ExCache.
void thrash(Thread& thread, unsigned accesses) {
  for (unsigned i = 0; i < accesses && !thread.killed(); ++i) {
    const std::uint64_t page = thrash_area + thread.random().below(thrash_pages);
    if (thread.random().below(2) == 0)
      thread.store(page);
    else
      thread.load(page);
  }
}

std::size_t any_word(Thread& thread) { return thread.random().below(word_offsets.size()); }

void touch(Thread& thread, std::uint64_t first, std::uint64_t pages, unsigned accesses) {
  for (unsigned i = 0; i < accesses; ++i) {
    const std::uint64_t page = first + thread.random().below(pages);
    if (thread.random().below(2) == 0)
      thread.store(page, any_word(thread));
    else
      thread.load(page, any_word(thread));
  }
}

// --- A shared page between processes
// ----------------------------------------------------------------------------------

void use_shared(Thread& thread) {
  for (int round = 0; round < 5; ++round) {
    touch(thread, area, 2, 6);
    thrash(thread, 8);
  }
  thread.load_everything();
}

void share(Thread& thread) {
  Shared& segment = *thread.program().objects[0];
  thread.map(thrash_area, thrash_pages);
  thread.map(area, 2, {.object = &segment, .object_page = thread.random().below(2), .shared = true});
  thread.map(other_area, 1, {.object = &segment, .object_page = 1, .shared = true});
  for (int child = 0; child < 2; ++child) thread.fork(use_shared);
  touch(thread, other_area, 1, 4);
  use_shared(thread);
}

// --- A parent and children that write their own copies
// ----------------------------------------------------------------

// A second thread of the process: its core has translations of its own.
void look_on(Thread& thread) {
  while (!thread.process().over && !thread.killed()) {
    thread.load(area + thread.random().below(6), any_word(thread));
    (void)threads::sleep_until(threads::clock().now_ns() + 30'000, threads::Interruptible::KillOnly);
  }
}

void write_own_copies(Thread& thread) {
  if (thread.random().below(2) == 0) Thread::start(thread.process(), look_on);
  for (int round = 0; round < 4; ++round) {
    touch(thread, area, 6, 8);
    thrash(thread, 6);
  }
  thread.load_everything();
  thread.process().over = true;
}

void fork_and_write(Thread& thread) {
  thread.map(thrash_area, thrash_pages);
  thread.map(area, 6);
  touch(thread, area, 6, 10);
  for (int child = 0; child < 2; ++child) {
    thread.fork(child == 1 ? Thread::Body([](Thread& own) {
      own.fork(write_own_copies);
      write_own_copies(own);
    })
                           : Thread::Body(write_own_copies));
    touch(thread, area, 6, 6);
    thrash(thread, 6);
  }
  write_own_copies(thread);
}

// --- Unmapped and mapped again
// ----------------------------------------------------------------------------------------

void map_again(Thread& thread) {
  thread.map(thrash_area, thrash_pages);
  thread.map(area, 8);
  for (int round = 0; round < 8; ++round) {
    touch(thread, area, 8, 8);
    if (thread.random().below(2) == 0) thrash(thread, 24);
    const std::uint64_t first = area + thread.random().below(8), pages = 1 + thread.random().below(area + 8 - first);
    if (thread.random().below(2) == 0) thread.unmap(first, pages);
    if (thread.random().below(4) == 0) thread.load(first);  // must be refused, if it is not mapped
    if (thread.random().below(4) == 0) thread.fork(write_own_copies);
    thread.map(first, pages);
    for (std::uint64_t page = first; page < first + pages; ++page) thread.load(page, any_word(thread));
  }
}

// --- Forgotten, then read
// ---------------------------------------------------------------------------------------------

void forget(Thread& thread) {
  thread.map(thrash_area, thrash_pages);
  thread.map(area, 8);
  for (int round = 0; round < 8; ++round) {
    touch(thread, area, 8, 8);
    if (thread.random().below(2) == 0) thrash(thread, 24);
    const std::uint64_t first = area + thread.random().below(8), pages = 1 + thread.random().below(area + 8 - first);
    if (thread.random().below(4) == 0) thread.fork(write_own_copies);
    thread.discard(first, pages);
    for (std::uint64_t page = first; page < first + pages; ++page) thread.load(page, any_word(thread));
  }
}

// --- Given back while the program runs
// --------------------------------------------------------------------------------

std::uint64_t frames_in_use(Thread& thread) {
  std::uint64_t sum = 0;
  for (auto& memory : thread.program().rack.memories) sum += memory->counter("frames.anonymous");
  return sum;
}

// What is unmapped or forgotten is free on all mComponents when the call returns.
void give_back(Thread& thread) {
  std::uint64_t most = 0;
  for (int round = 0; round < 6; ++round) {
    thread.map(thrash_area, thrash_pages);
    thread.map(other_area, 8);
    touch(thread, other_area, 8, 12);
    thrash(thread, 80);
    most = std::max(most, frames_in_use(thread));
    for (const auto& [first, pages] : {std::pair(thrash_area, thrash_pages), std::pair(other_area, std::uint64_t{8})}) {
      if (thread.random().below(2) == 0)
        thread.discard(first, pages);
      else
        thread.unmap(first, pages);
    }
    require(frames_in_use(thread) == 0, "frames are in use for pages that were given back");
  }
  require(most > 0, "nothing was written back");
}

// ----------------------------------------------------------------------------------------------------------------------

// All of it at once, in processes that fight for the same lines.
void everything(Thread& thread) {
  for (const auto body : {share, fork_and_write, map_again, forget}) thread.fork(body);
}

constexpr std::uint64_t on_bad_wire = 20;  // one in so many

void repeat(std::uint64_t repetitions, const Thread::Body& body, std::uint64_t seeds_before = 0) {
  const Parameters parameters = Parameters::read(repetitions, 0);
  if (parameters.one_seed) seeds_before = 0;
  std::uint64_t evictions = 0;
  for (std::uint64_t i = 0; i < parameters.seeds; ++i) {
    const std::uint64_t seed = seeds_before + parameters.first_seed + i;
    const Network network = seed % on_bad_wire == 0 ? Network::BadWire : Network::Loopback;
    const auto memories = static_cast<unsigned>(1 + seed % 2);
    const RunCounters counters = run_program(
        {.rack = {.seed = seed, .network = network, .frames = 1024, .memories = memories}, .segment_pages = 4}, body);
    evictions += counters.excache.evictions;
  }
  EXPECT_GT(evictions, parameters.seeds * 10) << "the ExCache was not busy enough";
}

TEST(NeverAnOldByte, InAPageThatProcessesShare) { repeat(25, share); }
TEST(NeverAnOldByte, InCopiesOfParentAndChildren) { repeat(25, fork_and_write); }
TEST(NeverAnOldByte, WhereAddressesAreMappedAgain) { repeat(25, map_again); }
TEST(NeverAnOldByte, WherePagesWereForgotten) { repeat(25, forget); }
TEST(Frames, AreFreeWhenPagesAreGivenBack) { repeat(25, give_back); }

// In two halves, which can run beside one another.
TEST(InAThousandRepetitions, NeverAnOldByte) { repeat(500, everything); }
TEST(InAThousandRepetitions, NeverAnOldByteEither) { repeat(500, everything, 500); }

// A processor that does not forget translations when it is told to.
TEST(TheSimulationDeathTest, FindsStaleTranslations) {
  const auto all = [] {
    for (std::uint64_t seed = 1; seed <= 20; ++seed)
      run_program({.rack = {.seed = seed, .skip_shoot_downs = true}}, random_program({}));
  };
  EXPECT_DEATH(all(), "LEGO_SIM_SEED=");
}

}  // namespace
}  // namespace sim
