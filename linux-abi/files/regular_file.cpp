// SPDX-License-Identifier: Apache-2.0
// An open regular file: see regular_file.h.
#include "linux-abi/files/regular_file.h"

#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/file_locks.h"
#include "linux-abi/files/user_values.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 44;  // ext4 with 4 KiB blocks: 16 TiB
constexpr int signal_file_size = 25;                              // SIGXFSZ
constexpr int resource_file_size = 1;                             // RLIMIT_FSIZE

class RegularFile final : public OpenFile {
 public:
  RegularFile(HomeNode& node, int flags, PlaceReference place, processor::Reference<processor::SharedObject> data)
      : OpenFile(flags),
        node_(node),
        place_(std::move(place)),
        data_(std::move(data)),
        use_(writes(flags) ? Use::Writes : Use::Reads) {
    if (use_ == Use::Writes && place_->mount() != nullptr) place_->mount()->add_writer();
  }
  // Who opens a file for writing has begun_writing().
  static bool writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    TRY(position_lock_.lock_killable());
    const auto done = read_at(position_, to, caller);
    if (done) position_ += *done;
    position_lock_.unlock();
    return done;
  }

  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override {
    const std::size_t done = TRY(processor::read_object(*data_, offset, to, caller.sleeper()));
    was_accessed(caller);
    return done;
  }

  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    return write_to({.appends = (flags() & O_APPEND) != 0}, from, caller);
  }

  Answer<std::size_t> write_at(std::uint64_t offset, std::span<const std::byte> from, Caller& caller) override {
    return write_to({.has_offset = true, .offset = offset, .appends = (flags() & O_APPEND) != 0}, from, caller);
  }

  Answer<std::size_t> write_to(const WritePlace& place, std::span<const std::byte> from, Caller& caller) override {
    std::uint64_t position = place.offset;
    if (place.has_offset) return write_somewhere(position, place.appends, from, caller);
    TRY(position_lock_.lock_killable());
    const auto done = write_somewhere(position_, place.appends, from, caller);
    position_lock_.unlock();
    return done;
  }

  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller& caller) override {
    threads::MutexGuard guard(position_lock_);
    const auto bytes = static_cast<std::int64_t>(node_->bytes());
    std::int64_t base = 0;
    switch (whence) {
      case SEEK_SET:
        break;
      case SEEK_CUR:
        base = static_cast<std::int64_t>(position_);
        break;
      case SEEK_END:
        base = bytes;
        break;
      case SEEK_DATA:
      case SEEK_HOLE:
        if (offset < 0 || offset >= bytes) return error(ENXIO);
        position_ = TRY(node_->seek_extent(
            static_cast<std::uint64_t>(offset),
            whence == SEEK_DATA ? messages::Extents::NextData : messages::Extents::NextHole, caller));
        return position_;
      default:
        return error(EINVAL);
    }
    std::int64_t target = 0;
    if (__builtin_add_overflow(base, offset, &target)) return error(EOVERFLOW);
    if (target < 0 || static_cast<std::uint64_t>(target) > max_file_bytes) return error(EINVAL);
    position_ = static_cast<std::uint64_t>(target);
    return position_;
  }

  bool continues() const override { return true; }
  Answer<FileStatus> status(Caller& caller) override { return node_->status(caller); }
  Answer<processor::Reference<processor::SharedObject>> mappable(Caller& caller) override {
    was_accessed(caller);
    return data_;
  }

  Answer<std::uint32_t> add_seals(std::uint32_t added) override {
    if (!node_->home_system().in_memory()) return error(EINVAL);
    if (added == 0) return node_->seals();
    if (!writable()) return error(EPERM);
    threads::MutexGuard guard(node_->mutex());
    if ((node_->seals() & seal::seal) != 0) return error(EPERM);
    if ((added & seal::write) != 0 && !node_->write_sealed() && processor::is_mapped_for_writing(*data_))
      return error(EBUSY);
    node_->set_seals(node_->seals() | added);
    return node_->seals();
  }
  bool write_sealed() const override { return node_->write_sealed(); }

  Answer<> execute() override {
    LEGO_ASSERT(use_ == Use::Reads);
    TRY(node_->text_use().begin_executing());
    use_ = Use::Executes;
    return {};
  }

  Answer<> truncate(std::uint64_t bytes, Caller& caller) override {
    TRY(check_size(bytes, caller));
    return node_->truncate(bytes, caller);
  }

  Answer<> allocate(int mode, std::uint64_t offset, std::uint64_t bytes, Caller& caller) override {
    const bool zeroes = (mode & FALLOC_FL_ZERO_RANGE) != 0, keeps_size = (mode & FALLOC_FL_KEEP_SIZE) != 0;
    if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE)) != 0) return error(EOPNOTSUPP);
    const std::uint64_t end = offset + bytes;
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) return node_->punch(offset, bytes, caller);
    TRY(check_size(end, caller));
    if (end > node_->bytes() && (node_->seals() & seal::grow) != 0) return error(EPERM);
    if (zeroes) TRY(node_->punch(offset, bytes, caller));
    TRY(reserve(offset, bytes, caller));
    if (!keeps_size && end > node_->bytes()) return node_->truncate(end, caller);
    return {};
  }

  Answer<> synchronize(bool data_only, Caller& caller) override {
    return node_->synchronize(data_only, caller.sleeper());
  }

  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    if (request == FICLONE || request == FICLONERANGE || request == FIDEDUPERANGE) return error(EOPNOTSUPP);
    if (request != bytes_left_request) return error(ENOTTY);
    threads::MutexGuard guard(position_lock_);
    // Of more than an int holds the lower half, and less than 0 behind the end: as in Linux.
    return copy_value_out(caller, argument, static_cast<std::int32_t>(node_->bytes() - position_));
  }

  std::size_t describe(std::span<char> to, Caller& caller) override { return describe_place(*place_, to, caller); }
  Place* place() override { return place_.get(); }
  Node* node() override { return node_.get(); }

 private:
  static constexpr std::uint32_t bytes_left_request = 0x541b;
  enum class Use : std::uint8_t { Reads, Writes, Executes };

  void descriptor_closed(std::uint64_t process) override { release_record_locks(*node_, process); }

  void close() override {
    const auto owner = reinterpret_cast<std::uint64_t>(static_cast<OpenFile*>(this));
    release_whole_lock(*node_, {owner, 0});
    release_record_locks(*node_, owner);
    if (use_ == Use::Writes) {
      node_->text_use().end_writing();
      if (place_->mount() != nullptr) place_->mount()->drop_writer();
    }
    if (use_ == Use::Executes) node_->text_use().end_executing();
    base::Own<RegularFile>(this).reset();
  }

  void was_accessed(Caller& caller) {
    if ((flags() & O_NOATIME) == 0) node_->accessed(place_->mount(), caller.wall_time_ns());
  }

  // What may be written from `offset` on: EFBIG (and SIGXFSZ) at the limits.
  static Answer<std::uint64_t> room(std::uint64_t offset, Caller& caller) {
    const std::uint64_t limit = std::min(caller.limit(resource_file_size), max_file_bytes);
    if (offset < limit) return limit - offset;
    if (limit != max_file_bytes) caller.raise(signal_file_size);
    return error(EFBIG);
  }
  static Answer<> check_size(std::uint64_t bytes, Caller& caller) {
    if (bytes > 0) TRY(room(bytes - 1, caller));
    return {};
  }

  Answer<> reserve(std::uint64_t offset, std::uint64_t bytes, Caller& caller) {
    TRY(node_->mutex().lock_killable());
    Answer<> dropped = node_->drop_set_id_bits(caller);
    node_->mutex().unlock();
    TRY(dropped);
    messages::FileReserveRequest request;
    request.file = node_->id();
    request.offset = offset;
    request.bytes = bytes;
    TRY(node_->home_system().ask_for_room(request, caller.sleeper()));
    node_->leaves_hole();
    node_->home_system().space_changed();
    return {};
  }

  // Moves `position` to the end of what was written.
  Answer<std::size_t> write_somewhere(std::uint64_t& position, bool append, std::span<const std::byte> from,
                                      Caller& caller) {
    if (from.empty()) return std::size_t{0};
    TRY(node_->mutex().lock_killable());
    const auto locked = [&]() -> Answer<std::size_t> {
      const std::uint64_t offset = append ? node_->bytes() : position;
      const std::uint64_t allowed = TRY(room(offset, caller));
      const auto part = from.first(std::min<std::uint64_t>(from.size(), allowed));
      if (write_sealed()) return error(EPERM);
      if ((node_->seals() & seal::grow) != 0 && offset + part.size() > node_->bytes()) return error(EPERM);
      TRY(node_->drop_set_id_bits(caller));
      if (offset > node_->bytes()) node_->leaves_hole();
      const std::size_t done = TRY(processor::write_object(*data_, offset, part, caller.sleeper()));
      node_->modified(caller.wall_time_ns());
      position = offset + done;
      return done;
    };
    const auto done = locked();
    node_->mutex().unlock();
    if (done && (flags() & (O_SYNC | O_DSYNC)) != 0)
      TRY(node_->synchronize((flags() & O_SYNC) != O_SYNC, caller.sleeper()));
    return done;
  }

  processor::Reference<HomeNode> node_;
  PlaceReference place_;
  processor::Reference<processor::SharedObject> data_;
  threads::Mutex position_lock_;
  std::uint64_t position_ = 0;
  Use use_;
};

}  // namespace

Answer<OpenFileReference> open_regular(HomeNode& node, int flags, PlaceReference place, Caller& caller) {
  auto data = TRY(node.data(caller.sleeper()));
  const bool writes = RegularFile::writes(flags);
  if (writes) TRY(node.text_use().begin_writing());
  auto file = base::make<RegularFile>(node, flags, std::move(place), std::move(data));
  if (!file) {
    if (writes) node.text_use().end_writing();
    return error(ENOMEM);
  }
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
