// SPDX-License-Identifier: Apache-2.0
// System V shared memory: see ipc/segments.h.
#include <linux/shm.h>

#include "arch/x86_64/user_copy.h"
#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_ipc.h"
#include "linux-abi/calls/ipc_structures.h"
#include "linux-abi/ipc/space.h"
#include "processor/address_space.h"

namespace linux_abi::calls {
namespace {

using arch::UserIn;
using arch::UserOut;
using base::page_bytes;
using base::UserVa;

ipc::Segments& segments_of(Call& call) { return call.process().vnode().ipc.segments; }

Answer<std::uint64_t> write_status(Call& call, const ipc::SegmentStatus& status) {
  shmid64_ds user{};
  user.shm_perm = to_user(status.permissions);
  user.shm_segsz = status.bytes;
  user.shm_atime = static_cast<long>(status.attached_seconds);
  user.shm_dtime = static_cast<long>(status.detached_seconds);
  user.shm_ctime = static_cast<long>(status.changed_seconds);
  user.shm_cpid = status.creator_pid;
  user.shm_lpid = status.last_pid;
  user.shm_nattch = status.attachments;
  TRY(UserOut<shmid64_ds>(call.c()).write(user));
  return std::uint64_t{0};
}

Answer<std::uint64_t> limits(Call& call) {
  shminfo64 user{};
  user.shmmax = segments_of(call).most_bytes();
  user.shmmin = 1;
  user.shmmni = segments_of(call).settings().most;
  user.shmseg = ipc::max_segments;
  user.shmall = ipc::max_segment_bytes;
  TRY(UserOut<shminfo64>(call.c()).write(user));
  return last_place(segments_of(call).places());
}

Answer<std::uint64_t> in_use(Call& call) {
  ipc::Segments& segments = segments_of(call);
  shm_info user{};
  user.used_ids = static_cast<int>(segments.segments());
  user.shm_tot = segments.pages();
  user.shm_rss = user.shm_tot;
  TRY(UserOut<shm_info>(call.c()).write(user));
  return last_place(segments.places());
}

// Where shmat is to put it. EINVAL.
Answer<processor::MapRequest> request_for(std::uint64_t address, int flags) {
  processor::MapRequest request;
  if (address == 0) {
    if ((flags & SHM_REMAP) != 0) return error(EINVAL);
    return request;
  }
  if (address % page_bytes != 0) {
    if ((flags & SHM_RND) == 0) return error(EINVAL);
    address = base::round_down(address, page_bytes);
    if (address == 0 && (flags & SHM_REMAP) != 0) return error(EINVAL);
  }
  request.address = UserVa(address);
  request.placement = (flags & SHM_REMAP) != 0 ? vma::Placement::Fixed : vma::Placement::FixedNoReplace;
  return request;
}

}  // namespace

Answer<std::uint64_t> shmget(Call& call) {
  const int flags = Call::as_int(call.c());
  // There are no huge pages in reserve.
  if ((flags & SHM_HUGETLB) != 0) return error(call.thread.user.may(Capability::LockMemory) ? ENOMEM : EPERM);
  return static_cast<std::uint64_t>(TRY(segments_of(call).get(Call::as_int(call.a()), call.b(), flags, call.thread)));
}

Answer<std::uint64_t> shmat(Call& call) {
  const int id = Call::as_int(call.a()), flags = Call::as_int(call.c());
  if (id < 0) return error(EINVAL);
  processor::MapRequest request = TRY(request_for(call.b(), flags));
  const bool read_only = (flags & SHM_RDONLY) != 0;
  const std::uint32_t wanted =
      ipc::wants_read | (read_only ? 0 : ipc::wants_write) | ((flags & SHM_EXEC) != 0 ? 0111 : 0);
  const ipc::Segments::Attachable segment = TRY(segments_of(call).attach(id, wanted, call.thread));
  request.bytes = base::round_up(segment.bytes, page_bytes);
  if (request.address.value() != 0 && !arch::is_user_range(request.address, request.bytes)) return error(EINVAL);
  request.protection = vma::Protection::Read;
  if (!read_only) request.protection = request.protection | vma::Protection::Write;
  if ((flags & SHM_EXEC) != 0 || call.process().persona.has(persona::read_implies_execute))
    request.protection = request.protection | vma::Protection::Execute;
  request.flags = read_only ? vma::Flags::Shared | vma::Flags::NoWrite : vma::Flags::Shared;
  request.object = segment.object.get();
  const auto mapped = processor::map(call.process().space(), request, call.thread.sleeper());
  if (!mapped) return error(mapped.error() == base::Error::Exists ? EINVAL : Errno(mapped.error()).number());
  segments_of(call).attached(id, call.thread);
  return mapped->value();
}

Answer<std::uint64_t> shmdt(Call& call) {
  if (call.a() % page_bytes != 0 || call.a() >= arch::user_space_end) return error(EINVAL);
  processor::AddressSpace& space = call.process().space();
  const UserVa start(call.a());
  // The part that begins there says which segment; its other parts follow at their offsets.
  vma::Vma first;
  if (processor::list_vmas(space, start, std::span(&first, 1)) == 0) return error(EINVAL);
  if (first.range.start < start || first.range.start - start != first.object_offset || !first.object ||
      !segments_of(call).is_segment(first.object))
    return error(EINVAL);
  vma::Vma area = first;
  do {
    if (area.object == first.object && area.range.start - start == area.object_offset)
      TRY(processor::unmap(space, area.range, call.thread.sleeper()));
  } while (processor::list_vmas(space, area.range.end, std::span(&area, 1)) != 0);
  segments_of(call).detached(first.object, call.thread);
  return std::uint64_t{0};
}

Answer<std::uint64_t> shmctl(Call& call) {
  ipc::Segments& segments = segments_of(call);
  const int id = Call::as_int(call.a()), command = Call::as_int(call.b());
  if (id < 0 || command < 0) return error(EINVAL);
  switch (command) {
    case IPC_INFO:
      return limits(call);
    case SHM_INFO:
      return in_use(call);
    case IPC_STAT:
      return write_status(call, TRY(segments.status(id, call.thread)));
    case SHM_STAT:
    case SHM_STAT_ANY: {
      const Credentials* user = command == SHM_STAT_ANY ? nullptr : &call.thread.user;
      const auto status = TRY(segments.status_at(ipc::place_of(id), user, call.process().vnode()));
      TRY(write_status(call, status));
      return static_cast<std::uint64_t>(status.id);
    }
    case IPC_SET: {
      const shmid64_ds user = TRY(UserIn<shmid64_ds>(call.c()).read());
      TRY(segments.set_permissions(id, from_user(user.shm_perm), call.thread));
      return std::uint64_t{0};
    }
    case SHM_LOCK:
    case SHM_UNLOCK:
      TRY(segments.lock(id, command == SHM_LOCK, call.thread));
      return std::uint64_t{0};
    case IPC_RMID:
      TRY(segments.remove(id, call.thread));
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
