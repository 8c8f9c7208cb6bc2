// SPDX-License-Identifier: Apache-2.0
// Room, hints and write-back for ranges of files: see calls_files.h.
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

namespace {

// What fallocate(2) lets be combined.
Answer<> check_allocation_mode(int mode) {
  constexpr int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
                        FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
  if ((mode & ~known) != 0) return error(EOPNOTSUPP);
  const bool punches = (mode & FALLOC_FL_PUNCH_HOLE) != 0;
  if (punches && (mode & FALLOC_FL_ZERO_RANGE) != 0) return error(EOPNOTSUPP);
  if (punches && (mode & FALLOC_FL_KEEP_SIZE) == 0) return error(EOPNOTSUPP);
  for (const int alone : {FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE})
    if ((mode & alone) != 0 && mode != alone) return error(EINVAL);
  if ((mode & FALLOC_FL_UNSHARE_RANGE) != 0 && (mode & ~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE)) != 0)
    return error(EINVAL);
  return {};
}

}  // namespace

Answer<std::uint64_t> fallocate(Call& call) {
  const auto offset = static_cast<std::int64_t>(call.c()), bytes = static_cast<std::int64_t>(call.d());
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (offset < 0 || bytes <= 0) return error(EINVAL);
  TRY(check_allocation_mode(Call::as_int(call.b())));
  if (!file->writable()) return error(EBADF);
  if (file->pipe() != nullptr) return error(ESPIPE);
  if (offset > 0x7fffffffffffffff - bytes) return error(EFBIG);
  TRY(file->allocate(Call::as_int(call.b()), call.c(), call.d(), call.thread));
  tell_file(*file, file_event::modify);
  return std::uint64_t{0};
}

Answer<std::uint64_t> fadvise64(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (file->pipe() != nullptr) return error(ESPIPE);
  constexpr int last_advice = 5;
  const int advice = Call::as_int(call.d());
  return advice < 0 || advice > last_advice ? error(EINVAL) : Answer<std::uint64_t>(0);
}

// A hint: what is read is fetched ahead as it is read.
Answer<std::uint64_t> readahead(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (!file->readable()) return error(EBADF);
  if (file->node() == nullptr || file->node()->type() != file_mode::regular) return error(EINVAL);
  return std::uint64_t{0};
}

Answer<std::uint64_t> sync_file_range(Call& call) {
  constexpr int all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const auto offset = static_cast<std::int64_t>(call.b()), bytes = static_cast<std::int64_t>(call.c());
  const int flags = Call::as_int(call.d());
  if ((flags & ~all) != 0 || offset < 0 || bytes < 0 || offset > 0x7fffffffffffffff - bytes) return error(EINVAL);
  if (file->node() == nullptr) return error(ESPIPE);
  const std::uint32_t type = file->node()->type();
  if (type != file_mode::regular && type != file_mode::block && type != file_mode::directory) return error(ESPIPE);
  if (flags != 0) TRY(file->synchronize(true, call.thread));
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
