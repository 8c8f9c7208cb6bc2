// SPDX-License-Identifier: Apache-2.0
// Address spaces: see space_service.h.
#include "memory/service/space_service.h"

#include "kernel/base/log.h"
#include "net/messages/managers.h"

namespace memory {
namespace {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;
using base::UserVa;
using messages::MapFlags;
using vma::Range;

// VRegions that one message can name; a larger mapping without owners stays at the home.
constexpr std::size_t max_assigned_vregions = 256;

bool has(std::uint32_t flags, MapFlags flag) { return (flags & static_cast<std::uint32_t>(flag)) != 0; }

vma::Placement placement_of(std::uint32_t flags) {
  if (has(flags, MapFlags::FixedNoReplace)) return vma::Placement::FixedNoReplace;
  if (has(flags, MapFlags::Fixed)) return vma::Placement::Fixed;
  return has(flags, MapFlags::Low32Bit) ? vma::Placement::Low32Bit : vma::Placement::Anywhere;
}

vma::RemapMode remap_mode(std::uint32_t flags) {
  const auto on = [flags](messages::RemapFlags flag) { return (flags & static_cast<std::uint32_t>(flag)) != 0; };
  return {.may_move = on(messages::RemapFlags::MayMove),
          .fixed = on(messages::RemapFlags::Fixed),
          .keep_old = on(messages::RemapFlags::DontUnmap)};
}

}  // namespace

void SpaceService::serve(rpc::Server& server) {
  server.handle<messages::SpaceCreateRequest, &SpaceService::create>(*this);
  server.handle<messages::SpaceForkRequest, &SpaceService::fork>(*this);
  server.handle<messages::SpaceDestroyRequest, &SpaceService::destroy>(*this);
  server.handle<messages::SpaceMapRequest, &SpaceService::map>(*this);
  server.handle<messages::SpaceUnmapRequest, &SpaceService::unmap>(*this);
  server.handle<messages::SpaceProtectRequest, &SpaceService::protect>(*this);
  server.handle<messages::SpaceRemapRequest, &SpaceService::remap>(*this);
  server.handle<messages::SpaceBreakRequest, &SpaceService::set_break>(*this);
  server.handle<messages::SpaceDiscardRequest, &SpaceService::discard>(*this);
  server.handle<messages::SpacePageMoveRequest, &SpaceService::move_pages>(*this);
  server.handle<messages::SpaceChangesRequest, &SpaceService::apply_changes>(*this);
}

Result<Space*> SpaceService::find_home(std::uint64_t id, base::VNodeId vnode) {
  Space* space = TRY(context_.find_space(id, vnode));
  if (space->role() != SpaceRole::Home) return base::fail(Error::NotPermitted);
  return space;
}

Task<> SpaceService::create(rpc::ServerCall& call, messages::SpaceCreateRequest) {
  context_.note_processor(call.peer().node);
  auto space = base::make<Space>(context_.holders.new_id(), call.vnode(), SpaceRole::Home, context_.frames);
  if (!space) co_return base::fail(Error::NoMemory);
  space->processor = call.peer().node;
  messages::SpaceCreateReply reply;
  reply.space = context_.holders.add(std::move(space)).id();
  co_return call.reply(reply);
}

Task<> SpaceService::fork(rpc::ServerCall& call, messages::SpaceForkRequest request) {
  const bool home = request.child == 0;
  auto parent = context_.find_space(request.parent, call.vnode());
  // An owner that never got a page of the parent has nothing to share.
  if (!parent && (home || context_.is_own(request.parent))) co_return base::fail(parent.error());
  if (!home && !context_.may_adopt(request.child)) co_return base::fail(Error::Exists);
  const std::uint64_t id = home ? context_.holders.new_id() : request.child.get();
  auto child = base::make<Space>(id, call.vnode(), home ? SpaceRole::Home : SpaceRole::Owner, context_.frames);
  if (!child) co_return base::fail(Error::NoMemory);
  child->processor = call.peer().node;
  if (parent) CO_TRY_VOID((*parent)->fork_into(*child));
  context_.holders.add(std::move(child));
  messages::SpaceForkReply reply;
  reply.child = id;
  co_return call.reply(reply);
}

Task<> SpaceService::destroy(rpc::ServerCall& call, messages::SpaceDestroyRequest request) {
  const auto found = context_.find_space(request.space, call.vnode());
  if (!found && !context_.is_own(request.space)) co_return call.reply(messages::EmptyReply{});
  if (!found) co_return base::fail(found.error());
  CO_TRY(const bool assigned, end_space(**found));
  if (assigned) CO_TRY_VOID(co_await release_vregions(request.space, call.vnode()));
  co_return call.reply(messages::EmptyReply{});
}

Result<bool> SpaceService::end_space(Space& space) {
  const bool assigned = space.role() == SpaceRole::Home && !space.owners().empty();
  base::Array<std::uint64_t> objects;
  TRY(context_.objects.mapped_in(space, {UserVa(0), space.vmas.layout().end}, objects));
  context_.holders.remove(space);
  context_.objects.unmapped(objects.span());
  return assigned;
}

Task<> SpaceService::release_vregions(std::uint64_t space, base::VNodeId vnode) {
  CO_TRY(rpc::Peer * managers, context_.endpoint.peer(context_.managers));
  messages::VRegionReleaseRequest release;
  release.space = space;
  CO_TRY_VOID(co_await rpc::call(context_.loop, *managers, release, {.vnode = vnode}));
  co_return {};
}

Task<> SpaceService::processor_died(base::NodeId processor) {
  std::uint64_t ended = 0;
  std::uint64_t id = 0;
  for (PageHolder* holder = context_.holders.at_or_after(0); holder != nullptr; holder = context_.holders.after(id)) {
    id = holder->id();
    const base::VNodeId vnode = holder->vnode();
    if (holder->processor != processor) continue;
    const HolderKind kind = holder->kind();
    if (kind == HolderKind::AnonymousObject) context_.objects.release(*holder);  // which may end it
    if (kind != HolderKind::Space) continue;
    const Result<bool> assigned = end_space(static_cast<Space&>(*holder));
    if (!assigned) {
      base::log_warning("memory", "a space of node {} stays: {}", processor, assigned.error());
      continue;
    }
    ++ended;
    if (!*assigned) continue;
    const Result<> released = co_await release_vregions(id, vnode);
    if (!released) base::log_warning("memory", "vRegions stay assigned: {}", released.error());
  }
  if (ended > 0) base::log_info("memory", "{} spaces of node {} ended with it", ended, processor);
  co_return {};
}

// A rack that seems too small may have grown since the managers were heard.
Task<> SpaceService::check_room(std::uint64_t bytes) {
  if (bytes <= rack_memory_bytes_) co_return {};
  if (context_.rack != nullptr) (void)co_await context_.rack->refresh();
  if (bytes > rack_memory_bytes_) co_return base::fail(Error::NoMemory);
  co_return {};
}

Task<> SpaceService::assign_owners(std::uint64_t space_id, base::VNodeId vnode, std::uint64_t address,
                                   std::uint64_t bytes) {
  base::Array<std::uint64_t> missing;
  {
    CO_TRY(const Space* space, find_home(space_id, vnode));
    CO_TRY_VOID(space->unowned_vregions(address, bytes, max_assigned_vregions, missing));
  }
  if (missing.empty()) co_return {};
  CO_TRY(rpc::Peer * managers, context_.endpoint.peer(context_.managers));
  base::Array<messages::le64> indices;
  for (const std::uint64_t index : missing) CO_TRY_VOID(indices.push_back(index));
  messages::VRegionAssignRequest request;
  request.vnode = vnode.value();
  request.space = space_id;
  request.count = static_cast<std::uint32_t>(indices.size());
  CO_TRY(const auto reply, co_await rpc::call(context_.loop, *managers, request,
                                              {.copied_tail = std::as_bytes(indices.span()), .vnode = vnode}));
  const auto tail = reply.tail();
  if (reply.body.count != indices.size() || tail.size() != indices.size() * sizeof(messages::VRegionOwner))
    co_return base::fail(Error::Malformed);
  CO_TRY(Space * space, find_home(space_id, vnode));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    messages::VRegionOwner owner;
    std::memcpy(&owner, tail.data() + i * sizeof owner, sizeof owner);
    if (space->owner_of(owner.index) != nullptr) continue;
    CO_TRY_VOID(space->add_owner(owner));
  }
  co_return {};
}

