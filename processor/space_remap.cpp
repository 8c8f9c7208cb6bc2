// SPDX-License-Identifier: Apache-2.0
// mremap. This side chooses the place (both sides hold the same VMAs, but layouts differ), so that the pages at the old
// and at the new place can be taken out of use before the home is asked. Pages never change their owner: a move into a
// vRegion of another owner is refused, as if there were no room.
#include <algorithm>

#include "processor/monitor_core.h"

namespace processor {
namespace {

using base::Error;
using base::Result;
using base::UserVa;
using vma::Range;

constexpr std::uint32_t bit(messages::RemapFlags flag) { return static_cast<std::uint32_t>(flag); }

// The home assigns owners to the vRegions of the range, by mapping something there for a moment.
Result<> learn_owners_of(AddressSpace& space, Change& change, Range range) {
  bool all_known = true;
  for (std::uint64_t at = base::round_down(range.start.value(), base::vregion_bytes); at < range.end.value();
       at += base::vregion_bytes)
    all_known = all_known && space.cache().owner(space.space(), UserVa(at)) != nullptr;
  if (all_known || !space.space().vmas.is_free(range)) return {};
  messages::SpaceMapRequest map;
  map.space = space.id().value();
  map.address = range.start.value();
  map.bytes = range.bytes();
  map.protection = static_cast<std::uint32_t>(vma::Protection::Read);
  map.flags = static_cast<std::uint32_t>(messages::MapFlags::FixedNoReplace);
  auto answer = TRY(change.ask_home(map));
  const auto learnt = space.learn_owners(answer.reply.tail());
  answer.reply = {};
  messages::SpaceUnmapRequest unmap;
  unmap.space = map.space;
  unmap.address = map.address;
  unmap.bytes = map.bytes;
  if (!change.ask_home(unmap)) space.set_lost();
  return learnt;
}

// Whether all pages of both ranges have one owner; it is returned.
Result<excache::Home*> common_owner(AddressSpace& space, Range old_range, Range new_range) {
  excache::Home* owner = nullptr;
  for (const Range range : {old_range, new_range}) {
    for (std::uint64_t at = base::round_down(range.start.value(), base::vregion_bytes); at < range.end.value();
         at += base::vregion_bytes) {
      TRY(space.provide_owner(UserVa(at)));
      excache::Home* found = space.cache().owner(space.space(), UserVa(at));
      if (owner != nullptr && found != owner) return base::fail(Error::NoMemory);
      owner = found;
    }
  }
  return owner;
}

messages::SpaceRemapRequest request_for(AddressSpace& space, Range old_range, Range new_range, vma::RemapMode mode) {
  messages::SpaceRemapRequest request;
  request.space = space.id().value();
  request.old_address = old_range.start.value();
  request.old_bytes = old_range.bytes();
  request.new_address = new_range.start.value();
  request.new_bytes = new_range.bytes();
  std::uint32_t flags = mode.keep_old ? bit(messages::RemapFlags::DontUnmap) : 0;
  if (new_range.start != old_range.start)
    flags |= bit(messages::RemapFlags::MayMove) | bit(messages::RemapFlags::Fixed);
  request.flags = flags;
  return request;
}

// The home has confirmed.
Result<UserVa> finish(AddressSpace& space, Change& change, Answer<messages::SpaceMapReply>& answer, Range old_range,
                      Range new_range, vma::RemapMode mode) {
  if (answer.body.address != new_range.start.value() || !space.learn_owners(answer.reply.tail())) {
    space.set_lost();
    return base::fail(Error::NoMemory);
  }
  answer.reply = {};
  change.apply([&](vma::VmaSet& vmas) { return vmas.remap(old_range, new_range.start, new_range.bytes(), mode); });
  return new_range.start;
}

Result<UserVa> resize_in_place(AddressSpace& space, Change& change, Range old_range, Range new_range,
                               vma::RemapMode mode) {
  const Range lost{std::min(new_range.end, old_range.end), old_range.end};
  if (lost.bytes() > 0) TRY(change.clear(lost));
  auto answer = TRY(change.ask_home(request_for(space, old_range, new_range, mode)));
  const UserVa result = TRY(finish(space, change, answer, old_range, new_range, mode));
  if (lost.bytes() > 0) change.forget(lost);
  return result;
}

Result<UserVa> move(AddressSpace& space, Change& change, Range old_range, Range new_range, vma::RemapMode mode) {
  excache::ExCache& cache = space.cache();
  const Range kept{old_range.start, old_range.start + std::min(old_range.bytes(), new_range.bytes())};
  if (kept.bytes() > 0) TRY(change.clear(old_range));
  TRY(change.clear(new_range));
  TRY(learn_owners_of(space, change, new_range));
  auto* owner = static_cast<MemoryHome*>(TRY(common_owner(space, kept.bytes() > 0 ? old_range : new_range, new_range)));
  TRY(cache.prepare_move(space.space(), kept, new_range.start));
  auto answer = TRY(change.ask_home(request_for(space, old_range, new_range, mode)));
  const UserVa result = TRY(finish(space, change, answer, old_range, new_range, mode));
  change.forget(new_range);
  if (kept.bytes() == 0) return result;
  if (owner != &space.home() && change.homes_have_pages()) {
    messages::SpacePageMoveRequest request;
    request.space = space.id().value();
    request.from_address = kept.start.value();
    request.to_address = new_range.start.value();
    request.bytes = kept.bytes();
    if (!insist(*owner, request)) space.set_lost();
  }
  cache.move(space.space(), kept, new_range.start);
  if (kept.end < old_range.end) change.forget({kept.end, old_range.end});
  return result;
}

}  // namespace

Result<UserVa> remap(AddressSpace& space, Range old_range, UserVa new_address, std::uint64_t new_bytes,
                     vma::RemapMode mode, Sleeper& sleeper) {
  if (!messages::page_aligned(old_range.start.value()) || old_range.end < old_range.start ||
      old_range.end > every_page.end)
    return base::fail(Error::InvalidArgument);
  if (mode.fixed) TRY(checked_range(new_address, new_bytes));
  Change change(space, sleeper);
  TRY(change.begin());
  if (!space.space().vmas.has_room_for(3)) return base::fail(Error::NoMemory);
  const UserVa place = TRY(space.space().vmas.place_remap(old_range, new_address, new_bytes, mode));
  const Range new_range = TRY(checked_range(place, new_bytes));
  const auto result = place == old_range.start && !mode.keep_old
                          ? resize_in_place(space, change, old_range, new_range, mode)
                          : move(space, change, old_range, new_range, mode);
  space.drop_unused_objects();
  return result;
}

}  // namespace processor
