// SPDX-License-Identifier: Apache-2.0
// The processor monitor from inside: what spaces, objects and faults share. One per component; it lives as long as the
// component.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include "kernel/base/array.h"
#include "processor/address_space_state.h"
#include "processor/background.h"
#include "processor/excache/excache.h"
#include "processor/line_slabs.h"
#include "processor/memory_home.h"
#include "processor/monitor.h"
#include "processor/shared_object_state.h"
#include "processor/system_pages.h"

namespace processor {

class MonitorCore final : public Monitor {
 public:
  explicit MonitorCore(const MonitorConfiguration& configuration);
  base::Result<> start(const MonitorConfiguration& configuration);

  std::uint32_t lines() const override { return cache_->line_count(); }
  base::Result<Reference<Family>> create_family(const FamilyHome& home) override;
  base::Result<std::span<std::byte>> start_system_pages(std::span<const std::byte> code) override;
  const base::Own<SystemPages>& system_pages() const { return system_pages_; }
  void memory_pressure(base::NodeId memory, bool low) override;
  void memory_dead(base::NodeId memory) override;
  excache::Counters counters() const override { return cache_->counters(); }

  excache::ExCache& excache() { return *cache_; }
  PageCalls& page_calls() { return calls_; }
  Personality& personality() { return personality_; }
  // For one mComponent and vNode always the same.
  base::Result<MemoryHome*> home_at(const rpc::NodeAddress& address, base::VNodeId vnode);

  void end_later(AddressSpace& space) { space_ends_.add(space); }
  void end_later(SharedObject& object) { object_ends_.add(object); }
  // Until what nobody refers to any more has been given back to its home. A space's end may be that of objects.
  void settle_endings(Sleeper& sleeper) {
    space_ends_.settle(sleeper);
    object_ends_.settle(sleeper);
  }

  // All address spaces in rising order of ids, for truncations; empty: there is none above.
  void add_space(AddressSpace& space);
  void remove_space(AddressSpace& space);
  Reference<AddressSpace> next_space(base::SpaceId after);

  // Shared objects by id. An object that is ending is still found, so that it is not made anew before it is gone.
  base::SpinLock& objects_lock() { return objects_lock_; }
  SharedObjects& objects_locked() { return objects_; }

 private:
  [[noreturn]] void evict();

  struct KnownHome {
    rpc::NodeAddress address;
    base::Own<MemoryHome> home;
  };
  struct SpaceId {
    using type = std::uint64_t;
    type operator()(const AddressSpace& space) const { return space.id().value(); }
  };
  using Spaces = boost::intrusive::set<AddressSpace, boost::intrusive::key_of_value<SpaceId>>;

  rpc::Endpoint& endpoint_;
  Personality& personality_;
  LineSlabs slabs_;
  PageCalls calls_{slabs_};
  base::Own<excache::ExCache> cache_;
  base::Own<SystemPages> system_pages_;  // none until they are started
  Background space_ends_;
  Background object_ends_;

  base::SpinLock homes_lock_{base::LockRank::Process};  // guards:
  base::Array<KnownHome> homes_;
  base::Array<base::NodeId> low_;  // nodes that are low on memory

  base::SpinLock spaces_lock_{base::LockRank::Process};
  Spaces spaces_;  // by id

  base::SpinLock objects_lock_{base::LockRank::Process};
  SharedObjects objects_;
};

inline MonitorCore& core_of(const Family& family) { return static_cast<MonitorCore&>(family.monitor()); }

// Of faults; faults.cpp.
void install_page_fault_handler(MonitorCore& core);

}  // namespace processor