Result<> SpaceService::reply_mapped(rpc::ServerCall& call, const Space& space, UserVa address, Range range) {
  base::Array<messages::VRegionOwner> owners;
  const std::uint64_t first = range.start.value() >> base::vregion_shift, end = range.end.value();
  for (const auto& owner : space.owners())
    if (owner.index >= first && owner.index << base::vregion_shift < end) TRY(owners.push_back(owner));
  messages::SpaceMapReply reply;
  reply.address = address.value();
  reply.version = space.vmas.version();
  reply.owner_count = static_cast<std::uint32_t>(owners.size());
  return call.reply(reply, std::as_bytes(owners.span()));
}

Task<> SpaceService::map(rpc::ServerCall& call, messages::SpaceMapRequest request) {
  CO_TRY(Space * space, find_home(request.space, call.vnode()));
  const std::uint32_t flags = request.flags, protection = request.protection;
  const bool shared = has(flags, MapFlags::Shared);
  if (shared && request.object == 0) co_return base::fail(Error::InvalidArgument);
  if (!shared && (protection & 2) != 0 && !has(flags, MapFlags::NoReserve))
    CO_TRY_VOID(co_await check_room(request.bytes));
  CO_TRY(space, find_home(request.space, call.vnode()));
  CO_TRY(const UserVa address, space->vmas.place(UserVa(request.address), request.bytes, placement_of(flags)));
  const Range range = Range::of(address, request.bytes);
  if (protection != 0) CO_TRY_VOID(co_await assign_owners(request.space, call.vnode(), address.value(), request.bytes));
  CO_TRY(space, find_home(request.space, call.vnode()));
  if (request.object != 0) CO_TRY_VOID(context_.holders.find(request.object, call.vnode()));
  CO_TRY(const UserVa still, space->vmas.place(UserVa(request.address), request.bytes, placement_of(flags)));
  if (still != address) co_return base::fail(Error::Again);  // changes of a space came at the same time
  CO_TRY_VOID(map_now(*space, {.range = range,
                               .object = base::ObjectId(request.object),
                               .object_offset = request.object_offset,
                               .protection = static_cast<vma::Protection>(protection),
                               .flags = static_cast<vma::Flags>(flags & vma::kept_flags)}));
  co_return reply_mapped(call, *space, address, range);
}

