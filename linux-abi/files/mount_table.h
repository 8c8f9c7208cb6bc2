// SPDX-License-Identifier: Apache-2.0
// Where file systems are mounted in a vNode's tree. A mount stands over a name in a directory: whoever steps from that
// directory, found in the mount that it is in, to that name comes to the mount's root. Later ones hide earlier ones.
// `mutex` is held by whoever changes the table, across the messages that it takes.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>

#include "kernel/base/spinlock.h"
#include "kernel/threads/mutex.h"
#include "linux-abi/files/mount.h"
#include "linux-abi/files/place.h"
#include "linux-abi/files/poll_source.h"

namespace linux_abi {

struct MountPoint : boost::intrusive::list_base_hook<> {
  MountReference mount;
  PlaceReference root;
  PlaceReference directory;  // empty: the tree's root
  base::Array<char> name;
  base::Array<char> inside;  // what of the file system is seen: "/" is all
  bool is_at(const Place& at_directory, std::string_view at_name) const;
};

class MountTable {
 public:
  static constexpr std::size_t max_mounts = 4096;
  MountTable() = default;
  MountTable(const MountTable&) = delete;
  MountTable& operator=(const MountTable&) = delete;
  ~MountTable() { clear(); }

  threads::Mutex mutex;

  // The root of what is mounted over this name; empty: nothing is.
  PlaceReference at(const PlaceReference& directory, std::string_view name);
  // Over `at`, or as the root of the tree (at empty). EBUSY over the root, ENOENT, ENOSPC.
  Answer<PlaceReference> add(MountReference mount, NodeReference root, const PlaceReference& at,
                             std::string_view inside = "/");
  // Of what is mounted: where in its file system this place is. With mutex held.
  Answer<base::Array<char>> path_inside(PlaceReference place);
  // With mutex held. Takes it out, for good when it is destroyed; empty: it is not in the table.
  base::Own<MountPoint> take(const Place& root);
  // What is mounted within the mount, the last first.
  base::Own<MountPoint> take_inside(const Mount& mount);
  // With mutex held: to another name.
  Answer<> move(const Place& root, const PlaceReference& at);
  // Nobody but the table and one reference of the caller's to its root uses it.
  bool is_unused(const Place& root);
  // Whether anything open for writing is in a mount of this system.
  bool has_writers(const MountedSystem& system);

  // Calls visit(point) for each in the order of mounting, with mutex held.
  template <typename Visit>
  Answer<> for_each(Visit visit) {
    for (MountPoint& point : points_) TRY(visit(point));
    return {};
  }
  // For who polls /proc/mounts: every change of what is mounted, and how.
  void changed() {
    changes_.fetch_add(1, std::memory_order_relaxed);
    source_.notify(0);
  }
  std::uint32_t changes() const { return changes_.load(std::memory_order_relaxed); }
  PollSource& source() { return source_; }

  std::uint32_t next_id() { return ++last_id_; }  // with mutex held
  void clear();

 private:
  using Points = boost::intrusive::list<MountPoint>;
  base::Own<MountPoint> take_at(Points::iterator found);
  base::SpinLock lock_{base::LockRank::Poll};  // guards the list; changes need mutex as well
  Points points_;
  std::uint32_t last_id_ = 0;
  std::atomic<std::uint32_t> changes_{0};  // relaxed: the source's lock orders it with who is told
  PollSource source_;
};

}  // namespace linux_abi
