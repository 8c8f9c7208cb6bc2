// SPDX-License-Identifier: Apache-2.0
// System V shared memory: see segments.h.
#include "linux-abi/ipc/segments.h"

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/abi/structures.h"
#include "linux-abi/process/thread.h"
#include "processor/address_space.h"

namespace linux_abi::ipc {
namespace {

using processor::AddressSpace;

std::uint64_t seconds(const Thread& thread) { return thread.wall_time_ns() / ns_per_second; }

using Spaces = base::Array<processor::Reference<AddressSpace>>;

// The address spaces of the vNode's processes, each once.
Spaces spaces_of(VNode& vnode) {
  Spaces spaces;
  const base::SpinGuard guard(tasks_lock);
  for (PidEntry* entry = vnode.pids.next(0); entry != nullptr; entry = vnode.pids.next(entry->pid + 1)) {
    if (entry->process == nullptr) continue;
    auto space = entry->process->share_space();
    if (!space || std::find(spaces.begin(), spaces.end(), space) != spaces.end()) continue;
    if (!spaces.push_back(std::move(space))) break;  // without memory for the list some are not counted
  }
  return spaces;
}

std::uint64_t mappings_in(AddressSpace& space, base::ObjectId object) {
  std::uint64_t found = 0;
  std::array<vma::Vma, 16> areas;
  for (base::UserVa from(0);;) {
    const std::size_t count = processor::list_vmas(space, from, areas);
    for (const vma::Vma& area : std::span(areas).first(count)) found += area.object == object ? 1 : 0;
    if (count < areas.size()) return found;
    from = areas.back().range.end;
  }
}

std::uint64_t attachments(VNode& vnode, base::ObjectId object) {
  std::uint64_t all = 0;
  for (const auto& space : spaces_of(vnode)) all += mappings_in(*space, object);
  return all;
}

bool is_destroyed(const Segment& segment) { return (segment.permissions.mode & mode_destroyed) != 0; }

SegmentStatus status_of(const Segment& segment) {
  SegmentStatus status = segment.status;
  status.id = segment.id;
  status.permissions = segment.permissions;
  return status;
}

}  // namespace

void Segment::last_reference_gone() { base::Own<Segment>(this).reset(); }

void Segments::forget(Segment& segment) {
  const base::SpinGuard guard(lock_);
  if (!segment.removed) table_.remove(segment);
}

bool Segments::is_gone(Segment& segment, VNode& vnode) {
  if (!is_destroyed(segment) || attachments(vnode, segment.object_id) > 0) return false;
  forget(segment);
  return true;
}

Answer<SegmentReference> Segments::find(int id, VNode& vnode) {
  SegmentReference segment;
  {
    const base::SpinGuard guard(lock_);
    segment = TRY(table_.find(id));
  }
  if (is_gone(*segment, vnode)) return error(EINVAL);
  return segment;
}

void Segments::sweep(VNode& vnode) {
  for (std::size_t place = 0; place < places(); ++place) {
    Answer<SegmentReference> segment = error(EINVAL);
    {
      const base::SpinGuard guard(lock_);
      segment = table_.at(place);
    }
    if (segment) (void)is_gone(**segment, vnode);
  }
}

Answer<int> Segments::get(std::int32_t key, std::uint64_t bytes, int flags, Thread& thread) {
  {
    const base::SpinGuard guard(lock_);
    const SegmentReference known = TRY(table_.get(key, flags));
    if (known) {
      if (bytes > known->status.bytes) return error(EINVAL);
      TRY(known->permissions.check(thread.user, static_cast<std::uint32_t>(flags) & 0777));
      return known->id;
    }
  }
  if (bytes == 0 || bytes > most_bytes()) return error(EINVAL);
  sweep(thread.process().vnode());
  auto made = base::make<Segment>();
  if (!made) return error(ENOMEM);
  const SegmentReference fresh(*made.release());
  fresh->permissions = Permissions::of_creator(key, static_cast<std::uint32_t>(flags), thread.user);
  fresh->status.bytes = bytes;
  fresh->status.changed_seconds = seconds(thread);
  fresh->status.creator_pid = thread.process().pid();
  fresh->family = &thread.process().family();
  const auto object =
      processor::create_segment(*fresh->family, base::round_up(bytes, base::page_bytes), thread.sleeper());
  if (!object) return error(ENOMEM);
  fresh->object = *object;
  fresh->object_id = processor::object_id(**object);
  const base::SpinGuard guard(lock_);
  // Another thread may have been faster.
  const SegmentReference known = TRY(table_.get(key, flags));
  if (known) return known->id;
  TRY(table_.add(fresh));
  return fresh->id;
}

Answer<Segments::Attachable> Segments::attach(int id, std::uint32_t wanted, Thread& thread) {
  const SegmentReference segment = TRY(find(id, thread.process().vnode()));
  Attachable found;
  {
    const base::SpinGuard guard(lock_);
    TRY(segment->permissions.check(thread.user, wanted));
    found = {segment->object, segment->status.bytes};
  }
  if (!found.object) found.object = processor::find_held_object(*segment->family, segment->object_id);
  if (!found.object) return error(EINVAL);
  return found;
}

void Segments::attached(int id, Thread& thread) {
  const base::SpinGuard guard(lock_);
  const auto segment = table_.find(id);
  if (!segment) return;
  (*segment)->status.attached_seconds = seconds(thread);
  (*segment)->status.last_pid = thread.process().pid();
}

bool Segments::is_segment(base::ObjectId object) {
  const base::SpinGuard guard(lock_);
  for (std::size_t place = 0; place < table_.places(); ++place)
    if (const auto segment = table_.at(place); segment && (*segment)->object_id == object) return true;
  return false;
}

void Segments::detached(base::ObjectId object, Thread& thread) {
  SegmentReference found;
  {
    const base::SpinGuard guard(lock_);
    for (std::size_t place = 0; place < table_.places() && !found; ++place)
      if (const auto segment = table_.at(place); segment && (*segment)->object_id == object) found = *segment;
    if (!found) return;
    found->status.detached_seconds = seconds(thread);
    found->status.last_pid = thread.process().pid();
  }
  (void)is_gone(*found, thread.process().vnode());
}

Answer<SegmentStatus> Segments::status(int id, Thread& thread) {
  VNode& vnode = thread.process().vnode();
  const SegmentReference segment = TRY(find(id, vnode));
  SegmentStatus status;
  {
    const base::SpinGuard guard(lock_);
    TRY(segment->permissions.check(thread.user, wants_read));
    status = status_of(*segment);
  }
  status.attachments = attachments(vnode, segment->object_id);
  return status;
}

Answer<SegmentStatus> Segments::status_at(std::size_t place, const Credentials* user, VNode& vnode) {
  SegmentReference segment;
  {
    const base::SpinGuard guard(lock_);
    segment = TRY(table_.at(place));
    if (user != nullptr) TRY(segment->permissions.check(*user, wants_read));
  }
  if (is_gone(*segment, vnode)) return error(EINVAL);
  SegmentStatus status = status_of(*segment);
  status.attachments = attachments(vnode, segment->object_id);
  return status;
}

Answer<> Segments::set_permissions(int id, const Permissions& fresh, Thread& thread) {
  const SegmentReference segment = TRY(find(id, thread.process().vnode()));
  const base::SpinGuard guard(lock_);
  TRY(segment->permissions.check_control(thread.user));
  segment->permissions.change(fresh.uid, fresh.gid, fresh.mode);
  segment->status.changed_seconds = seconds(thread);
  return {};
}

// Pages cannot be held in the ExCache: it is only remembered.
Answer<> Segments::lock(int id, bool locked, Thread& thread) {
  const SegmentReference segment = TRY(find(id, thread.process().vnode()));
  const base::SpinGuard guard(lock_);
  TRY(segment->permissions.check_control(thread.user));
  std::uint32_t& mode = segment->permissions.mode;
  mode = locked ? mode | mode_locked : mode & ~mode_locked;
  return {};
}

Answer<> Segments::remove(int id, Thread& thread) {
  VNode& vnode = thread.process().vnode();
  const SegmentReference segment = TRY(find(id, vnode));
  processor::Reference<processor::SharedObject> object;  // ends after the lock
  {
    const base::SpinGuard guard(lock_);
    TRY(segment->permissions.check_control(thread.user));
    segment->permissions.mode |= mode_destroyed;
    segment->permissions.key = IPC_PRIVATE;
    object = std::move(segment->object);
  }
  (void)is_gone(*segment, vnode);
  return {};
}

void Segments::family_ended(const processor::Family& family) {
  for (std::size_t place = 0; place < places(); ++place) {
    SegmentReference segment;  // ends after the lock
    const base::SpinGuard guard(lock_);
    const auto found = table_.at(place);
    if (!found || (*found)->family != &family) continue;
    segment = *found;
    table_.remove(*segment);
  }
}

std::size_t Segments::segments() {
  const base::SpinGuard guard(lock_);
  return table_.used();
}

std::size_t Segments::places() {
  const base::SpinGuard guard(lock_);
  return table_.places();
}

std::uint64_t Segments::pages() {
  const base::SpinGuard guard(lock_);
  std::uint64_t all = 0;
  for (std::size_t place = 0; place < table_.places(); ++place)
    if (const auto segment = table_.at(place))
      all += base::round_up((*segment)->status.bytes, base::page_bytes) / base::page_bytes;
  return all;
}

}  // namespace linux_abi::ipc
