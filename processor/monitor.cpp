// SPDX-License-Identifier: Apache-2.0
// The processor monitor: start, homes, evictors. See monitor.h and monitor_core.h.
#include "processor/monitor.h"

#include <algorithm>

#include "kernel/base/log.h"
#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"

namespace processor {

using base::Error;
using base::Result;

namespace {

constexpr std::uint64_t min_excache_bytes = std::uint64_t{128} << 10;  // of no use, but it works
constexpr std::uint64_t max_excache_lines = std::uint64_t{1} << 28;    // 1 TiB

}  // namespace

Result<base::Own<Monitor>> Monitor::start(const MonitorConfiguration& configuration) {
  auto core = base::make<MonitorCore>(configuration);
  if (!core) return base::fail(Error::NoMemory);
  TRY(core->start(configuration));
  return base::Own<Monitor>(std::move(core));
}

MonitorCore::MonitorCore(const MonitorConfiguration& configuration)
    : endpoint_(configuration.endpoint), personality_(configuration.personality) {}

Result<> MonitorCore::start(const MonitorConfiguration& configuration) {
  const std::uint64_t lines = configuration.excache_bytes / base::page_bytes;
  if (configuration.excache_bytes < min_excache_bytes || lines > max_excache_lines)
    return base::fail(Error::InvalidArgument);
  auto settings = excache::Configuration::for_lines(static_cast<std::uint32_t>(lines));
  settings.prefetch = configuration.prefetch;
  settings.evictors = configuration.evictors;
  TRY(slabs_.start(settings.lines, configuration.domain, configuration.domain_lock));
  cache_ = TRY(excache::ExCache::create(settings, slabs_, threads::clock()));
  TRY(calls_.start(*cache_));
  TRY(space_ends_.start("space ends"));
  TRY(object_ends_.start("object ends"));
  threads::Thread* evictor = TRY(threads::create(
      {.name = "evictor", .klass = policy::Class::High}, [](void* core) { static_cast<MonitorCore*>(core)->evict(); },
      this));
  threads::start(*evictor);
  install_page_fault_handler(*this);
  base::log_info("processor", "ExCache of {} lines ({} MiB)", lines, configuration.excache_bytes >> 20);
  return {};
}

void MonitorCore::evict() {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  while (true) {
    const excache::ExCache::EvictResult result = cache_->evict(false);
    if (result.progress) {
      threads::yield();  // nothing preempts it: the network's thread, whose messages it fills, comes first
    } else if (cache_->wait_for_work(result.events, sleeper) == excache::Progress::Wait &&
               !sleeper.sleep_until(result.retry_at_ns)) {
      cache_->cancel_wait(sleeper);
    }
  }
}

Result<Reference<Family>> MonitorCore::create_family(const FamilyHome& home) {
  auto family = base::make<Family>(*this, home);
  if (!family) return base::fail(Error::NoMemory);
  return Reference<Family>(*family.release());
}

// --- Homes
// ------------------------------------------------------------------------------------------------------------

Result<MemoryHome*> MonitorCore::home_at(const rpc::NodeAddress& address, base::VNodeId vnode) {
  rpc::Peer* peer = TRY(endpoint_.peer(address));
  MemoryHome* found = nullptr;
  bool low = false;
  {
    const base::SpinGuard guard(homes_lock_);
    for (const KnownHome& known : homes_)
      if (&known.home->peer() == peer && known.home->vnode() == vnode) return known.home.get();
    auto home = base::make<MemoryHome>(calls_, *peer, vnode);
    if (!home) return base::fail(Error::NoMemory);
    found = home.get();
    TRY(homes_.push_back({peer->address(), std::move(home)}));
    low = std::find(low_.begin(), low_.end(), peer->address().node) != low_.end();
  }
  if (low) cache_->set_low_memory(*found, true);
  return found;
}

void MonitorCore::memory_pressure(base::NodeId memory, bool low) {
  const base::SpinGuard guard(homes_lock_);
  auto* noted = std::find(low_.begin(), low_.end(), memory);
  if (low && noted == low_.end()) {
    // Without memory to note it, homes made later ask at the first refusal.
    if (!low_.push_back(memory))
      base::log_warning("processor", "no memory to note that node {} is low", memory.value());
  } else if (!low && noted != low_.end()) {
    low_.erase(static_cast<std::size_t>(noted - low_.begin()));
  }
  for (const KnownHome& known : homes_)
    if (known.address.node == memory) cache_->set_low_memory(*known.home, low);
}

void MonitorCore::memory_dead(base::NodeId memory) {
  base::Array<base::BootId> boots;
  {
    const base::SpinGuard guard(homes_lock_);
    for (const KnownHome& known : homes_)
      if (known.address.node == memory && !boots.push_back(known.address.boot_id)) break;
  }
  for (const base::BootId boot : boots) endpoint_.declare_dead(boot);
}

// --- Spaces
// -----------------------------------------------------------------------------------------------------------

void MonitorCore::add_space(AddressSpace& space) {
  const base::SpinGuard guard(spaces_lock_);
  spaces_.insert(space);
}

void MonitorCore::remove_space(AddressSpace& space) {
  const base::SpinGuard guard(spaces_lock_);
  spaces_.erase(spaces_.iterator_to(space));
}

Reference<AddressSpace> MonitorCore::next_space(base::SpaceId after) {
  const base::SpinGuard guard(spaces_lock_);
  for (auto found = spaces_.upper_bound(after.value()); found != spaces_.end(); ++found)
    if (CountedReferences<AddressSpace>::try_take(*found)) return Reference<AddressSpace>::adopt(*found);
  return {};
}

}  // namespace processor
