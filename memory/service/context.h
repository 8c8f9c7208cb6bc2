// SPDX-License-Identifier: Apache-2.0
// What the services of a memory monitor share. All run on one EventLoop.
#pragma once

#include <array>

#include "kernel/base/executor.h"
#include "memory/files/file_table.h"
#include "memory/files/page_cache.h"
#include "memory/frames/frame_store.h"
#include "memory/pages/page_holder.h"
#include "memory/pages/write_back.h"
#include "memory/service/file_volumes.h"
#include "memory/service/rpc_file_storage.h"
#include "memory/service/shared_objects.h"
#include "memory/space/space.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/server.h"

namespace memory {

// Told of each pComponent that begins to use this mComponent.
class ProcessorObserver {
 public:
  virtual void processor_seen(base::NodeId node) = 0;

 protected:
  ~ProcessorObserver() = default;
};

// Makes SpaceService's picture of the rack's memory up to date.
class RackRefresher {
 public:
  virtual base::Task<> refresh() = 0;

 protected:
  ~RackRefresher() = default;
};

struct Context final : HolderSource {
  Context(base::EventLoop& event_loop, rpc::Endpoint& rpc_endpoint, const rpc::RegisteredSlabs& slabs,
          rpc::NodeAddress managers_address)
      : loop(event_loop),
        endpoint(rpc_endpoint),
        managers(managers_address),
        holders(first_holder_id(base::NodeId(0))),
        storage(loop, slabs),
        cache(loop, frames, holders, storage),
        files(loop, frames, holders, cache),
        write_back(frames, holders, cache, *this),
        objects(holders) {}

  base::EventLoop& loop;
  rpc::Endpoint& endpoint;
  rpc::NodeAddress managers;
  base::NodeId node;
  FrameStore frames;
  PageHolders holders;
  RpcFileStorage storage;
  PageCache cache;
  FileVolumes volumes;  // outlive their files
  FileTable files;
  WriteBack write_back;
  SharedObjects objects;
  ProcessorObserver* processors = nullptr;
  RackRefresher* rack = nullptr;
  base::NodeId writer;  // whose pages are being applied
  base::Array<base::NodeId> seen_processors;

  // Stale: no such space. NotPermitted: of another vNode, or not a space.
  base::Result<Space*> find_space(std::uint64_t id, base::VNodeId vnode) {
    PageHolder* holder = TRY(holders.find(id, vnode));
    if (holder->kind() != HolderKind::Space) return base::fail(base::Error::NotPermitted);
    return static_cast<Space*>(holder);
  }

  // Ids carry the node that gave them (which is never reused), so that they never collide in a rack.
  static constexpr unsigned holder_node_shift = 40;
  static constexpr std::uint64_t first_holder_id(base::NodeId node) {
    return (std::uint64_t{node.value()} << holder_node_shift) + 1;
  }
  // Without memory to remember it, it is told again: the reserve only grows too large.
  void note_processor(base::NodeId processor) {
    for (const base::NodeId seen : seen_processors)
      if (seen == processor) return;
    if (seen_processors.push_back(processor) && processors != nullptr) processors->processor_seen(processor);
  }
  void forget_processor(base::NodeId processor) {
    for (std::size_t i = 0; i < seen_processors.size(); ++i)
      if (seen_processors[i] == processor) return seen_processors.erase(i);
  }
  void set_node(base::NodeId own_node) {
    node = own_node;
    holders.start_ids_at(first_holder_id(own_node));
  }
  bool is_own(std::uint64_t id) const { return id >> holder_node_shift == node.value(); }
  // A space of another mComponent that has nothing here yet. Our own ids are given out by us alone.
  bool may_adopt(std::uint64_t id) {
    const PageHolder* holder = holders.at_or_after(id);
    return !is_own(id) && id >> holder_node_shift != 0 && (holder == nullptr || holder->id() != id);
  }
  // HolderSource: spaces whose home is another mComponent.
  base::Result<PageHolder*> adopt(std::uint64_t id, base::VNodeId vnode) override {
    if (!may_adopt(id)) return base::fail(base::Error::Stale);
    auto space = TRY(base::try_make<Space>(id, vnode, SpaceRole::Owner, frames));
    space->processor = writer;
    return &holders.add(std::move(space));
  }
};

}  // namespace memory
