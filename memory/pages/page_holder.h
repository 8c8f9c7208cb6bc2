// SPDX-License-Identifier: Apache-2.0
// What has pages at an mComponent: private address spaces, shared anonymous objects and files. Their ids come from one
// sequence and are never reused; each belongs to one vNode, and a request that comes for another one is refused.
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "kernel/base/types.h"
#include "memory/frames/page_map.h"

namespace memory {

enum class HolderKind : std::uint8_t { Space, AnonymousObject, File };

class PageHolder : public boost::intrusive::set_base_hook<> {
 public:
  PageHolder(std::uint64_t id, base::VNodeId vnode, HolderKind kind, FrameStore& store)
      : pages(store), id_(id), vnode_(vnode), kind_(kind) {}
  virtual ~PageHolder() = default;

  std::uint64_t id() const { return id_; }
  base::VNodeId vnode() const { return vnode_; }
  HolderKind kind() const { return kind_; }

  PageMap pages;
  // Who made a space or an object, which ends with that pComponent.
  base::NodeId processor;

 private:
  friend class PageHolders;
  struct KeyOf {
    using type = std::uint64_t;
    const type& operator()(const PageHolder& holder) const { return holder.id_; }
  };
  std::uint64_t id_;
  base::VNodeId vnode_;
  HolderKind kind_;
};

// Owns all holders of this mComponent.
class PageHolders {
 public:
  // Ids of this boot start above `first_id`, which no earlier boot of this node may have reached.
  explicit PageHolders(std::uint64_t first_id) : next_id_(first_id) {}
  ~PageHolders();

  // Before the first holder: when the node's number becomes known.
  void start_ids_at(std::uint64_t first_id) { next_id_ = first_id; }
  std::uint64_t new_id() { return next_id_++; }
  PageHolder& add(base::Own<PageHolder> holder);
  void remove(PageHolder& holder);
  // Stale: no such id (any more). NotPermitted: it belongs to another vNode.
  base::Result<PageHolder*> find(std::uint64_t id, base::VNodeId vnode);
  std::uint64_t count(HolderKind kind) const { return counts_[static_cast<unsigned>(kind)]; }
  // For sweeps: the holder with the smallest id at or above `id`, or nullptr.
  PageHolder* at_or_after(std::uint64_t id);
  PageHolder* after(std::uint64_t id);  // ids go up to the last number, so id + 1 may be none

 private:
  boost::intrusive::set<PageHolder, boost::intrusive::key_of_value<PageHolder::KeyOf>> holders_;
  std::uint64_t next_id_;
  std::uint64_t counts_[3] = {};
};

}  // namespace memory
