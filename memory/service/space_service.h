// SPDX-License-Identifier: Apache-2.0
// Address spaces: SpaceCreate, SpaceFork, SpaceDestroy, SpaceMap, SpaceUnmap, SpaceProtect, SpaceRemap, SpaceBreak,
// SpaceDiscard, SpacePageMove, SpaceChanges. At the home, what may fail comes first (owners from the managers, then the
// VMAs), and nothing is changed if it does.
#pragma once

#include "memory/service/context.h"
#include "net/messages/space.h"
#include "net/rpc/server.h"

namespace memory {

class SpaceService {
 public:
  explicit SpaceService(Context& context) : context_(context) {}
  void serve(rpc::Server& server);
  // More than the whole rack has is refused at once, as Linux's default does.
  void set_rack_memory_bytes(std::uint64_t bytes) { rack_memory_bytes_ = bytes; }
  // Ends its spaces and objects.
  base::Task<> processor_died(base::NodeId processor);

 private:
  base::Task<> create(rpc::ServerCall& call, messages::SpaceCreateRequest request);
  base::Task<> fork(rpc::ServerCall& call, messages::SpaceForkRequest request);
  base::Task<> destroy(rpc::ServerCall& call, messages::SpaceDestroyRequest request);
  base::Task<> map(rpc::ServerCall& call, messages::SpaceMapRequest request);
  base::Task<> unmap(rpc::ServerCall& call, messages::SpaceUnmapRequest request);
  base::Task<> protect(rpc::ServerCall& call, messages::SpaceProtectRequest request);
  base::Task<> remap(rpc::ServerCall& call, messages::SpaceRemapRequest request);
  base::Task<> set_break(rpc::ServerCall& call, messages::SpaceBreakRequest request);
  base::Task<> discard(rpc::ServerCall& call, messages::SpaceDiscardRequest request);
  base::Task<> move_pages(rpc::ServerCall& call, messages::SpacePageMoveRequest request);
  base::Task<> apply_changes(rpc::ServerCall& call, messages::SpaceChangesRequest request);

  // At once, VMAs and pages.
  base::Result<> map_now(Space& space, const vma::Vma& area);
  base::Result<> unmap_now(Space& space, vma::Range range);
  base::Result<> break_now(Space& space, base::UserVa address);
  base::Result<> apply_change(Space& space, const messages::SpaceChange& change);
  base::Result<Space*> find_home(std::uint64_t id, base::VNodeId vnode);
  // The managers' choice of owners for the vRegions of a range that have none. Other requests for the space may run
  // meanwhile: find it again.
  base::Task<> assign_owners(std::uint64_t space, base::VNodeId vnode, std::uint64_t address, std::uint64_t bytes);
  base::Task<> check_room(std::uint64_t bytes);
  // Returns whether vRegions of it were assigned.
  base::Result<bool> end_space(Space& space);
  base::Task<> release_vregions(std::uint64_t space, base::VNodeId vnode);
  base::Result<> reply_mapped(rpc::ServerCall& call, const Space& space, base::UserVa address, vma::Range range);

  Context& context_;
  std::uint64_t rack_memory_bytes_ = ~std::uint64_t{0};
};

}  // namespace memory
