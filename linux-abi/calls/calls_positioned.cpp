// SPDX-License-Identifier: Apache-2.0
// preadv and pwritev, and what their second versions add: flags for one call (RWF_*), and -1 for the file's own
// position; see calls_files.h.
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/pipe_buffer.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

namespace linux_abi::calls {

namespace {

constexpr int flags_of_reads = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND;
constexpr int flags_of_writes = flags_of_reads | RWF_NOAPPEND;

// -1: the file's own position.
Answer<IoPlace> place_or_own(std::uint64_t offset) {
  return static_cast<std::int64_t>(offset) == -1 ? Answer<IoPlace>(IoPlace{}) : place_at(offset);
}

// RWF_NOWAIT: pipes can tell; files in the cache, which is where they are, do not make anybody wait for long.
Answer<> check_waiting(OpenFile& file, int flags, bool writes) {
  if ((flags & RWF_NOWAIT) == 0) return {};
  if (PipeBuffer* pipe = file.pipe()) {
    const bool ready = writes ? pipe->room() > 0 || !pipe->has_readers() : pipe->bytes() > 0 || !pipe->has_writers();
    return ready ? Answer<>() : error(EAGAIN);
  }
  const bool regular = file.node() != nullptr && file.node()->type() == file_mode::regular;
  return regular ? Answer<>() : error(EOPNOTSUPP);
}

Answer<std::uint64_t> read_vectors_at(Call& call, IoPlace place, int flags) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (place.has_offset) TRY(file->seek(0, 1, call.thread));  // ESPIPE before anything else
  if (!file->readable()) return error(EBADF);
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  if ((flags & ~flags_of_reads) != 0) return error(EOPNOTSUPP);
  TRY(check_waiting(*file, flags, false));
  return read_to_user(call.thread, *file, vectors.span(), place);
}

Answer<std::uint64_t> write_vectors_at(Call& call, IoPlace place, int flags) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (place.has_offset) TRY(file->seek(0, 1, call.thread));
  if (!file->writable()) return error(EBADF);
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  if ((flags & ~flags_of_writes) != 0) return error(EOPNOTSUPP);
  if ((flags & RWF_APPEND) != 0 && (flags & RWF_NOAPPEND) != 0) return error(EINVAL);
  TRY(check_waiting(*file, flags, true));
  if ((flags & RWF_APPEND) != 0) place.end = IoPlace::End::Appends;
  if ((flags & RWF_NOAPPEND) != 0) place.end = IoPlace::End::Never;
  const std::uint64_t done = TRY(write_from_user(call.thread, *file, vectors.span(), place));
  // The bytes are where they belong; whether they are on the disk is told by the next fsync, too.
  if ((flags & (RWF_DSYNC | RWF_SYNC)) != 0 && done > 0 && file->node() != nullptr)
    TRY(file->synchronize((flags & RWF_SYNC) == 0, call.thread));
  return done;
}

}  // namespace

Answer<std::uint64_t> preadv(Call& call) { return read_vectors_at(call, TRY(place_at(call.d())), 0); }
Answer<std::uint64_t> pwritev(Call& call) { return write_vectors_at(call, TRY(place_at(call.d())), 0); }
// The offset's upper half (e) is empty on 64-bit machines.
Answer<std::uint64_t> preadv2(Call& call) {
  return read_vectors_at(call, TRY(place_or_own(call.d())), Call::as_int(call.f()));
}
Answer<std::uint64_t> pwritev2(Call& call) {
  return write_vectors_at(call, TRY(place_or_own(call.d())), Call::as_int(call.f()));
}

}  // namespace linux_abi::calls
