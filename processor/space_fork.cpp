// SPDX-License-Identifier: Apache-2.0
// fork: the homes share the pages that they have, then the ExCache shares the lines. Nothing is written back for it.
#include <optional>

#include "processor/monitor_core.h"

namespace processor {
namespace {

using base::Error;
using base::Result;

// At all owners, or at none.
Result<base::SpaceId> fork_at_homes(AddressSpace& parent) {
  messages::SpaceForkRequest request;
  request.parent = parent.id().value();
  const auto answer = TRY(ask(parent.home(), request));
  request.child = answer.body.child;
  messages::SpaceDestroyRequest undo;
  undo.space = request.child;
  const AddressSpace::Owners owners = parent.other_owners();
  for (std::size_t i = 0; i < owners.count; ++i) {
    const auto shared = ask(owners[i], request);
    if (shared) continue;
    for (std::size_t done = 0; done < i; ++done) (void)insist(owners[done], undo);
    (void)insist(parent.home(), undo);
    return base::fail(shared.error());
  }
  return base::SpaceId(request.child);
}

void destroy_at_homes(AddressSpace& parent, base::SpaceId child) {
  messages::SpaceDestroyRequest undo;
  undo.space = child.value();
  const AddressSpace::Owners owners = parent.other_owners();
  for (std::size_t i = 0; i < owners.count; ++i) (void)insist(owners[i], undo);
  (void)insist(parent.home(), undo);
}

Result<> copy_knowledge(AddressSpace& parent, AddressSpace& child) {
  TRY(child.copy_objects(parent));
  {
    const base::SpinGuard guard(child.space().lock);
    TRY(child.space().vmas.copy_from(parent.space().vmas));
  }
  std::uint64_t limit = 0;
  {
    const base::SpinGuard guard(parent.space().lock);
    limit = parent.space().stack_limit;
  }
  set_stack_limit(child, limit);
  return {};
}

// The next one from `position` on that has any of the flags.
std::optional<vma::Vma> next_marked(AddressSpace& space, base::UserVa position, vma::Flags flags) {
  const base::SpinGuard guard(space.space().lock);
  const vma::VmaSet& vmas = space.space().vmas;
  for (const vma::Vma* area = vmas.find_from(position); area != nullptr; area = vmas.next(*area))
    if ((area->flags & flags) != vma::Flags::None) return *area;
  return {};
}

// What the parent would not share. The child, in which nothing runs yet, gives it up itself.
Result<> leave_out(AddressSpace& child, Sleeper& sleeper) {
  using vma::Flags;
  for (base::UserVa position;;) {
    const auto area = next_marked(child, position, Flags::NotForked | Flags::WipedByFork);
    if (!area) return {};
    TRY(has(area->flags, Flags::NotForked) ? unmap(child, area->range, sleeper) : discard(child, area->range, sleeper));
    position = area->range.end;
  }
}

Result<Reference<AddressSpace>> fork_whole(AddressSpace& parent, Sleeper& sleeper) {
  Change change(parent, sleeper);
  TRY(change.begin());
  TRY(change.clear(every_page, excache::Unmapping::Keep));
  TRY(change.settle());
  const base::SpaceId id = TRY(fork_at_homes(parent));
  auto child = AddressSpace::create(parent.family(), parent.home(), id);
  if (!child) {
    destroy_at_homes(parent, id);
    return child;
  }
  // From here on the child ends like any space, at all owners that it knows: so it learns them first.
  while (!parent.cache().copy_owners(parent.space(), (*child)->space())) wait_before_retry();
  TRY(copy_knowledge(parent, **child));
  TRY(parent.cache().fork(parent.space(), (*child)->space()));
  return child;
}

}  // namespace

Result<Reference<AddressSpace>> fork_space(AddressSpace& parent, Sleeper& sleeper) {
  auto child = TRY(fork_whole(parent, sleeper));
  TRY(leave_out(*child, sleeper));
  return child;
}

}  // namespace processor
