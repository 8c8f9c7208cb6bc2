// SPDX-License-Identifier: Apache-2.0
// Descriptors, pipes and locks: see calls_files.h.
#include <linux/close_range.h>
#include <linux/fcntl.h>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/file_owners.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/fifo.h"
#include "linux-abi/files/file_locks.h"
#include "linux-abi/files/home_node.h"
#include "linux-abi/files/pipe_buffer.h"

namespace linux_abi::calls {

using arch::UserInOut;
using arch::UserOut;

namespace {

std::uint32_t file_limit(Call& call) {
  return static_cast<std::uint32_t>(call.thread.limit(static_cast<int>(Resource::Files)));
}
CloseOnExec when(bool close_on_exec) { return close_on_exec ? CloseOnExec::Yes : CloseOnExec::No; }

}  // namespace

Answer<std::uint64_t> install(Call& call, OpenFileReference file, bool close_on_exec) {
  const int descriptor = TRY(call.thread.descriptors().install(std::move(file), when(close_on_exec), file_limit(call)));
  return static_cast<std::uint64_t>(descriptor);
}

Answer<std::uint64_t> close(Call& call) {
  TRY(call.thread.descriptors().close(Call::as_int(call.a()), call.thread.process_id()));
  return std::uint64_t{0};
}

Answer<std::uint64_t> close_range(Call& call) {
  const auto first = static_cast<std::uint32_t>(call.a()), last = static_cast<std::uint32_t>(call.b());
  const std::uint64_t flags = call.c();
  if (first > last || (flags & ~std::uint64_t{CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC}) != 0) return error(EINVAL);
  if ((flags & CLOSE_RANGE_UNSHARE) != 0) {
    // A process's threads share one table, and the others may be using it: it cannot become this thread's alone.
    if (call.process().live_threads > 1) return error(EINVAL);
    call.process().replace(call.process().descriptors, TRY(call.process().descriptors->copy()));
  }
  if ((flags & CLOSE_RANGE_CLOEXEC) != 0)
    call.thread.descriptors().mark_range_close_on_exec(first, last);
  else
    call.thread.descriptors().close_range(first, last, call.thread.process_id());
  return std::uint64_t{0};
}

Answer<std::uint64_t> dup(Call& call) {
  OpenFileReference file = TRY(call.thread.descriptors().get(Call::as_int(call.a())));
  return install(call, std::move(file), false);
}

namespace {
Answer<std::uint64_t> duplicate_at(Call& call, int from, int to, bool close_on_exec) {
  OpenFileReference file = TRY(call.thread.descriptors().get(from));
  TRY(call.thread.descriptors().install_at(to, std::move(file), when(close_on_exec), file_limit(call),
                                           call.thread.process_id()));
  return static_cast<std::uint64_t>(to);
}
}  // namespace

Answer<std::uint64_t> dup2(Call& call) {
  const int from = Call::as_int(call.a()), to = Call::as_int(call.b());
  if (from == to) {
    TRY(call.thread.descriptors().get(from));
    return static_cast<std::uint64_t>(to);
  }
  return duplicate_at(call, from, to, false);
}

Answer<std::uint64_t> dup3(Call& call) {
  const int from = Call::as_int(call.a()), to = Call::as_int(call.b()), flags = Call::as_int(call.c());
  if ((flags & ~O_CLOEXEC) != 0 || from == to) return error(EINVAL);
  return duplicate_at(call, from, to, flags != 0);
}

namespace {
Answer<std::uint64_t> make_pipe_descriptors(Call& call, std::uint64_t address, int flags) {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) return error(EINVAL);
  PipeEnds ends = TRY(make_pipe(flags & (O_NONBLOCK | O_DIRECT), first_capacity(call.thread.user)));
  const bool close_on_exec = (flags & O_CLOEXEC) != 0;
  DescriptorTable& table = call.thread.descriptors();
  std::array<std::int32_t, 2> numbers{};
  numbers[0] = TRY(table.install(std::move(ends.reader), when(close_on_exec), file_limit(call)));
  const auto second = table.install(std::move(ends.writer), when(close_on_exec), file_limit(call));
  if (second) numbers[1] = *second;
  const auto written = second ? UserOut<std::int32_t>(address).write_array(numbers) : base::Result<>();
  if (second && written) return std::uint64_t{0};
  (void)table.close(numbers[0], call.thread.process_id());  // both were made just now
  if (!second) return std::unexpected(second.error());
  (void)table.close(numbers[1], call.thread.process_id());
  return error(EFAULT);
}
}  // namespace

