// SPDX-License-Identifier: Apache-2.0
// A name in the tree and the node behind it: Linux's dentry. Places form the chain from a file up to the root, which is
// what "..", getcwd and /proc/self/maps need. A Place is remembered (NameCache) as long as names here are stable.
// Parent and name change by rename alone; they are guarded by places_lock.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <span>
#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/spinlock.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/node.h"

namespace linux_abi {

class Place;
using PlaceReference = processor::Reference<Place>;

inline base::SpinLock places_lock{base::LockRank::Process};

class Place : public processor::Counted {
 public:
  // parent empty: the root of a tree. mount empty: the parent's.
  static Answer<PlaceReference> create(NodeReference node, PlaceReference parent, std::string_view name,
                                       MountReference mount = {});

  Node& node() const { return *node_; }
  NodeReference share_node() const { return node_; }
  PlaceReference parent();  // empty at the root
  // What it was found in; nullptr: in no mount (hosted tests).
  Mount* mount() const { return mount_.get(); }
  bool removed() const { return removed_; }

  // The absolute path as seen from `root`; ENAMETOOLONG, ENOENT if it was removed (with_removed: " (deleted)" then).
  Answer<base::Array<char>> path(const Place& root, bool with_removed);
  Answer<base::Array<char>> name();
  // Of directories: below it or itself. A directory that was found twice has two places, and one node.
  bool is_below(const Place& ancestor);

  void renamed(PlaceReference parent, base::Array<char> name);
  void set_removed() { removed_ = true; }

  void last_reference_gone();

 private:
  friend class NameCache;
  bool is_below_locked(const Place& ancestor) const;
  NodeReference node_;
  MountReference mount_;   // constant
  PlaceReference parent_;  // guarded by places_lock
  base::Array<char> name_;
  bool removed_ = false;
};

}  // namespace linux_abi
