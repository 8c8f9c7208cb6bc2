// SPDX-License-Identifier: Apache-2.0
// vNodes, programs and vRegions: what clients and components ask of the global managers.
#pragma once

#include "net/messages/membership.h"

namespace messages {

struct VNodeCreateReply {
  le64 vnode;
  le32 home_memory;  // node of the mComponent that its files and its processes' maps live on
  le32 storage;      // node of the sComponent with its root
  le32 ip;           // the vNode's own address
  le32 reserved;
};
struct VNodeCreateRequest {
  static constexpr Operation operation = Operation::VNodeCreate;
  using Reply = VNodeCreateReply;
  Name hostname{};
  le32 storage;  // node of the sComponent that has its root; 0: any, in turn
  le32 reserved;
  bool validate() const { return hostname.back() == 0; }
};
static_assert(sizeof(VNodeCreateReply) == 24);

struct VNodeDestroyRequest {
  static constexpr Operation operation = Operation::VNodeDestroy;
  using Reply = EmptyReply;
  le64 vnode;
  bool validate() const { return vnode != 0; }
};

struct LaunchAssignReply {
  le64 launch;
  le32 processor;  // node
  le32 processor_ip;
  le64 processor_boot_id;
};
struct LaunchAssignRequest {  // a new program of a vNode: on which pComponent it runs
  static constexpr Operation operation = Operation::LaunchAssign;
  using Reply = LaunchAssignReply;
  le64 vnode;
  bool validate() const { return vnode != 0; }
};

struct LaunchEndRequest {
  static constexpr Operation operation = Operation::LaunchEnd;
  using Reply = EmptyReply;
  le64 launch;
  bool validate() const { return launch != 0; }
};

// The owner of one vRegion (1 GiB of a process's virtual address space).
struct VRegionOwner {
  le64 index;  // user virtual address / 1 GiB
  le32 node;
  le32 ip;
  le64 boot_id;
};
static_assert(sizeof(VRegionOwner) == 24 && Body<VRegionOwner>);

struct VRegionAssignReply {  // tail: VRegionOwner[count], as asked
  le32 count;
  le32 reserved;
};
struct VRegionAssignRequest {  // home mComponent -> managers; tail: le64 index[count]
  static constexpr Operation operation = Operation::VRegionAssign;
  using Reply = VRegionAssignReply;
  le64 vnode;
  le64 space;
  le32 count;
  le32 reserved;
  bool validate() const { return reserved == 0 && count > 0 && space != 0; }
};

struct VRegionReleaseRequest {  // all vRegions of a space
  static constexpr Operation operation = Operation::VRegionRelease;
  using Reply = EmptyReply;
  le64 space;
  bool validate() const { return space != 0; }
};

}  // namespace messages
