// SPDX-License-Identifier: Apache-2.0
// vNodes, launches and vRegions as the managers serve them: see managers.h and net/messages/managers.h.
#include <cstring>

#include "gmm/managers.h"
#include "kernel/base/log.h"

namespace gmm {

namespace {
// Ids that one save allows to give out.
constexpr std::uint32_t reserved_at_once = 1024;
}  // namespace

Managers::Managers(const membership::RackKey& key, base::EventLoop& loop, membership::Entropy& entropy,
                   WallClock& wall_clock, const Counters& restored, StateStore* store)
    : key_(key),
      loop_(loop),
      entropy_(entropy),
      wall_clock_(wall_clock),
      store_(store),
      counters_(restored),
      alarm_(*this) {
  nodes_.skip_ids_to(restored.nodes);
  vnodes_.skip_ids_to(restored.vnodes);
  launches_.skip_ids_to(restored.launches);
  ++counters_.epoch;
}

Result<> Managers::serve(rpc::Endpoint& endpoint, rpc::Server& server) {
  endpoint_ = &endpoint;
  if (store_ != nullptr) TRY(store_->save(counters_));
  server.handle<messages::JoinRequest, &Managers::join>(*this);
  server.handle<messages::JoinProveRequest, &Managers::join_prove>(*this);
  server.handle<messages::HeartbeatRequest, &Managers::heartbeat>(*this);
  server.handle<messages::NodeLookupRequest, &Managers::node_lookup>(*this);
  server.handle<messages::NodeListRequest, &Managers::node_list>(*this);
  server.handle<messages::LeaveRequest, &Managers::leave>(*this);
  server.handle<messages::VNodeCreateRequest, &Managers::vnode_create>(*this);
  server.handle<messages::VNodeDestroyRequest, &Managers::vnode_destroy>(*this);
  server.handle<messages::LaunchAssignRequest, &Managers::launch_assign>(*this);
  server.handle<messages::LaunchEndRequest, &Managers::launch_end>(*this);
  server.handle<messages::VRegionAssignRequest, &Managers::vregion_assign>(*this);
  server.handle<messages::VRegionReleaseRequest, &Managers::vregion_release>(*this);
  return endpoint.serve(server, messages::managers_port);
}

// Before an id is given out it must be covered by what is saved.
Result<> Managers::reserve_ids() {
  Counters wanted = counters_;
  if (nodes_.last_id() >= wanted.nodes) wanted.nodes = nodes_.last_id() + reserved_at_once;
  if (vnodes_.last_id() + max_vnodes >= wanted.vnodes)
    wanted.vnodes = vnodes_.last_id() + max_vnodes + reserved_at_once;
  if (launches_.last_id() >= wanted.launches) wanted.launches = launches_.last_id() + reserved_at_once;
  if (wanted.nodes == counters_.nodes && wanted.vnodes == counters_.vnodes && wanted.launches == counters_.launches) {
    return {};
  }
  if (store_ != nullptr) TRY(store_->save(wanted));
  counters_ = wanted;
  return {};
}

// Components may ask for what their kind has to do with; net/rpc lets nobody in who has not joined.
Error Managers::check(const rpc::PeerInfo& peer, messages::Operation operation, base::VNodeId) {
  using messages::Operation;
  switch (operation) {
    case Operation::VRegionAssign:
    case Operation::VRegionRelease:
      return peer.kind == messages::ComponentKind::Memory ? Error::None : Error::AccessDenied;
    case Operation::VNodeCreate:
    case Operation::VNodeDestroy:
    case Operation::LaunchAssign:
    case Operation::LaunchEnd:
      return peer.kind == messages::ComponentKind::Client ? Error::None : Error::AccessDenied;
    default:
      return Error::None;
  }
}

base::Task<> Managers::vnode_create(rpc::ServerCall& call, messages::VNodeCreateRequest request) {
  CO_TRY_VOID(reserve_ids());
  CO_TRY(const VNode* vnode, vnodes_.create(request.hostname, call.peer().node, nodes_, base::NodeId(request.storage)));
  base::log_info("gmm", "vNode {}: home mComponent {}, sComponent {}", vnode->id, vnode->home_memory, vnode->storage);
  messages::VNodeCreateReply reply;
  reply.vnode = vnode->id.value();
  reply.home_memory = vnode->home_memory.value();
  reply.storage = vnode->storage.value();
  reply.ip = vnode->ip;
  co_return call.reply(reply);
}

base::Task<> Managers::vnode_destroy(rpc::ServerCall& call, messages::VNodeDestroyRequest request) {
  const base::VNodeId id(request.vnode);
  const VNode* vnode = vnodes_.find(id);
  if (vnode == nullptr) co_return base::fail(Error::NotFound);
  if (vnode->owner != call.peer().node) co_return base::fail(Error::AccessDenied);
  launches_.vnode_gone(id);
  CO_TRY_VOID(vnodes_.destroy(id));
  co_return call.reply(messages::EmptyReply{});
}

base::Task<> Managers::launch_assign(rpc::ServerCall& call, messages::LaunchAssignRequest request) {
  const VNode* vnode = vnodes_.find(base::VNodeId(request.vnode));
  if (vnode == nullptr) co_return base::fail(Error::NotFound);
  CO_TRY_VOID(reserve_ids());
  CO_TRY(const Launch* launch, launches_.assign(vnode->id, call.peer().node, nodes_));
  const Node* processor = nodes_.find(launch->processor);
  messages::LaunchAssignReply reply;
  reply.launch = launch->id.value();
  reply.processor = processor->id.value();
  reply.processor_ip = processor->ip;
  reply.processor_boot_id = processor->boot_id.value();
  co_return call.reply(reply);
}

base::Task<> Managers::launch_end(rpc::ServerCall& call, messages::LaunchEndRequest request) {
  const Launch* launch = launches_.find(base::LaunchId(request.launch));
  if (launch == nullptr) co_return base::fail(Error::NotFound);
  if (launch->client != call.peer().node) co_return base::fail(Error::AccessDenied);
  CO_TRY_VOID(launches_.end(launch->id));
  co_return call.reply(messages::EmptyReply{});
}

base::Task<> Managers::vregion_assign(rpc::ServerCall& call, messages::VRegionAssignRequest request) {
  const std::uint32_t count = request.count;
  if (count > max_vregions_per_request || call.tail().size() != count * sizeof(messages::le64)) {
    co_return base::fail(Error::Malformed);
  }
  const SpaceName space{call.peer().node, base::SpaceId(request.space)};
  std::array<messages::VRegionOwner, max_vregions_per_request> owners;
  for (std::uint32_t i = 0; i < count; ++i) {
    messages::le64 index;
    std::memcpy(static_cast<void*>(&index), call.tail().data() + i * sizeof(index), sizeof(index));
    if (index >= std::uint64_t{1} << (47 - base::vregion_shift)) co_return base::fail(Error::InvalidArgument);
    CO_TRY(const Node* owner, vregions_.assign(space, base::VRegionIndex(index), nodes_));
    owners[i].index = index.get();
    owners[i].node = owner->id.value();
    owners[i].ip = owner->ip;
    owners[i].boot_id = owner->boot_id.value();
  }
  messages::VRegionAssignReply reply;
  reply.count = count;
  co_return call.reply(reply, std::as_bytes(std::span(owners).first(count)));
}

base::Task<> Managers::vregion_release(rpc::ServerCall& call, messages::VRegionReleaseRequest request) {
  vregions_.release({call.peer().node, base::SpaceId(request.space)});
  co_return call.reply(messages::EmptyReply{});
}

void Managers::report(rpc::CounterSink& sink) {
  std::uint64_t alive = 0;
  for (const Node& node : nodes_.all()) alive += node.alive() ? 1 : 0;
  sink.counter("nodes.alive", alive);
  sink.counter("nodes.deaths", deaths_);
  sink.counter("nodes.refused", refused_joins_);
  sink.counter("vnodes", vnodes_.count());
  sink.counter("launches", launches_.count());
  sink.counter("vregions", vregions_.count());
}

}  // namespace gmm
