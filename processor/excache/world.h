// SPDX-License-Identifier: Apache-2.0
// The world of the ExCache's property test: processes with threads that run random programs over address spaces, shared
// segments and files whose homes answer late and in any order, while every byte read is compared with a model that has
// no cache at all.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "processor/excache/excache.h"
#include "processor/testing/fake_home.h"
#include "processor/testing/fibers.h"
#include "processor/testing/machine.h"

namespace excache {

using testing_support::Core;
using testing_support::FakeHome;
using testing_support::FakePageTable;
using testing_support::FiberWaiter;
using testing_support::Lines;
using testing_support::require;
using testing_support::Scheduler;
using testing_support::Touch;

// A page in the model: a few words of it, each with the values that it may have (more than one only where threads
// raced with an operation on the range). All its other bytes are zero.
inline constexpr std::array<std::size_t, 3> word_offsets = {0, 2040, 4088};
struct ModelWord {
  std::vector<std::uint64_t> possible{0};
};
using ModelPage = std::array<ModelWord, word_offsets.size()>;

struct WorldOptions {
  std::uint32_t lines = 16;
  unsigned processes = 2;
  unsigned steps = 60;      // of each thread
  unsigned most_pages = 3;  // that one instruction needs
  bool prefetch = true;
  std::uint64_t ageing_period_ns = 20'000;
  bool failures = true;  // retries, refusals, memory that cannot be had for a moment
};

class World {
 public:
  World(std::uint64_t seed, const WorldOptions& options);
  ~World();
  void run();
  Counters counters() const { return cache_->counters(); }

 private:
  struct SharedObject;
  struct Process;
  class Thread;
  friend class Thread;

  void evictor();
  void start_process();
  FakeHome& home_of(base::UserVa address) { return address.value() < base::vregion_bytes ? *homes_[0] : *homes_[1]; }
  base::UserVa some_page();
  void finish();
  static Configuration configuration(const WorldOptions& options);

  WorldOptions options_;
  Scheduler scheduler_;
  base::Random& random_;
  Lines lines_;
  base::Own<ExCache> cache_;
  std::array<std::unique_ptr<FakeHome>, 2> homes_;
  std::vector<std::unique_ptr<SharedObject>> objects_;  // 0: a segment, 1: a file, 2: a file that nobody changes
  std::vector<std::shared_ptr<Process>> processes_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_value_ = 1;
  unsigned processes_started_ = 0;
  bool stopping_ = false;
  FiberWaiter* evictor_waiter_ = nullptr;
};

}  // namespace excache
