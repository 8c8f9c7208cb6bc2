// SPDX-License-Identifier: Apache-2.0
// mmap, munmap, mprotect, brk, MADV_DONTNEED and growing stacks: the pages are taken out of use, the home (and other
// owners) told, then the copy of the VMAs changed.
#include <algorithm>
#include <optional>

#include "processor/monitor_core.h"

namespace processor {
namespace {

using base::Error;
using base::Result;
using base::UserVa;
using messages::MapFlags;
using vma::Range;

constexpr std::uint64_t most_stack_growth_bytes = std::uint64_t{1} << 20;  // at once

constexpr std::uint32_t bit(MapFlags flag) { return static_cast<std::uint32_t>(flag); }

std::uint32_t flags_of(const MapRequest& request) {
  std::uint32_t flags = static_cast<std::uint32_t>(request.flags) & vma::kept_flags;
  switch (request.placement) {
    case vma::Placement::Anywhere:
      break;
    case vma::Placement::Low32Bit:
      flags |= bit(MapFlags::Low32Bit);
      break;
    case vma::Placement::Fixed:
      flags |= bit(MapFlags::Fixed);
      break;
    case vma::Placement::FixedNoReplace:
      flags |= bit(MapFlags::FixedNoReplace);
      break;
  }
  return request.reserve ? flags : flags | bit(MapFlags::NoReserve);
}

// Writable memory of more bytes than this may be more than the rack has, which only the home can tell.
constexpr std::uint64_t most_unasked_bytes = std::uint64_t{8} << 20;

messages::SpaceChange told(messages::ChangeKind kind, Range range, vma::Protection protection = {}) {
  messages::SpaceChange change;
  change.address = range.start.value();
  change.bytes = range.bytes();
  change.kind = static_cast<std::uint32_t>(kind);
  change.protection = static_cast<std::uint32_t>(protection);
  return change;
}

vma::Flags local_flags_of(const MapRequest& request) {
  return request.flags & static_cast<vma::Flags>(vma::local_flags);
}

bool is_plain(const vma::Vma& area) { return !area.object && !area.shared(); }

// Whether nothing but private memory without a file is mapped there: what is forgotten then concerns nobody else.
bool holds_plain_memory(const vma::VmaSet& vmas, Range range) {
  for (const vma::Vma* area = vmas.find_from(range.start); area != nullptr && area->range.start < range.end;
       area = vmas.next(*area))
    if (!is_plain(*area)) return false;
  return true;
}

// Maps where the home would, without asking it; nothing: it has to be asked. With `change` begun and, if the range
// replaces something, cleared.
std::optional<Result<UserVa>> map_unasked(AddressSpace& space, Change& change, const MapRequest& request) {
  const bool writable = vma::has(request.protection, vma::Protection::Write);
  if (request.object != nullptr || request.flags != local_flags_of(request) || change.homes_have_pages() ||
      (writable && request.reserve && request.bytes > most_unasked_bytes))
    return {};
  const vma::VmaSet& vmas = space.space().vmas;  // nobody else changes them now
  const auto place =
      vmas.place(UserVa(base::round_down(request.address.value(), base::page_bytes)), request.bytes, request.placement);
  if (!place || !messages::user_range(place->value(), request.bytes)) return {};
  const Range range = Range::of(*place, request.bytes);
  if (!holds_plain_memory(vmas, range)) return {};
  if (request.protection != vma::Protection::None && !space.has_owners(range)) return {};
  const auto done =
      change.log(told(messages::ChangeKind::Map, range, request.protection), range, [&](vma::VmaSet& changed) {
        return changed.map({.range = range, .protection = request.protection, .flags = request.flags});
      });
  if (!done) return base::fail(done.error());
  if (request.placement == vma::Placement::Fixed) change.forget(range);
  return range.start;
}

// With `change` begun and, if the range replaces something, cleared.
Result<UserVa> map_cleared(AddressSpace& space, Change& change, const MapRequest& request) {
  messages::SpaceMapRequest message;
  message.space = space.id().value();
  message.address = base::round_down(request.address.value(), base::page_bytes);
  message.bytes = request.bytes;
  message.object = request.object != nullptr ? request.object->id().value() : 0;
  message.object_offset = request.object_offset;
  message.protection = static_cast<std::uint32_t>(request.protection);
  message.flags = flags_of(request);
  if (!message.validate()) return base::fail(Error::InvalidArgument);
  if (!space.space().vmas.has_room_for(2)) return base::fail(Error::NoMemory);
  if (request.object != nullptr) TRY(space.hold(*request.object));
  auto answer = change.ask_home(message);
  if (!answer) {
    space.drop_unused_objects();
    return base::fail(answer.error());
  }
  const auto range = checked_range(UserVa(answer->body.address), request.bytes);
  if (!range || !space.learn_owners(answer->reply.tail())) {
    space.set_lost();
    return base::fail(Error::Malformed);
  }
  answer->reply = {};
  change.apply([&](vma::VmaSet& vmas) {
    return vmas.map({.range = *range,
                     .object = request.object != nullptr ? request.object->id() : base::ObjectId(),
                     .object_offset = request.object_offset,
                     .protection = request.protection,
                     .flags = request.flags & static_cast<vma::Flags>(vma::kept_flags | vma::local_flags)});
  });
  if (request.placement == vma::Placement::Fixed) {
    change.forget(*range);
    space.drop_unused_objects();
  }
  return range->start;
}

Result<> discard_now(AddressSpace& space, Change& change, Range range) {
  TRY(change.clear(range));
  if (change.homes_have_pages()) {
    messages::SpaceDiscardRequest request;
    request.space = space.id().value();
    request.address = range.start.value();
    request.bytes = range.bytes();
    TRY(change.settle());
    TRY(insist(space.home(), request));
  }
  change.forget(range);
  return {};
}

// The pages from `first_page` of the object on, in the first private mapping of it that ends above `position`.
std::optional<Range> private_mapping(const vma::VmaSet& vmas, UserVa position, base::ObjectId object,
                                     std::uint64_t first_page) {
  for (const vma::Vma* vma = vmas.find_from(position); vma != nullptr; vma = vmas.next(*vma)) {
    if (vma->object != object || vma->shared()) continue;
    const std::uint64_t mapped_first = vma->object_offset / base::page_bytes;
    const std::uint64_t skipped = first_page > mapped_first ? first_page - mapped_first : 0;
    if (skipped < vma->range.pages()) return Range{vma->range.start + skipped * base::page_bytes, vma->range.end};
  }
  return {};
}

}  // namespace

Result<UserVa> map(AddressSpace& space, const MapRequest& request, Sleeper& sleeper) {
  Change change(space, sleeper);
  TRY(change.begin());
  if (request.placement == vma::Placement::Fixed) {
    const Range replaced = TRY(checked_range(request.address, request.bytes));
    TRY(change.clear(replaced));
  }
  if (const auto mapped = map_unasked(space, change, request)) return *mapped;
  return map_cleared(space, change, request);
}

Result<> unmap(AddressSpace& space, Range range, Sleeper& sleeper) {
  TRY(checked_range(range.start, range.bytes()));
  Change change(space, sleeper);
  TRY(change.begin());
  TRY(change.clear(range));
  const auto unmapped = [&](vma::VmaSet& vmas) { return vmas.unmap(range); };
  if (!change.homes_have_pages() && holds_plain_memory(space.space().vmas, range)) {
    TRY(change.log(told(messages::ChangeKind::Unmap, range), {}, unmapped));
    change.forget(range);
    return {};
  }
  if (!space.space().vmas.may_unmap(range)) return base::fail(Error::NoMemory);
  messages::SpaceUnmapRequest request;
  request.space = space.id().value();
  request.address = range.start.value();
  request.bytes = range.bytes();
  TRY(change.ask_home(request));
  change.apply(unmapped);
  change.forget(range);
  space.drop_unused_objects();
  return {};
}

Result<> protect(AddressSpace& space, Range range, vma::Protection protection, Sleeper& sleeper) {
  TRY(checked_range(range.start, range.bytes()));
  Change change(space, sleeper);
  TRY(change.begin());
  const auto protect_range = [&](vma::VmaSet& vmas) { return vmas.protect(range, protection); };
  if (protection == vma::Protection::None || space.has_owners(range)) {
    TRY(change.log(told(messages::ChangeKind::Protect, range, protection), {}, protect_range));
    space.cache().apply_protection(space.space(), range);
    return {};
  }
  if (!space.space().vmas.has_room_for(2)) return base::fail(Error::NoMemory);
  messages::SpaceProtectRequest request;
  request.space = space.id().value();
  request.address = range.start.value();
  request.bytes = range.bytes();
  request.protection = static_cast<std::uint32_t>(protection);
  auto answer = TRY(change.ask_home(request));
  if (!space.learn_owners(answer.reply.tail())) {
    space.set_lost();
    return base::fail(Error::Malformed);
  }
  answer.reply = {};
  change.apply(protect_range);
  space.cache().apply_protection(space.space(), range);
  return {};
}

Range covered_part(AddressSpace& space, Range range) {
  const base::SpinGuard guard(space.space().lock);
  return space.space().vmas.covered_part(range);
}

Result<UserVa> set_break(AddressSpace& space, UserVa address, Sleeper& sleeper) {
  Change change(space, sleeper);
  TRY(change.begin());
  const vma::VmaSet& vmas = space.space().vmas;  // nobody else changes them now
  const UserVa before = vmas.current_break();
  if (address == UserVa(0) || address == before || !vmas.check_break(address)) return before;
  const Range pages = vmas.break_change(address);
  if (pages.bytes() == 0) {  // within a page: nothing that the home would have to know
    change.apply([&](vma::VmaSet& changed) { return changed.set_break(address); });
    return address;
  }
  const bool shrinks = address < before;
  if (shrinks) TRY(change.clear(pages));
  const auto move_break = [&](vma::VmaSet& changed) { return changed.set_break(address); };
  if (!change.homes_have_pages() && pages.bytes() <= most_unasked_bytes && space.has_owners(pages)) {
    const auto fresh = shrinks ? std::nullopt : std::optional(pages);
    if (!change.log(told(messages::ChangeKind::Break, {address, address}), fresh, move_break)) return before;
    if (shrinks) change.forget(pages);
    return address;
  }
  messages::SpaceBreakRequest request;
  request.space = space.id().value();
  request.address = address.value();
  auto answer = TRY(change.ask_home(request));
  if (answer.body.address != address.value()) return before;
  if (!space.learn_owners(answer.reply.tail())) {
    space.set_lost();
    return before;
  }
  answer.reply = {};
  change.apply(move_break);
  if (shrinks) change.forget(pages);
  return address;
}

Result<> discard(AddressSpace& space, Range range, Sleeper& sleeper) {
  TRY(checked_range(range.start, range.bytes()));
  Change change(space, sleeper);
  TRY(change.begin());
  const bool covered = space.space().vmas.is_covered(range);
  TRY(discard_now(space, change, range));
  return covered ? Result<>() : base::fail(Error::NoMemory);
}

Result<> mark(AddressSpace& space, Range range, vma::Flags set, vma::Flags cleared, Sleeper& sleeper) {
  TRY(checked_range(range.start, range.bytes()));
  Change change(space, sleeper);
  TRY(change.begin());
  const base::SpinGuard guard(space.space().lock);
  return space.space().vmas.mark(range, set, cleared);
}

Result<> grow_stack(AddressSpace& space, UserVa address, Sleeper& sleeper) {
  Change change(space, sleeper);
  TRY(change.begin());
  std::uint64_t limit = 0;
  {
    const base::SpinGuard guard(space.space().lock);
    limit = space.space().stack_limit;
  }
  if (space.space().vmas.find(address) != nullptr) return {};  // another thread was faster
  auto growth = space.space().vmas.stack_growth(address, limit);
  if (!growth) return base::fail(Error::NotFound);
  // Each growth is a message to the home: deep recursion grows by as much as there is, not page by page.
  const std::uint64_t more = std::min(growth->stack->range.bytes(), most_stack_growth_bytes);
  if (growth->added.start.value() > more) {
    if (const auto larger = space.space().vmas.stack_growth(growth->added.start - more, limit)) growth = larger;
  }
  TRY(map_cleared(space, change,
                  {.address = growth->added.start,
                   .bytes = growth->added.bytes(),
                   .placement = vma::Placement::FixedNoReplace,
                   .protection = growth->stack->protection,
                   .flags = growth->stack->flags}));
  return {};
}

void discard_private_copies(AddressSpace& space, base::ObjectId object, std::uint64_t first_page, Sleeper& sleeper) {
  for (UserVa position;;) {
    {
      // Spaces that do not map the object are not waited for.
      const base::SpinGuard guard(space.space().lock);
      if (!private_mapping(space.space().vmas, position, object, first_page)) return;
    }
    Change change(space, sleeper);
    if (!change.begin()) return;
    const auto range = private_mapping(space.space().vmas, position, object, first_page);
    if (!range || !discard_now(space, change, *range)) return;
    position = range->end;
  }
}

}  // namespace processor
