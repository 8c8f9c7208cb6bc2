// SPDX-License-Identifier: Apache-2.0
// Reading, writing and what follows from it: see calls_files.h.
#include <algorithm>

#include "arch/x86_64/user_ptr.h"
#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/tree.h"

namespace linux_abi::calls {

using arch::UserIn;
using arch::UserOut;

namespace {

Answer<OpenFileReference> file_of(Call& call, std::uint64_t descriptor) {
  return call.thread.descriptors().get(Call::as_int(descriptor));
}

Answer<IoPlace> place_at(std::uint64_t offset) {
  if (static_cast<std::int64_t>(offset) < 0) return error(EINVAL);
  return IoPlace{true, offset};
}

}  // namespace

Answer<std::uint64_t> read(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return read_to_user(call.thread, *file, std::span(&vector, 1), {});
}

Answer<std::uint64_t> write(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return write_from_user(call.thread, *file, std::span(&vector, 1), {});
}

Answer<std::uint64_t> readv(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return read_to_user(call.thread, *file, vectors.span(), {});
}

Answer<std::uint64_t> writev(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return write_from_user(call.thread, *file, vectors.span(), {});
}

Answer<std::uint64_t> pread64(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return read_to_user(call.thread, *file, std::span(&vector, 1), place);
}

Answer<std::uint64_t> pwrite64(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const UserVector vector{call.b(), call.c()};
  return write_from_user(call.thread, *file, std::span(&vector, 1), place);
}

Answer<std::uint64_t> preadv(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return read_to_user(call.thread, *file, vectors.span(), place);
}

Answer<std::uint64_t> pwritev(Call& call) {
  const IoPlace place = TRY(place_at(call.d()));
  const OpenFileReference file = TRY(file_of(call, call.a()));
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  return write_from_user(call.thread, *file, vectors.span(), place);
}

Answer<std::uint64_t> lseek(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  return file->seek(static_cast<std::int64_t>(call.b()), Call::as_int(call.c()), call.thread);
}

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
    default:
      return file->control(request, call.c(), call.thread);
  }
}

namespace {

// Copies through a kernel buffer from one file to another until `bytes` are done or the source ends.
Answer<std::uint64_t> copy_between(Call& call, OpenFile& in, IoPlace in_place, OpenFile& out, IoPlace out_place,
                                   std::uint64_t bytes) {
  if (!in.readable() || !out.writable()) return error(EBADF);
  base::Array<std::byte> buffer;
  TRY(buffer.resize(std::min<std::uint64_t>(std::max<std::uint64_t>(bytes, 1), 65536)));
  std::uint64_t done = 0;
  while (done < bytes) {
    const auto piece = buffer.span().first(std::min<std::uint64_t>(bytes - done, buffer.size()));
    const auto read =
        in_place.has_offset ? in.read_at(in_place.offset + done, piece, call.thread) : in.read(piece, call.thread);
    if (!read) return done > 0 ? Answer<std::uint64_t>(done) : std::unexpected(read.error());
    if (*read == 0) return done;
    for (std::size_t put = 0; put < *read;) {
      const auto rest = piece.first(*read).subspan(put);
      const auto written = out_place.has_offset ? out.write_at(out_place.offset + done, rest, call.thread)
                                                : out.write(rest, call.thread);
      if (!written) return done > 0 ? Answer<std::uint64_t>(done) : std::unexpected(written.error());
      put += *written;
      done += *written;
    }
  }
  return done;
}

// The offset that a user's pointer holds; without one the file's own position.
Answer<IoPlace> place_from(std::uint64_t pointer) {
  if (pointer == 0) return IoPlace{};
  const std::uint64_t offset = TRY(UserIn<std::uint64_t>(pointer).read());
  return place_at(offset);
}
Answer<> advance(std::uint64_t pointer, const IoPlace& place, std::uint64_t done) {
  if (pointer != 0) TRY(UserOut<std::uint64_t>(pointer).write(place.offset + done));
  return {};
}

}  // namespace

Answer<std::uint64_t> sendfile(Call& call) {
  const OpenFileReference out = TRY(file_of(call, call.a())), in = TRY(file_of(call, call.b()));
  // From what may wait for more (terminals, pipes) programs fall back to read().
  if (in->node() == nullptr || in->node()->type() != file_mode::regular) return error(EINVAL);
  const IoPlace from = TRY(place_from(call.c()));
  const std::uint64_t done = TRY(copy_between(call, *in, from, *out, {}, call.d()));
  TRY(advance(call.c(), from, done));
  return done;
}

Answer<std::uint64_t> copy_file_range(Call& call) {
  if (call.f() != 0) return error(EINVAL);
  const OpenFileReference in = TRY(file_of(call, call.a())), out = TRY(file_of(call, call.c()));
  if (in->node() == nullptr || out->node() == nullptr) return error(EINVAL);
  if (in->node()->is_directory() || out->node()->is_directory()) return error(EISDIR);
  const IoPlace from = TRY(place_from(call.b())), to = TRY(place_from(call.d()));
  const std::uint64_t done = TRY(copy_between(call, *in, from, *out, to, call.e()));
  TRY(advance(call.b(), from, done));
  TRY(advance(call.d(), to, done));
  return done;
}

Answer<std::uint64_t> fsync(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  TRY(file->synchronize(false, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> fdatasync(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  TRY(file->synchronize(true, call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> sync(Call& call) {
  // sync(2) has nobody to tell an error to.
  (void)home_system_of(call.thread.file_context().tree()).synchronize(call.thread);
  return std::uint64_t{0};
}

Answer<std::uint64_t> syncfs(Call& call) {
  TRY(file_of(call, call.a()));
  TRY(home_system_of(call.thread.file_context().tree()).synchronize(call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> ftruncate(Call& call) {
  if (static_cast<std::int64_t>(call.b()) < 0) return error(EINVAL);
  const OpenFileReference file = TRY(file_of(call, call.a()));
  if (!file->writable()) return error(EINVAL);
  TRY(file->truncate(call.b(), call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> fallocate(Call& call) {
  const auto offset = static_cast<std::int64_t>(call.c()), bytes = static_cast<std::int64_t>(call.d());
  if (offset < 0 || bytes <= 0) return error(EINVAL);
  const OpenFileReference file = TRY(file_of(call, call.a()));
  if (!file->writable()) return error(EBADF);
  TRY(file->allocate(Call::as_int(call.b()), call.c(), call.d(), call.thread));
  return std::uint64_t{0};
}

Answer<std::uint64_t> fadvise64(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  if (file->pipe() != nullptr) return error(ESPIPE);
  constexpr int last_advice = 5;
  const int advice = Call::as_int(call.d());
  return advice < 0 || advice > last_advice ? error(EINVAL) : Answer<std::uint64_t>(0);
}

Answer<std::uint64_t> getdents64(Call& call) {
  const OpenFileReference file = TRY(file_of(call, call.a()));
  base::Array<std::byte> entries;
  TRY(entries.resize(std::min<std::uint64_t>(call.c(), 32768)));
  const std::size_t bytes = TRY(file->read_directory(entries.span(), call.thread));
  TRY(call.thread.copy_out(call.b(), entries.span().first(bytes)));
  return bytes;
}

}  // namespace linux_abi::calls
