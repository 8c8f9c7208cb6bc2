// SPDX-License-Identifier: Apache-2.0
// System V shared memory of a vNode. A segment's pages are a shared object of processor/, which mappings hold as well:
// a segment that was removed while it is attached stays until the last mapping goes, and is found by its id alone.
// How often it is attached is counted when somebody asks, over the address spaces of the vNode's processes.
#pragma once

#include "kernel/base/spinlock.h"
#include "linux-abi/ipc/table.h"
#include "processor/shared_object.h"

namespace linux_abi {
class Thread;
class VNode;
}  // namespace linux_abi

namespace linux_abi::ipc {

inline constexpr std::uint64_t max_segment_bytes = ~std::uint64_t{0} - (1 << 24);  // SHMMAX
inline constexpr std::size_t max_segments = 4096;                                  // SHMMNI
inline constexpr std::uint32_t mode_destroyed = 01000, mode_locked = 02000;        // SHM_DEST, SHM_LOCKED

struct SegmentStatus {
  int id = 0;
  Permissions permissions;
  std::uint64_t bytes = 0;
  std::uint64_t attached_seconds = 0, detached_seconds = 0, changed_seconds = 0;
  int creator_pid = 0, last_pid = 0;
  std::uint64_t attachments = 0;
};

struct Segment final : Entry {
  SegmentStatus status;  // but for id, permissions, attachments
  base::ObjectId object_id;
  processor::Family* family = nullptr;                   // of `object`, which keeps it
  processor::Reference<processor::SharedObject> object;  // empty once it was removed
  void last_reference_gone();
};
using SegmentReference = processor::Reference<Segment>;

class Segments {
 public:
  // The calls of a thread; its vNode is the one that this belongs to.
  Answer<int> get(std::int32_t key, std::uint64_t bytes, int flags, Thread& thread);
  struct Attachable {
    processor::Reference<processor::SharedObject> object;
    std::uint64_t bytes = 0;
  };
  // What shmat maps; EACCES. attached() after it was.
  Answer<Attachable> attach(int id, std::uint32_t wanted, Thread& thread);
  void attached(int id, Thread& thread);
  // Whether the object is a segment's: its id, or -1; notes the end of an attachment.
  bool is_segment(base::ObjectId object);
  void detached(base::ObjectId object, Thread& thread);

  Answer<SegmentStatus> status(int id, Thread& thread);
  // nullptr: for everybody.
  Answer<SegmentStatus> status_at(std::size_t place, const Credentials* user, VNode& vnode);
  Answer<> set_permissions(int id, const Permissions& fresh, Thread& thread);
  Answer<> lock(int id, bool locked, Thread& thread);
  Answer<> remove(int id, Thread& thread);
  // The family's launch is over: segments that it made go, whoever knows their ids.
  void family_ended(const processor::Family& family);

  std::size_t segments();
  std::size_t places();
  std::uint64_t pages();

  std::uint64_t most_bytes() {
    const base::SpinGuard guard(lock_);
    return most_bytes_;
  }
  void set_most_bytes(std::uint64_t bytes) {
    const base::SpinGuard guard(lock_);
    most_bytes_ = bytes;
  }
  // /proc/sys/kernel
  Settings settings() {
    const base::SpinGuard guard(lock_);
    return table_.settings();
  }
  void change(Settings settings) {
    const base::SpinGuard guard(lock_);
    table_.change(settings);
  }

 private:
  Answer<SegmentReference> find(int id, VNode& vnode);
  void forget(Segment& segment);
  // Removed and attached no more: away with it.
  bool is_gone(Segment& segment, VNode& vnode);
  void sweep(VNode& vnode);
  base::SpinLock lock_{base::LockRank::Process};  // guards all
  Table<Segment> table_{max_segments};
  std::uint64_t most_bytes_ = max_segment_bytes;
};

}  // namespace linux_abi::ipc
