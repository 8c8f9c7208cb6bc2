// SPDX-License-Identifier: Apache-2.0
// Open ends of pipes and fifos: see fifo.h.
#include "linux-abi/files/fifo.h"

#include <linux/fcntl.h>

#include <algorithm>
#include <boost/intrusive/list.hpp>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/pipe_buffer.h"
#include "linux-abi/files/user_values.h"

namespace linux_abi {
namespace {

constexpr int signal_pipe = 13;  // SIGPIPE

// A pipe with its name, if it has one. Lives while an end is open.
struct Pipe : processor::Counted, boost::intrusive::list_base_hook<> {
  PipeBuffer buffer;
  std::uint64_t inode = 0;
  std::uint64_t device = 0, file = 0;  // of a fifo
  bool named = false;
  void last_reference_gone();
};

base::SpinLock fifos_lock{base::LockRank::Process};
boost::intrusive::list<Pipe> fifos;  // the named ones; guarded by fifos_lock

void Pipe::last_reference_gone() {
  if (named) {
    const base::SpinGuard guard(fifos_lock);
    if (is_linked()) fifos.erase(fifos.iterator_to(*this));
  }
  base::Own<Pipe>(this).reset();
}

class PipeEnd final : public OpenFile {
 public:
  PipeEnd(processor::Reference<Pipe> pipe, int flags, PlaceReference place)
      : OpenFile(flags), pipe_(std::move(pipe)), place_(std::move(place)) {
    if (readable()) pipe_->buffer.add_reader();
    if (writable()) pipe_->buffer.add_writer();
  }
  ~PipeEnd() override {
    if (readable()) pipe_->buffer.remove_reader();
    if (writable()) pipe_->buffer.remove_writer();
  }

  PipeBuffer& buffer() { return pipe_->buffer; }

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    return pipe_->buffer.read(to, non_blocking(), caller);
  }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    const auto done =
        pipe_->buffer.write(from, non_blocking(), caller, (flags() & O_DIRECT) != 0 ? Framing::Packets : Framing::None);
    if (!done && done.error() == EPIPE) caller.raise(signal_pipe);
    return done;
  }
  Answer<FileStatus> status(Caller& caller) override {
    if (place_) return place_->node().status(caller);
    const Credentials& user = caller.credentials();
    return FileStatus{.inode = pipe_->inode, .mode = file_mode::fifo | 0600, .uid = user.uid, .gid = user.gid};
  }
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    constexpr std::uint32_t bytes_to_read = 0x541b;  // FIONREAD
    if (request != bytes_to_read) return error(ENOTTY);
    return copy_value_out(caller, argument, static_cast<std::int32_t>(pipe_->buffer.bytes()));
  }
  Answer<OpenFileReference> open_again(int flags, Caller& caller) override;
  std::uint32_t poll_events() override { return pipe_->buffer.events(readable(), writable()); }
  PollSource* poll_source() override { return &pipe_->buffer.source(); }
  std::size_t describe(std::span<char> to, Caller& caller) override {
    return place_ ? describe_place(*place_, to, caller) : describe_numbered("pipe", pipe_->inode, to);
  }
  Place* place() override { return place_.get(); }
  Node* node() override { return place_ ? &place_->node() : nullptr; }
  PipeBuffer* pipe() override { return &pipe_->buffer; }

 private:
  void close() override { base::Own<PipeEnd>(this).reset(); }

  processor::Reference<Pipe> pipe_;
  PlaceReference place_;
};

Answer<processor::Reference<Pipe>> create_pipe(std::size_t capacity) {
  auto pipe = base::make<Pipe>();
  if (!pipe) return error(ENOMEM);
  TRY(pipe->buffer.allocate(capacity));
  pipe->inode = next_anonymous_inode();
  return processor::Reference<Pipe>(*pipe.release());
}

Answer<processor::Reference<Pipe>> named_pipe(std::uint64_t device, std::uint64_t file, std::size_t capacity) {
  auto fresh = TRY(create_pipe(capacity));
  const base::SpinGuard guard(fifos_lock);
  for (Pipe& pipe : fifos)
    if (pipe.device == device && pipe.file == file && processor::ReferenceCount<Pipe>::try_take(pipe))
      return processor::Reference<Pipe>::adopt(pipe);
  fresh->named = true;
  fresh->device = device;
  fresh->file = file;
  fifos.push_back(*fresh);
  return fresh;
}

Answer<OpenFileReference> open_end(processor::Reference<Pipe> pipe, int flags, PlaceReference place) {
  auto end = base::make<PipeEnd>(std::move(pipe), flags, std::move(place));
  if (!end) return error(ENOMEM);
  return OpenFileReference(*end.release());
}

Answer<OpenFileReference> open_and_wait(processor::Reference<Pipe> pipe, int flags, PlaceReference place,
                                        Caller& caller) {
  const int mode = flags & O_ACCMODE;
  const bool waits = (flags & O_NONBLOCK) == 0;
  if (mode == O_WRONLY && !waits && !pipe->buffer.has_readers()) return error(ENXIO);
  OpenFileReference end = TRY(open_end(pipe, flags, std::move(place)));
  if (mode == O_RDONLY && waits) TRY(pipe->buffer.wait_for_writer(caller));
  if (mode == O_WRONLY && waits) TRY(pipe->buffer.wait_for_reader(caller));
  return end;
}

// A pipe without a name, opened at /proc/PID/fd, is never waited for: its other end may be gone for good.
Answer<OpenFileReference> PipeEnd::open_again(int flags, Caller& caller) {
  if (!pipe_->named) return open_end(pipe_, flags, {});
  return open_and_wait(pipe_, flags, place_, caller);
}

}  // namespace

std::size_t first_capacity(const Credentials& user) {
  if (user.may(Capability::Resources)) return pipe_default_bytes;
  return std::min<std::size_t>(pipe_default_bytes, pipe_max_bytes.load(std::memory_order_relaxed));
}

Answer<OpenFileReference> open_fifo(std::uint64_t device, std::uint64_t file, int flags, PlaceReference place,
                                    Caller& caller) {
  return open_and_wait(TRY(named_pipe(device, file, first_capacity(caller.credentials()))), flags, std::move(place),
                       caller);
}

Answer<PipeEnds> make_pipe(int flags, std::size_t capacity) {
  auto pipe = TRY(create_pipe(capacity));
  PipeEnds ends;
  ends.reader = TRY(open_end(pipe, O_RDONLY | flags, {}));
  ends.writer = TRY(open_end(pipe, O_WRONLY | flags, {}));
  return ends;
}

}  // namespace linux_abi