// What was there is gone.
Result<> SpaceService::map_now(Space& space, const vma::Vma& area) {
  base::Array<std::uint64_t> replaced;
  TRY(context_.objects.mapped_in(space, area.range, replaced));
  TRY(space.vmas.map(area));
  space.discard(area.range);
  context_.objects.unmapped(replaced.span());
  return {};
}

Result<> SpaceService::unmap_now(Space& space, Range range) {
  base::Array<std::uint64_t> objects;
  TRY(context_.objects.mapped_in(space, range, objects));
  if (space.role() == SpaceRole::Home) TRY(space.vmas.unmap(range));
  space.discard(range);
  context_.objects.unmapped(objects.span());
  return {};
}

Result<> SpaceService::break_now(Space& space, UserVa address) {
  const UserVa before = space.vmas.current_break();
  const Range change = space.vmas.break_change(address);
  TRY(space.vmas.set_break(address));
  if (address < before) space.discard(change);
  return {};
}

Result<> SpaceService::apply_change(Space& space, const messages::SpaceChange& change) {
  const UserVa address(change.address);
  const auto protection = static_cast<vma::Protection>(change.protection.get());
  switch (static_cast<messages::ChangeKind>(change.kind.get())) {
    case messages::ChangeKind::Map:
      return map_now(space, {.range = Range::of(address, change.bytes), .protection = protection});
    case messages::ChangeKind::Unmap:
      return unmap_now(space, Range::of(address, change.bytes));
    case messages::ChangeKind::Protect:
      return space.vmas.protect(Range::of(address, change.bytes), protection);
    case messages::ChangeKind::Break:
      TRY(space.vmas.check_break(address));
      return break_now(space, address);
  }
  return base::fail(Error::Malformed);
}

// Nobody is asked for owners: who sends these knows them, or what the vRegion holds is the home's already.
Task<> SpaceService::apply_changes(rpc::ServerCall& call, messages::SpaceChangesRequest request) {
  CO_TRY(Space * space, find_home(request.space, call.vnode()));
  const auto tail = call.tail();
  if (tail.size() != request.count * sizeof(messages::SpaceChange)) co_return base::fail(Error::Malformed);
  messages::SpaceChangesReply reply;
  for (; reply.done < request.count; reply.done = reply.done + 1) {
    messages::SpaceChange change;
    std::memcpy(&change, tail.data() + reply.done * sizeof change, sizeof change);
    const Result<> done = change.validate() ? apply_change(*space, change) : base::fail(Error::Malformed);
    if (!done && reply.done == 0) co_return done;
    if (!done) break;
  }
  reply.version = space->vmas.version();
  co_return call.reply(reply);
}

Task<> SpaceService::unmap(rpc::ServerCall& call, messages::SpaceUnmapRequest request) {
  messages::SpaceVersionReply reply;
  const auto found = context_.find_space(request.space, call.vnode());
  if (!found && context_.is_own(request.space)) co_return base::fail(found.error());
  if (found) {
    Space& space = **found;
    const Range range = Range::of(UserVa(request.address), request.bytes);
    CO_TRY_VOID(unmap_now(space, range));
    reply.version = space.vmas.version();
  }
  co_return call.reply(reply);
}