Answer<std::uint64_t> pipe(Call& call) { return make_pipe_descriptors(call, call.a(), 0); }
Answer<std::uint64_t> pipe2(Call& call) { return make_pipe_descriptors(call, call.a(), Call::as_int(call.b())); }

namespace {

constexpr int settable_flags = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;

struct UserLock {
  std::int16_t type, whence;
  std::int32_t padding;
  std::int64_t start, bytes;
  std::int32_t pid, padding_after;
};
static_assert(sizeof(UserLock) == 32);

// [start, end) of a struct flock; bytes 0: to the end of everything.
Answer<LockRange> range_of(Call& call, OpenFile& file, const UserLock& lock) {
  std::int64_t base = 0;
  if (lock.whence == 1) base = static_cast<std::int64_t>(TRY(file.seek(0, 1, call.thread)));
  if (lock.whence == 2) base = static_cast<std::int64_t>(TRY(file.status(call.thread)).bytes);
  if (lock.whence < 0 || lock.whence > 2) return error(EINVAL);
  std::int64_t start = base + lock.start, end = 0;
  if (lock.bytes < 0) {
    end = start;
    start += lock.bytes;
  } else {
    end = lock.bytes == 0 ? 0x7fffffffffffffff : start + lock.bytes;
  }
  if (start < 0 || end < start) return error(EINVAL);
  return LockRange{static_cast<std::uint64_t>(start), static_cast<std::uint64_t>(end)};
}

// Whose the lock is: the open file description's, whose address names it while it lives, or the process's.
LockOwner lock_owner(Call& call, OpenFile& file, int command) {
  const bool of_description = command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
  if (of_description) return {reinterpret_cast<std::uint64_t>(&file), -1};
  return {call.thread.process_id(), call.process().pid()};
}

Answer<std::uint64_t> record_lock(Call& call, OpenFile& file, int command) {
  UserInOut<UserLock> pointer(call.c());
  UserLock lock = TRY(pointer.read());
  if (file.node() == nullptr) return error(EINVAL);
  const LockRange range = TRY(range_of(call, file, lock));
  if (lock.type != F_RDLCK && lock.type != F_WRLCK && lock.type != F_UNLCK) return error(EINVAL);
  const LockKind kind = lock.type == F_WRLCK ? LockKind::Exclusive : LockKind::Shared;
  const LockOwner owner = lock_owner(call, file, command);
  if (owner.pid < 0 && lock.pid != 0) return error(EINVAL);
  if (command == F_GETLK || command == F_OFD_GETLK) {
    if (lock.type == F_UNLCK) return error(EINVAL);
    const auto holder = find_conflict(*file.node(), owner, range, kind);
    lock.type = F_UNLCK;
    if (holder.pid != 0) {
      lock.type = holder.kind == LockKind::Exclusive ? F_WRLCK : F_RDLCK;
      lock.whence = 0;
      lock.start = static_cast<std::int64_t>(holder.range.start);
      lock.bytes =
          holder.range.end >= 0x7fffffffffffffff ? 0 : static_cast<std::int64_t>(holder.range.end - holder.range.start);
      lock.pid = holder.pid;
    }
    TRY(pointer.write(lock));
    return std::uint64_t{0};
  }
  if (lock.type == F_UNLCK) {
    TRY(release_record_lock(*file.node(), owner, range));
    return std::uint64_t{0};
  }
  if (kind == LockKind::Shared ? !file.readable() : !file.writable()) return error(EBADF);
  TRY(take_record_lock(*file.node(), owner, range, kind, command == F_SETLKW || command == F_OFD_SETLKW, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> set_pipe_capacity(Call& call, PipeBuffer& pipe) {
  const std::size_t wanted = pipe_capacity(call.c());
  const bool grows = wanted > pipe.capacity() && wanted > pipe_max_bytes.load(std::memory_order_relaxed);
  if (grows && !call.thread.user.may(Capability::Resources)) return error(EPERM);
  TRY(pipe.set_capacity(wanted));
  return pipe.capacity();
}

}  // namespace

Answer<std::uint64_t> fcntl(Call& call) {
  const int descriptor = Call::as_int(call.a()), command = Call::as_int(call.b());
  DescriptorTable& table = call.thread.descriptors();
  const OpenFileReference file = TRY(table.get(descriptor));
  // Of a descriptor that only names a place there is little else to ask.
  const bool of_any = command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD ||
                      command == F_GETFL;
  if ((file->flags() & O_PATH) != 0 && !of_any) return error(EBADF);
  switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
      const int lowest = Call::as_int(call.c());
      if (lowest < 0 || static_cast<std::uint32_t>(lowest) >= file_limit(call)) return error(EINVAL);
      return static_cast<std::uint64_t>(
          TRY(table.install(file, when(command == F_DUPFD_CLOEXEC), file_limit(call), lowest)));
    }
    case F_GETFD:
      return TRY(table.close_on_exec(descriptor)) == CloseOnExec::Yes ? std::uint64_t{1} : std::uint64_t{0};
    case F_SETFD:
      TRY(table.set_close_on_exec(descriptor, when((call.c() & 1) != 0)));
      return std::uint64_t{0};
    case F_GETFL:
      return static_cast<std::uint64_t>(file->flags() | (file->node() != nullptr ? O_LARGEFILE : 0));
    case F_SETFL:
      if (const bool on = (call.c() & FASYNC) != 0; on != ((file->flags() & FASYNC) != 0))
        TRY(set_asynchronous(*file, descriptor, on));
      file->set_flags((file->flags() & ~settable_flags) | (Call::as_int(call.c()) & settable_flags));
      return std::uint64_t{0};
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
      return record_lock(call, *file, command);
    case F_GETPIPE_SZ:
      if (file->pipe() == nullptr) return error(EBADF);
      return file->pipe()->capacity();
    case F_SETPIPE_SZ:
      if (file->pipe() == nullptr) return error(EBADF);
      if (call.c() > std::uint64_t{1} << 31) return error(EINVAL);
      return set_pipe_capacity(call, *file->pipe());
    case F_GET_SEALS:
      return TRY(file->add_seals(0));
    case F_ADD_SEALS:
      if (call.c() == 0 || (call.c() & ~std::uint64_t{seal::all}) != 0) return error(EINVAL);
      TRY(file->add_seals(static_cast<std::uint32_t>(call.c())));
      return std::uint64_t{0};
    default:
      return file_owner_command(call, *file, command);
  }
}

Answer<std::uint64_t> flock(Call& call) {
  constexpr int shared = 1, exclusive = 2, non_blocking = 4, unlock = 8;
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const int operation = Call::as_int(call.b());
  if (file->node() == nullptr) return error(EBADF);
  // Held by the open file description: its address names it while it lives.
  const LockOwner owner{reinterpret_cast<std::uint64_t>(file.get()), call.process().pid()};
  switch (operation & ~non_blocking) {
    case shared:
    case exclusive:
      TRY(take_whole_lock(*file->node(), owner, operation & exclusive ? LockKind::Exclusive : LockKind::Shared,
                          (operation & non_blocking) == 0, call.thread));
      return std::uint64_t{0};
    case unlock:
      release_whole_lock(*file->node(), owner);
      return std::uint64_t{0};
    default:
      return error(EINVAL);
  }
}

}  // namespace linux_abi::calls
