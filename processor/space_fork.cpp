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

// too_few_tags: that is why it failed, if it did.
Result<Reference<AddressSpace>> fork_whole(AddressSpace& parent, bool& too_few_tags, Sleeper& sleeper) {
  too_few_tags = false;
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
  if (!parent.cache().fork(parent.space(), (*child)->space())) {
    too_few_tags = true;
    return base::fail(Error::NoMemory);
  }
  return child;
}

// Those of spaces that are ending come first; then lines go home that many share, the parent's perhaps.
Result<> provide_tags(AddressSpace& parent, Sleeper& sleeper) {
  settle_endings(parent.family(), sleeper);
  excache::ExCache& cache = parent.cache();
  while (cache.provide_tags(cache.mapped_pages(parent.space()).now, sleeper) == excache::Progress::Wait) {
    if (sleeper.sleep()) continue;
    cache.cancel_wait(sleeper);
    return base::fail(Error::Interrupted);
  }
  return {};
}

}  // namespace

Result<Reference<AddressSpace>> fork_space(AddressSpace& parent, Sleeper& sleeper) {
  constexpr unsigned most_attempts = 8;  // others may be faster
  bool too_few_tags = false;
  auto made = fork_whole(parent, too_few_tags, sleeper);
  for (unsigned attempt = 1; !made && too_few_tags && attempt < most_attempts; ++attempt) {
    TRY(provide_tags(parent, sleeper));
    made = fork_whole(parent, too_few_tags, sleeper);
  }
  auto child = TRY(std::move(made));
  TRY(leave_out(*child, sleeper));
  return child;
}

}  // namespace processor
