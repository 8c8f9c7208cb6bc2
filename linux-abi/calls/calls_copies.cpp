// SPDX-License-Identifier: Apache-2.0
// Copying from file to file inside the kernel: sendfile, copy_file_range; see calls_files.h.
#include <algorithm>

#include "linux-abi/calls/calls_files.h"
#include "linux-abi/calls/path_arguments.h"
#include "linux-abi/calls/user_io.h"
#include "linux-abi/files/file_watches.h"

namespace linux_abi::calls {

namespace {

// Copies through a kernel buffer from one file to another until `bytes` are done or the source ends.
Answer<std::uint64_t> copy_pieces(Call& call, OpenFile& in, IoPlace in_place, OpenFile& out, IoPlace out_place,
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

Answer<std::uint64_t> copy_between(Call& call, OpenFile& in, IoPlace in_place, OpenFile& out, IoPlace out_place,
                                   std::uint64_t bytes) {
  const auto done = copy_pieces(call, in, in_place, out, out_place, bytes);
  if (done && *done > 0) {
    tell_file(in, file_event::access);
    tell_file(out, file_event::modify);
  }
  return done;
}

}  // namespace

Answer<std::uint64_t> sendfile(Call& call) {
  const OpenFileReference out = TRY(real_file(call, call.a())), in = TRY(real_file(call, call.b()));
  // From what may wait for more (terminals, pipes) programs fall back to read().
  if (in->node() == nullptr || in->node()->type() != file_mode::regular) return error(EINVAL);
  const IoPlace from = TRY(place_from(call.c()));
  const std::uint64_t done = TRY(copy_between(call, *in, from, *out, {}, call.d()));
  TRY(advance(call.c(), from, done));
  return done;
}

Answer<std::uint64_t> copy_file_range(Call& call) {
  if (call.f() != 0) return error(EINVAL);
  const OpenFileReference in = TRY(real_file(call, call.a())), out = TRY(real_file(call, call.c()));
  if (in->node() == nullptr || out->node() == nullptr) return error(EINVAL);
  if (in->node()->is_directory() || out->node()->is_directory()) return error(EISDIR);
  const IoPlace from = TRY(place_from(call.b())), to = TRY(place_from(call.d()));
  const std::uint64_t done = TRY(copy_between(call, *in, from, *out, to, call.e()));
  TRY(advance(call.b(), from, done));
  TRY(advance(call.d(), to, done));
  return done;
}

}  // namespace linux_abi::calls
