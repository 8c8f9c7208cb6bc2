// SPDX-License-Identifier: Apache-2.0
// Address spaces: their making and end, and what only asks. See address_space.h and address_space_state.h.
#include "processor/address_space.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "kernel/memory/kernel_map.h"
#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"

namespace processor {

using base::Error;
using base::Result;
using base::UserVa;

void ReferenceCount<AddressSpace>::take(AddressSpace& object) { CountedReferences<AddressSpace>::take(object); }
void ReferenceCount<AddressSpace>::drop(AddressSpace& object) { CountedReferences<AddressSpace>::drop(object); }

// --- Making and ending
// ------------------------------------------------------------------------------------------------

AddressSpace::AddressSpace(Family& family, MemoryHome& home, base::SpaceId id, base::PhysAddr root)
    : family_(family),
      monitor_(core_of(family)),
      home_(home),
      table_(root),
      space_(id, table_, monitor_.page_calls()),
      log_(home_, space_, monitor_.page_calls()) {}

Result<Reference<AddressSpace>> AddressSpace::create(Family& family, MemoryHome& home, base::SpaceId id) {
  const base::PhysAddr root = TRY(kernel::make_user_root(kernel::kernel_tables()));
  auto space = base::make<AddressSpace>(family, home, id, root);
  if (!space) {
    kernel::kernel_tables().free_table(root);
    return base::fail(Error::NoMemory);
  }
  family.add_holding();
  core_of(family).add_space(*space);
  return Reference<AddressSpace>(*space.release());
}

Result<Reference<AddressSpace>> create_space(Family& family, Sleeper&) {
  MemoryHome& home = *TRY(core_of(family).home_at(family.home().memory, family.home().vnode));
  const auto answer = TRY(ask(home, messages::SpaceCreateRequest{}));
  const std::uint64_t id = answer.body.space;
  auto space = AddressSpace::create(family, home, base::SpaceId(id));
  if (space) return space;
  messages::SpaceDestroyRequest destroy;
  destroy.space = id;
  (void)insist(home, destroy);
  return space;
}

void AddressSpace::last_reference_gone() { monitor_.end_later(*this); }

void AddressSpace::end() {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  excache::ExCache& cache = monitor_.excache();
  monitor_.remove_space(*this);
  cache.freeze(space_, every_page);
  excache::Quiesce state{.range = every_page};
  while (cache.quiesce(space_, state, sleeper) == excache::Progress::Wait) sleeper.sleep();
  (void)log_.settle(sleeper);
  messages::SpaceDestroyRequest destroy;
  destroy.space = id().value();
  const Owners owners = other_owners();
  for (std::size_t i = 0; i < owners.count; ++i) (void)insist(owners[i], destroy);
  (void)insist(home_, destroy);
  cache.discard(space_, every_page);
  while (cache.retire(space_, sleeper) == excache::Progress::Wait) sleeper.sleep();
  cache.thaw(space_);
  table_.end();
  const Reference<Family> family = family_;
  base::Own<AddressSpace>(this).reset();
  family->remove_holding();
}

// --- What the others use
// ----------------------------------------------------------------------------------------------

excache::ExCache& AddressSpace::cache() { return monitor_.excache(); }

Result<> AddressSpace::provide_owner(UserVa address) {
  if (cache().owner(space_, address) != nullptr) return {};
  return cache().set_owner(space_, address.value() >> base::vregion_shift, home_);
}

Result<> AddressSpace::learn_owners(std::span<const std::byte> owners) {
  if (owners.size() % sizeof(messages::VRegionOwner) != 0) return base::fail(Error::Malformed);
  for (; !owners.empty(); owners = owners.subspan(sizeof(messages::VRegionOwner))) {
    messages::VRegionOwner owner;
    std::memcpy(&owner, owners.data(), sizeof owner);
    if (owner.index >= every_page.end.value() >> base::vregion_shift) return base::fail(Error::Malformed);
    if (cache().owner(space_, UserVa(owner.index << base::vregion_shift)) != nullptr) continue;
    const rpc::NodeAddress address{base::NodeId(owner.node), owner.ip, base::BootId(owner.boot_id)};
    auto home = monitor_.home_at(address, home_.vnode());
    while (!home && home.error() == Error::NoMemory) {
      wait_before_retry();
      home = monitor_.home_at(address, home_.vnode());
    }
    if (!home) return base::fail(home.error());
    while (!cache().set_owner(space_, owner.index, **home)) wait_before_retry();
  }
  return {};
}

bool AddressSpace::has_owners(vma::Range range) {
  const std::uint64_t first = range.start.value() >> base::vregion_shift;
  const std::uint64_t last = (range.end.value() - 1) >> base::vregion_shift;
  if (last - first > 1) return false;
  return cache().owner(space_, range.start) != nullptr && cache().owner(space_, range.end - 1) != nullptr;
}

void AddressSpace::set_lost() {
  if (!lost_) base::log_warning("processor", "the VMAs of space {} are not those of its home any more", id().value());
  lost_ = true;
}

Result<> AddressSpace::hold(SharedObject& object) {
  for (const auto& held : objects_)
    if (held.get() == &object) return {};
  return objects_.push_back(Reference<SharedObject>(object));
}

void AddressSpace::drop_unused_objects() {
  const auto is_mapped = [this](base::ObjectId object) {
    const base::SpinGuard guard(space_.lock);
    for (const vma::Vma* vma = space_.vmas.first(); vma != nullptr; vma = space_.vmas.next(*vma))
      if (vma->object == object) return true;
    return false;
  };
  for (std::size_t i = objects_.size(); i-- > 0;)
    if (!is_mapped(objects_[i]->id())) objects_.erase(i);
}

Result<> AddressSpace::copy_objects(const AddressSpace& parent) { return objects_.append(parent.objects_.span()); }

AddressSpace::Owners AddressSpace::other_owners() {
  Owners owners;
  owners.count = std::min(cache().owners(space_, owners.homes), owners.homes.size());
  const auto end = owners.homes.begin() + owners.count;
  owners.count = static_cast<std::size_t>(std::remove(owners.homes.begin(), end, &home_) - owners.homes.begin());
  return owners;
}

// --- Questions
// --------------------------------------------------------------------------------------------------------

Result<> resident(AddressSpace& space, vma::Range range, std::span<std::uint8_t> pages) {
  {
    const base::SpinGuard guard(space.space().lock);
    if (!space.space().vmas.is_covered(range)) return base::fail(Error::NoMemory);
  }
  for (std::size_t i = 0; i < pages.size() && i < range.pages(); ++i)
    pages[i] = space.cache().is_resident(space.space(), range.start + i * base::page_bytes) ? 1 : 0;
  return {};
}

SpaceUsage usage(AddressSpace& space) {
  SpaceUsage result;
  const auto pages = space.cache().mapped_pages(space.space());
  result.resident = pages.now;
  result.most_resident = pages.most;
  const base::SpinGuard guard(space.space().lock);
  result.areas = space.space().vmas.count();
  result.mapped = space.space().vmas.mapped_bytes() / base::page_bytes;
  return result;
}

void synchronize_cores(AddressSpace& space) { space.domain().shoot_down_all(); }

UserVa break_start(AddressSpace& space) {
  const base::SpinGuard guard(space.space().lock);
  return space.space().vmas.break_start();
}

std::size_t list_vmas(AddressSpace& space, UserVa from, std::span<vma::Vma> to) {
  const base::SpinGuard guard(space.space().lock);
  std::size_t count = 0;
  const vma::VmaSet& vmas = space.space().vmas;
  for (const vma::Vma* vma = vmas.find_from(from); vma != nullptr && count < to.size(); vma = vmas.next(*vma))
    to[count++] = *vma;
  return count;
}

bool maps_file(AddressSpace& space, const vma::Vma& area) {
  MonitorCore& monitor = space.monitor();
  const base::SpinGuard guard(monitor.objects_lock());
  const auto found = monitor.objects_locked().find(area.object);
  return found != monitor.objects_locked().end() && found->is_file();
}

bool has_private_pages(AddressSpace& space, vma::Range range) {
  return space.cache().first_touched(space.space(), range, true).has_value();
}

std::optional<UserVa> first_touched(AddressSpace& space, vma::Range range) {
  return space.cache().first_touched(space.space(), range, false);
}

Result<vma::Vma> vma_at(AddressSpace& space, UserVa address) {
  const base::SpinGuard guard(space.space().lock);
  const vma::Vma* vma = space.space().vmas.find(address);
  if (vma == nullptr) return base::fail(Error::NotFound);
  return *vma;
}

void set_stack_limit(AddressSpace& space, std::uint64_t bytes) {
  const base::SpinGuard guard(space.space().lock);
  space.space().stack_limit = bytes;
}

Result<MemoryIdentity> identity_of(AddressSpace& space, UserVa address) {
  const auto vma = vma_at(space, address);
  if (!vma) return base::fail(Error::BadAddress);
  if (!vma->shared()) return MemoryIdentity{space.id().value(), address.value()};
  return MemoryIdentity{vma->object.value(), vma->object_offset + (address - vma->range.start)};
}

}  // namespace processor
