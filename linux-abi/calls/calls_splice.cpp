// SPDX-License-Identifier: Apache-2.0
// splice, tee and vmsplice: moving bytes to and from pipes, by copying; see calls_files.h. What was taken from a pipe
// and cannot be passed on goes back in front of it.
#include <linux/fcntl.h>

#include <algorithm>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/pipe_buffer.h"

namespace linux_abi::calls {

namespace {

constexpr std::uint32_t non_blocking_flag = 2, all_flags = 15;  // SPLICE_F_NONBLOCK, SPLICE_F_*
constexpr std::size_t piece_bytes = 65536;

Answer<base::Array<std::byte>> piece_for(std::uint64_t bytes) {
  base::Array<std::byte> piece;
  TRY(piece.resize(std::min<std::uint64_t>(bytes, piece_bytes)));
  return piece;
}

// Something was moved: that is the answer.
Answer<std::uint64_t> moved(Call& call, std::uint64_t done, Errno failure) {
  if (done > 0) return done;
  if (failure == EPIPE) call.thread.raise(sig::pipe);
  return std::unexpected(failure);
}

Answer<std::uint64_t> from_file(Call& call, OpenFile& in, IoPlace place, PipeBuffer& out, std::uint64_t bytes,
                                bool non_blocking) {
  auto piece = TRY(piece_for(bytes));
  std::uint64_t done = 0;
  while (done < bytes) {
    // Only the first piece waits for room.
    if (const Answer<> room = out.wait_for_room(non_blocking || done > 0, call.thread); !room)
      return moved(call, done, room.error());
    const auto part = piece.span().first(std::min<std::uint64_t>({bytes - done, piece.size(), out.room()}));
    const auto read =
        place.has_offset ? in.read_at(place.offset + done, part, call.thread) : in.read(part, call.thread);
    if (!read) return moved(call, done, read.error());
    if (*read == 0) return done;
    const auto put = out.write(part.first(*read), false, call.thread);
    const std::size_t passed_on = put ? *put : 0;
    // Another writer took the room, and a signal ended the wait for more.
    if (passed_on < *read && !place.has_offset)
      (void)in.seek(-static_cast<std::int64_t>(*read - passed_on), 1, call.thread);
    done += passed_on;
    if (!put) return moved(call, done, put.error());
    if (passed_on < part.size() || !in.continues()) return done;
  }
  return done;
}

Answer<std::uint64_t> to_file(Call& call, PipeBuffer& in, OpenFile& out, IoPlace place, std::uint64_t bytes,
                              bool non_blocking) {
  auto piece = TRY(piece_for(bytes));
  std::uint64_t done = 0;
  while (done < bytes) {
    const auto read = in.read(piece.span().first(std::min<std::uint64_t>(bytes - done, piece.size())),
                              non_blocking || done > 0, call.thread);
    if (!read) return moved(call, done, read.error());
    if (*read == 0) return done;
    for (std::size_t put = 0; put < *read;) {
      const auto rest = std::as_const(piece).span().subspan(put, *read - put);
      const auto written =
          place.has_offset ? out.write_at(place.offset + done, rest, call.thread) : out.write(rest, call.thread);
      if (!written || *written == 0) {
        if (!in.put_back(rest)) return error(ENOMEM);
        return written ? Answer<std::uint64_t>(done) : moved(call, done, written.error());
      }
      put += *written;
      done += *written;
    }
  }
  return done;
}

enum class Takes : std::uint8_t { Yes, No };  // tee leaves what it copies

Answer<std::uint64_t> between_pipes(Call& call, PipeBuffer& in, PipeBuffer& out, std::uint64_t bytes, Takes takes,
                                    bool non_blocking) {
  auto piece = TRY(piece_for(bytes));
  while (true) {
    TRY(in.wait_for_bytes(non_blocking, call.thread));
    if (const Answer<> room = out.wait_for_room(non_blocking, call.thread); !room) return moved(call, 0, room.error());
    const auto part = piece.span().first(std::min<std::uint64_t>({bytes, piece.size(), out.room()}));
    const std::size_t got = takes == Takes::Yes ? in.try_read(part) : in.peek(part);
    if (got == 0 && !in.has_writers() && in.bytes() == 0) return std::uint64_t{0};
    if (got == 0) continue;  // another thread was faster
    const std::size_t put = out.try_write(part.first(got));
    if (takes == Takes::Yes && put < got && !in.put_back(part.first(got).subspan(put))) return error(ENOMEM);
    if (put > 0) return put;
  }
}

struct TwoFiles {
  OpenFileReference in, out;
  PipeBuffer* in_pipe = nullptr;
  PipeBuffer* out_pipe = nullptr;
};

Answer<TwoFiles> two_files(Call& call, std::uint64_t in, std::uint64_t out) {
  TwoFiles files;
  files.in = TRY(real_file(call, in));
  files.out = TRY(real_file(call, out));
  files.in_pipe = files.in->pipe();
  files.out_pipe = files.out->pipe();
  return files;
}

Answer<> check_access(const TwoFiles& files) {
  return files.in->readable() && files.out->writable() ? Answer<>() : error(EBADF);
}

// What has bytes: files with names, and sockets; not descriptors of events and the like.
bool can_be_spliced(OpenFile& file) {
  return file.socket() != nullptr || file.is_terminal() || (file.node() != nullptr && !file.node()->is_directory());
}

bool waits_not(const OpenFile& file, std::uint32_t flags) {
  return file.non_blocking() || (flags & non_blocking_flag) != 0;
}

}  // namespace

Answer<std::uint64_t> splice(Call& call) {
  const std::uint64_t bytes = std::min<std::uint64_t>(call.e(), 0x7ffff000);
  const auto flags = static_cast<std::uint32_t>(call.f());
  if (bytes == 0) return std::uint64_t{0};
  if ((flags & ~all_flags) != 0) return error(EINVAL);
  const TwoFiles files = TRY(two_files(call, call.a(), call.c()));
  if ((files.in_pipe != nullptr && call.b() != 0) || (files.out_pipe != nullptr && call.d() != 0)) return error(ESPIPE);
  const IoPlace in_place = TRY(place_from(call.b())), out_place = TRY(place_from(call.d()));
  TRY(check_access(files));
  if (files.in_pipe != nullptr && files.out_pipe != nullptr) {
    if (files.in_pipe == files.out_pipe) return error(EINVAL);
    return between_pipes(call, *files.in_pipe, *files.out_pipe, bytes, Takes::Yes,
                         waits_not(*files.in, flags) || files.out->non_blocking());
  }
  if (files.in_pipe != nullptr) {
    if (call.d() != 0 && !files.out->seek(0, 1, call.thread)) return error(EINVAL);
    if ((files.out->flags() & O_APPEND) != 0) return error(EINVAL);
    if (!can_be_spliced(*files.out)) return error(EINVAL);
    const std::uint64_t done =
        TRY(to_file(call, *files.in_pipe, *files.out, out_place, bytes, waits_not(*files.in, flags)));
    TRY(advance(call.d(), out_place, done));
    if (done > 0) tell_file(*files.out, file_event::modify);
    return done;
  }
  if (files.out_pipe == nullptr) return error(EINVAL);
  if (call.b() != 0 && !files.in->seek(0, 1, call.thread)) return error(EINVAL);
  if (!can_be_spliced(*files.in)) return error(EINVAL);
  const std::uint64_t done =
      TRY(from_file(call, *files.in, in_place, *files.out_pipe, bytes, waits_not(*files.out, flags)));
  TRY(advance(call.b(), in_place, done));
  if (done > 0) tell_file(*files.in, file_event::access);
  return done;
}

Answer<std::uint64_t> tee(Call& call) {
  const auto flags = static_cast<std::uint32_t>(call.d());
  if ((flags & ~all_flags) != 0) return error(EINVAL);
  if (call.c() == 0) return std::uint64_t{0};
  const TwoFiles files = TRY(two_files(call, call.a(), call.b()));
  TRY(check_access(files));
  if (files.in_pipe == nullptr || files.out_pipe == nullptr || files.in_pipe == files.out_pipe) return error(EINVAL);
  return between_pipes(call, *files.in_pipe, *files.out_pipe, call.c(), Takes::No,
                       waits_not(*files.in, flags) || files.out->non_blocking());
}

namespace {

// As much as there is room for; waits for some.
Answer<std::uint64_t> from_memory(Call& call, PipeBuffer& out, std::span<const UserVector> vectors, bool non_blocking) {
  UserVectors user(vectors);
  if (user.left() == 0) return std::uint64_t{0};
  auto piece = TRY(piece_for(user.left()));
  if (const Answer<> room = out.wait_for_room(non_blocking, call.thread); !room) return moved(call, 0, room.error());
  std::uint64_t done = 0;
  while (user.left() > 0) {
    const auto wanted = piece.span().first(std::min<std::uint64_t>({user.left(), piece.size(), out.room()}));
    if (wanted.empty()) return done;
    const std::size_t copied = user.copy_in(wanted);
    const auto put = out.write(wanted.first(copied), false, call.thread);
    if (!put) return moved(call, done, put.error());
    done += *put;
    if (copied < wanted.size()) return done > 0 ? Answer<std::uint64_t>(done) : error(EFAULT);
  }
  return done;
}

}  // namespace

Answer<std::uint64_t> vmsplice(Call& call) {
  const auto flags = static_cast<std::uint32_t>(call.d());
  if ((flags & ~all_flags) != 0) return error(EINVAL);
  const OpenFileReference file = TRY(real_file(call, call.a()));
  if (file->pipe() == nullptr) return error(EBADF);
  const auto vectors = TRY(read_vectors(call.b(), call.c()));
  if (file->writable()) return from_memory(call, *file->pipe(), vectors.span(), waits_not(*file, flags));
  if (!file->readable()) return error(EBADF);
  if (UserVectors(vectors.span()).left() == 0) return std::uint64_t{0};
  if ((flags & non_blocking_flag) != 0) TRY(file->pipe()->wait_for_bytes(true, call.thread));
  return read_to_user(call.thread, *file, vectors.span(), {});
}

}  // namespace linux_abi::calls