Task<> SpaceService::protect(rpc::ServerCall& call, messages::SpaceProtectRequest request) {
  CO_TRY(Space * space, find_home(request.space, call.vnode()));
  const UserVa address(request.address);
  const Range range = Range::of(address, request.bytes);
  // What was reserved without access has no owners yet.
  if (request.protection != 0 && space->vmas.is_covered(range))
    CO_TRY_VOID(co_await assign_owners(request.space, call.vnode(), request.address, request.bytes));
  CO_TRY(space, find_home(request.space, call.vnode()));
  CO_TRY_VOID(space->vmas.protect(range, static_cast<vma::Protection>(request.protection.get())));
  co_return reply_mapped(call, *space, address, range);
}

Task<> SpaceService::remap(rpc::ServerCall& call, messages::SpaceRemapRequest request) {
  CO_TRY(Space * space, find_home(request.space, call.vnode()));
  const Range old_range = Range::of(UserVa(request.old_address), request.old_bytes);
  const vma::RemapMode mode = remap_mode(request.flags);
  CO_TRY(const UserVa address,
         space->vmas.place_remap(old_range, UserVa(request.new_address), request.new_bytes, mode));
  CO_TRY_VOID(co_await assign_owners(request.space, call.vnode(), address.value(), request.new_bytes));
  CO_TRY(space, find_home(request.space, call.vnode()));
  CO_TRY(const UserVa still, space->vmas.place_remap(old_range, UserVa(request.new_address), request.new_bytes, mode));
  if (still != address) co_return base::fail(Error::Again);  // changes of a space came at the same time
  base::Array<std::uint64_t> objects;
  CO_TRY_VOID(context_.objects.mapped_in(*space, old_range, objects));
  const std::uint64_t kept = std::min<std::uint64_t>(request.old_bytes, request.new_bytes);
  if (address != old_range.start && kept > 0) {
    // Pages of a private space go along; those beyond what is kept, and those that were at the new place, are gone.
    const std::uint64_t from = old_range.start.value() / page_bytes, to = address.value() / page_bytes;
    for (std::uint64_t page = space->pages.next(from); page < from + kept / page_bytes;
         page = space->pages.next(page + 1))
      CO_TRY_VOID(space->pages.prepare(to + (page - from)));
    CO_TRY_VOID(space->vmas.remap(old_range, address, request.new_bytes, mode));
    CO_TRY_VOID(space->pages.move_range(from, to, kept / page_bytes));
    space->discard({address + kept, address + request.new_bytes});
    space->discard(old_range);
  } else {
    CO_TRY_VOID(space->vmas.remap(old_range, address, request.new_bytes, mode));
    if (request.new_bytes < request.old_bytes) space->discard({old_range.start + request.new_bytes, old_range.end});
  }
  context_.objects.unmapped(objects.span());
  co_return reply_mapped(call, *space, address, Range::of(address, request.new_bytes));
}

Task<> SpaceService::set_break(rpc::ServerCall& call, messages::SpaceBreakRequest request) {
  CO_TRY(Space * space, find_home(request.space, call.vnode()));
  const UserVa wanted(request.address), before = space->vmas.current_break();
  const Range none{before, before};
  if (request.address == 0 || !space->vmas.check_break(wanted)) co_return reply_mapped(call, *space, before, none);
  const Range change = space->vmas.break_change(wanted);
  if (wanted > before && change.bytes() > 0) {
    const Result<> room = co_await check_room(change.bytes());
    if (room) CO_TRY_VOID(co_await assign_owners(request.space, call.vnode(), change.start.value(), change.bytes()));
    CO_TRY(space, find_home(request.space, call.vnode()));
    if (!room) co_return reply_mapped(call, *space, before, none);
    // Changes of a space came at the same time.
    if (space->vmas.current_break() != before || !space->vmas.check_break(wanted)) co_return base::fail(Error::Again);
  }
  CO_TRY_VOID(break_now(*space, wanted));
  co_return reply_mapped(call, *space, space->vmas.current_break(), change);
}

Task<> SpaceService::discard(rpc::ServerCall& call, messages::SpaceDiscardRequest request) {
  const auto space = context_.find_space(request.space, call.vnode());
  // An owner that never got a page has nothing to drop.
  if (!space && context_.is_own(request.space)) co_return base::fail(space.error());
  if (space) (*space)->discard(Range::of(UserVa(request.address), request.bytes));
  co_return call.reply(messages::EmptyReply{});
}

Task<> SpaceService::move_pages(rpc::ServerCall& call, messages::SpacePageMoveRequest request) {
  CO_TRY(Space * space, context_.find_space(request.space, call.vnode()));
  CO_TRY_VOID(space->pages.move_range(request.from_address / page_bytes, request.to_address / page_bytes,
                                      request.bytes / page_bytes));
  co_return call.reply(messages::EmptyReply{});
}

}  // namespace memory
