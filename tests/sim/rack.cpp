// SPDX-License-Identifier: Apache-2.0
// See rack.h.
#include "tests/sim/rack.h"

#include <cstdlib>

#include "kernel/base/log.h"
#include "kernel/base/platform_hosted.h"
#include "kernel/threads/scheduler.h"
#include "net/rpc/roce_world.h"
#include "processor/monitor_core.h"
#include "tests/sim/report.h"

namespace sim {
namespace {

constexpr std::uint64_t patience_ns = 3600 * base::second_ns;

// Joining and leaving are logged, in every run; whoever follows one run wants to see it.
void quiet_log() {
  static std::FILE* const nowhere = std::fopen("/dev/null", "w");
  if (std::getenv("LEGO_SIM_TRACE") == nullptr) base::platform::set_log_stream(nowhere);
}

}  // namespace

Rack::Rack(const RackOptions& options)
    : scheduler(options.seed), options_(options), world(make_world(options)), entropy_(options.seed) {
  quiet_log();
  scheduler.most_turns = ~std::uint64_t{0};
  scheduler.set_background([this] { return background(); });
  scheduler.set_idle([this](std::uint64_t until_ns) {
    world->pass_time(scheduler.now_ns());
    const bool happened = world->step(std::min(until_ns, scheduler.now_ns() + base::second_ns));
    scheduler.advance_to(world->now_ns());
    return happened || until_ns > scheduler.now_ns();
  });
  machine.skip_shoot_downs = options.skip_shoot_downs;
  std::uint32_t number = ManagersNode::number;
  managers = std::make_unique<ManagersNode>(world->add(number++), entropy_);
  for (unsigned i = 0; i < options.memories; ++i)
    memories.push_back(std::make_unique<MemoryNode>(world->add(number++), entropy_, "m" + std::to_string(i),
                                                    options.frames, options.lines));
  storage = std::make_unique<StorageNode>(world->add(number++), entropy_, options.disk);
  processor = std::make_unique<ProcessorNode>(world->add(number++), entropy_, options.lines);
  client = std::make_unique<ClientNode>(world->add(number++), entropy_);
  const auto all_joined = [this] {
    for (auto& memory : memories)
      if (!memory->member.has_joined()) return false;
    return storage->member.has_joined() && processor->member.has_joined() && client->member.has_joined();
  };
  run(all_joined, "joining");
  calm_ = false;
}

Rack::~Rack() {
  calm_ = true;
  std::vector<MemberNode*> members{storage.get(), processor.get(), client.get()};
  for (auto& memory : memories) members.push_back(memory.get());
  for (MemberNode* member : members) member->rack_ends = true;
  for (MemberNode* member : members) member->member.stop();
  run(
      [&] {
        for (MemberNode* member : members)
          if (!member->member.stopped()) return false;
        return true;
      },
      "leaving");
  for (auto& node : world->nodes) node->endpoint.reset();
  machine.release_threads();
  client.reset();
  processor.reset();
  storage.reset();
  memories.clear();
  managers.reset();
}

std::unique_ptr<rpc::test::World> Rack::make_world(const RackOptions& options) {
  if (options.network == Network::Loopback) return std::make_unique<rpc::test::LoopWorld>(options.seed);
  auto made = std::make_unique<rpc::test::RoceWorld>(options.seed);
  auto& faults = made->wire.faults;
  faults.drop = static_cast<std::uint32_t>(random().below(20'000));
  faults.duplicate = static_cast<std::uint32_t>(random().below(20'000));
  faults.reorder = static_cast<std::uint32_t>(random().below(50'000));
  faults.corrupt = static_cast<std::uint32_t>(random().below(5'000));
  faults.jitter_ns = random().below(100'000);
  return made;
}

// Connections of the pComponent break now and then; calls go on over the next one.
void Rack::disturb() {
  if (calm_ || options_.network != Network::Loopback || scheduler.now_ns() < next_break_ns_) return;
  next_break_ns_ = scheduler.now_ns() + base::millisecond_ns + random().below(100 * base::millisecond_ns);
  auto& fabric = static_cast<rpc::test::LoopWorld&>(*world).fabric;
  rpc::test::Node& memory = memories[random().below(memories.size())]->node;
  fabric.break_connections(memory.ip(), random().below(4) == 0 ? storage->node.ip() : processor->node.ip());
}

bool Rack::background() {
  machine.bury_threads();
  disturb();
  world->pass_time(scheduler.now_ns());
  const bool happened = world->step(scheduler.now_ns());
  scheduler.advance_to(world->now_ns());
  return happened;
}

void Rack::run(const std::function<bool()>& done, const char* what) {
  const std::uint64_t end_ns = scheduler.now_ns() + patience_ns;
  const bool ended = scheduler.run_until([&] { return done() || scheduler.now_ns() > end_ns; });
  if (!ended || !done()) fail(std::string(what) + " never ends");
}

void Rack::run_thread(std::function<void()> body, const char* what) {
  struct Work {
    std::function<void()> body;
    bool done = false;
  } work{std::move(body)};
  const auto thread = threads::create(
      {.name = "sim"},
      [](void* argument) {
        auto& own = *static_cast<Work*>(argument);
        own.body();
        own.done = true;
      },
      &work);
  require(thread.has_value(), "no thread");
  threads::start(**thread);
  run([&] { return work.done; }, what);
  machine.bury_threads();
}

void Rack::require_ok(base::Error error, const char* what) {
  if (error != base::Error::None) fail(std::string(what) + ": " + std::string(base::error_name(error)));
}

void Rack::check_empty() {
  auto& cache = static_cast<processor::MonitorCore&>(processor->monitor()).excache();
  run([&] { return cache.free_lines() == cache.line_count(); }, "emptying the ExCache");
  if (const char* wrong = cache.audit()) fail(wrong);
  for (auto& memory : memories) {
    // A page that was sent is kept until the acknowledgement is there, and that may be lost.
    run([&] { return memory->counter("frames.anonymous") == 0 && memory->counter("frames.page_cache") == 0; },
        "giving frames back");
    for (const char* name : {"frames.anonymous", "frames.page_cache", "spaces", "objects", "files"})
      if (const std::uint64_t left = memory->counter(name); left != 0)
        fail(std::string(name) + " " + std::to_string(left) + " is left on " + std::to_string(memory->node.number));
    require(managers->managers.vregions().count_on(memory->member.node()) == 0, "vRegions are left");
  }
  require(!storage->mounted(), "the file system is still mounted");
  require(machine.user_threads() == 0, "a thread is left");
  require(machine.allocated_frames() == cache.line_count(), "page tables are left");
}

}  // namespace sim
