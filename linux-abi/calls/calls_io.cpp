// SPDX-License-Identifier: Apache-2.0
// Reading, writing and what follows from it: see calls_files.h.
#include <linux/fs.h>

#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/file_owners.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/tree.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

Answer<std::uint64_t> read(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return read_to_user(call.thread, *file, std::span(&vector, 1), {});
}

Answer<std::uint64_t> write(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return write_from_user(call.thread, *file, std::span(&vector, 1), {});
}

Answer<std::uint64_t> readv(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return read_to_user(call.thread, *file, vectors.span(), {});
}

Answer<std::uint64_t> writev(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return write_from_user(call.thread, *file, vectors.span(), {});
}

Answer<std::uint64_t> pread64(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return read_to_user(call.thread, *file, std::span(&vector, 1), place);
}

Answer<std::uint64_t> pwrite64(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return write_from_user(call.thread, *file, std::span(&vector, 1), place);
}

Answer<std::uint64_t> lseek(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  return file->seek(static_cast<std::int64_t>(call.b()), Call::as_int(call.c()), call.thread);
}

namespace {

// What shares blocks of another file names it: EBADF comes before what the own file has to say.
Answer<std::uint64_t> clone_control(Call& call, OpenFile& file, std::uint32_t request) {
  std::uint64_t source = call.c();
  if (request == FICLONERANGE) source = TRY(UserIn<std::uint64_t>(call.c()).read());
  TRY(real_file(call, source));
  const auto answer = file.control(request, call.c(), call.thread);
  return !answer && answer.error() == ENOTTY ? error(EINVAL) : answer;  // of something that is no file
}

}  // namespace

Answer<std::uint64_t> ioctl(Call& call) {
  constexpr std::uint32_t set_close_on_exec = 0x5451, clear_close_on_exec = 0x5450, set_non_blocking = 0x5421;
  const OpenFileReference file = TRY(real_file(call, call.a()));
  const auto request = static_cast<std::uint32_t>(call.b());
  DescriptorTable& descriptors = call.thread.descriptors();
  switch (request) {
    case set_close_on_exec:
    case clear_close_on_exec:
      TRY(descriptors.set_close_on_exec(Call::as_int(call.a()),
                                        request == set_close_on_exec ? CloseOnExec::Yes : CloseOnExec::No));
      return std::uint64_t{0};
    case set_non_blocking: {
      constexpr int non_blocking = 04000;
      const bool on = TRY(UserIn<std::int32_t>(call.c()).read()) != 0;
      file->set_flags(on ? file->flags() | non_blocking : file->flags() & ~non_blocking);
      return std::uint64_t{0};
    }
    case owner_request::set_asynchronous:
      return file_owner_control(call, *file, request);
    case FICLONE:
    case FICLONERANGE:
      return clone_control(call, *file, request);
    default:
      if (file->socket() != nullptr && owner_request::is_of_socket(request))
        return file_owner_control(call, *file, request);
      return file->control(request, call.c(), call.thread);
  }
}

Answer<std::uint64_t> fsync(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  TRY(file->synchronize(false, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> fdatasync(Call& call) {
  const OpenFileReference file = TRY(real_file(call, call.a()));
  TRY(file->synchronize(true, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sync(Call& call) {
  // sync(2) has nobody to tell an error to.
  (void)home_system_of(call.thread.file_context().tree()).synchronize(call.thread);
  return std::uint64_t{0};
}

Answer<std::uint64_t> syncfs(Call& call) {
  TRY(real_file(call, call.a()));
  TRY(home_system_of(call.thread.file_context().tree()).synchronize(call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> ftruncate(Call& call) {
  if (static_cast<std::int64_t>(call.b()) < 0) return error(EINVAL);
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (!file->writable()) return error(EINVAL);
  TRY(file->truncate(call.b(), call.thread));
  tell_file(*file, file_event::modify);
  return std::uint64_t{0};
}

}  // namespace linux_abi::calls
