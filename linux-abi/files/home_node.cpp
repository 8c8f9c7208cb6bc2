// SPDX-License-Identifier: Apache-2.0
// A file of a vNode's root file system, its attributes and data: see home_node.h.
#include "linux-abi/files/home_node.h"

#include <algorithm>

#include "kernel/base/memory.h"
#include "linux-abi/files/directory_file.h"
#include "linux-abi/files/fifo.h"
#include "linux-abi/files/regular_file.h"
#include "linux-abi/files/special_files.h"

namespace linux_abi {

using messages::FileAttributes;
using messages::SetAttributes;

namespace {
constexpr std::uint32_t bit(SetAttributes attribute) { return static_cast<std::uint32_t>(attribute); }

constexpr std::uint32_t set_user = 04000, set_group = 02000, group_executes = 010;

// As Linux: a set-group bit without the right to execute means something else (mandatory locking, once).
constexpr std::uint32_t without_set_id_bits(std::uint32_t mode) {
  const bool sets_group = (mode & (set_group | group_executes)) == (set_group | group_executes);
  return mode & ~(set_user | (sets_group ? set_group : 0));
}
constexpr std::uint64_t disk_block_bytes = 512;  // of st_blocks
static_assert(without_set_id_bits(0106755) == 0100755 && without_set_id_bits(0102644) == 0102644);
}  // namespace

HomeNode::HomeNode(HomeFileSystem& file_system, const FileAttributes& attributes)
    : Node(attributes.mode), file_system_(file_system), id_(attributes.file), attributes_(attributes) {}

void HomeNode::destroy() {
  file_system_.forget(*this);
  base::Own<HomeNode>(this).reset();
}

void HomeNode::update(const FileAttributes& attributes) {
  const base::SpinGuard guard(lock_);
  const std::uint64_t modified_ns = attributes_.modify_time_ns;
  attributes_ = attributes;
  if (times_untold_) attributes_.modify_time_ns = attributes_.change_time_ns = modified_ns;
  if (attributes.blocks * disk_block_bytes < attributes.size) may_have_holes_ = true;
  attributes_known_ = true;
}

void HomeNode::attributes_changed() {
  if (is_directory()) listing_.changed();
  const base::SpinGuard guard(lock_);
  attributes_known_ = false;
}

Answer<FileAttributes> HomeNode::attributes(processor::Sleeper& sleeper) {
  {
    const base::SpinGuard guard(lock_);
    if (attributes_known_) return attributes_;
  }
  return attributes_now(sleeper);
}

// What is stored of a file with holes depends on what was written where. Of a file in memory the home must have it.
Answer<FileAttributes> HomeNode::attributes_with_blocks(processor::Sleeper& sleeper) {
  processor::Reference<processor::SharedObject> data;
  {
    const base::SpinGuard guard(lock_);
    if (may_have_holes_) data = data_;
  }
  if (!data) return attributes(sleeper);
  if (file_system_.in_memory()) TRY(processor::flush_object(*data, sleeper));
  return attributes_now(sleeper);
}

Answer<FileAttributes> HomeNode::attributes_now(processor::Sleeper& sleeper) {
  messages::FileGetAttributesRequest request;
  request.file = id_;
  const auto reply = TRY(ask(file_system_.home(), request, sleeper));
  update(reply.attributes);
  const base::SpinGuard guard(lock_);
  return attributes_;
}

std::uint64_t HomeNode::bytes() {
  processor::Reference<processor::SharedObject> data;
  {
    const base::SpinGuard guard(lock_);
    data = data_;
    if (!data) return attributes_.size;
  }
  return processor::object_bytes(*data);
}

Answer<FileStatus> HomeNode::status(Caller& caller) {
  const FileAttributes known = TRY(attributes_with_blocks(caller.sleeper()));
  FileStatus status;
  status.device = file_system_.device();
  status.inode = known.inode;
  status.mode = known.mode;
  status.links = known.links;
  status.uid = known.uid;
  status.gid = known.gid;
  status.special_device = known.device;
  status.bytes = type() == file_mode::regular ? bytes() : known.size.get();
  status.blocks = known.blocks;
  const std::uint64_t wanted = base::round_up(status.bytes, 4096) / disk_block_bytes;
  {
    const base::SpinGuard guard(lock_);
    // What has not been written back yet has no blocks on the disk; Linux counts them as soon as they are reserved.
    if (type() == file_mode::regular && !may_have_holes_ && status.bytes > known.size && status.blocks < wanted)
      status.blocks = wanted;
    status.access_time_ns = accessed_ns_.value_or(known.access_time_ns.get());
  }
  status.modify_time_ns = known.modify_time_ns;
  status.change_time_ns = known.change_time_ns;
  return status;
}

Answer<> HomeNode::change(const AttributeChange& change, Caller& caller) {
  messages::FileSetAttributesRequest request;
  request.file = id_;
  std::uint32_t mask = 0;
  if (change.set_mode) mask |= bit(SetAttributes::Mode), request.mode = change.mode;
  if (change.set_uid) mask |= bit(SetAttributes::Uid), request.uid = change.uid;
  if (change.set_gid) mask |= bit(SetAttributes::Gid), request.gid = change.gid;
  if (change.set_access_time) mask |= bit(SetAttributes::AccessTime), request.access_time_ns = change.access_time_ns;
  if (change.set_modify_time) mask |= bit(SetAttributes::ModifyTime), request.modify_time_ns = change.modify_time_ns;
  request.mask = mask;
  TRY(mutex_.lock_killable());
  if (change.set_modify_time) {
    const base::SpinGuard guard(lock_);
    times_untold_ = false;
  }
  const auto reply = ask(file_system_.home(), request, caller.sleeper());
  mutex_.unlock();
  if (!reply) return std::unexpected(reply.error());
  if (change.set_access_time) {
    const base::SpinGuard guard(lock_);
    accessed_ns_.reset();
  }
  update(reply->attributes);
  return {};
}

template <typename Removal, typename Request>
Answer<FileAttributes> HomeNode::remove_data(Removal&& removal, const Request& request, Caller& caller) {
  TRY(drop_set_id_bits(caller));
  TRY(removal.begin(caller.sleeper()));
  const auto reply = ask(file_system_.home(), request, caller.sleeper());
  removal.end(reply.has_value());
  if (!reply) return std::unexpected(reply.error());
  return reply->attributes;
}

Answer<> HomeNode::data_removed(const Answer<FileAttributes>& changed) {
  if (!changed) return std::unexpected(changed.error());
  {
    const base::SpinGuard guard(lock_);
    times_untold_ = false;
  }
  update(*changed);
  file_system_.space_changed();
  return {};
}

Answer<> HomeNode::truncate(std::uint64_t bytes, Caller& caller) {
  if (is_directory()) return error(EISDIR);
  if (type() != file_mode::regular) return error(EINVAL);
  const auto object = TRY(data(caller.sleeper()));
  TRY(mutex_.lock_killable());
  const auto locked = [&]() -> Answer<FileAttributes> {
    const std::uint64_t now_bytes = processor::object_bytes(*object);
    if (bytes < now_bytes && (seals() & seal::shrink) != 0) return error(EPERM);
    if (bytes > now_bytes && (seals() & seal::grow) != 0) return error(EPERM);
    if (bytes > now_bytes) leaves_hole();
    messages::FileSetAttributesRequest request;
    request.file = id_;
    request.mask = bit(SetAttributes::Size) | bit(SetAttributes::ModifyTime);
    request.size = bytes;
    request.modify_time_ns = caller.wall_time_ns();
    return remove_data(processor::Truncation(*object, bytes), request, caller);
  };
  const auto changed = locked();
  mutex_.unlock();
  return data_removed(changed);
}

Answer<> HomeNode::punch(std::uint64_t offset, std::uint64_t bytes, Caller& caller) {
  const auto object = TRY(data(caller.sleeper()));
  TRY(mutex_.lock_killable());
  bool beyond = false;
  const auto locked = [&]() -> Answer<FileAttributes> {
    if (write_sealed()) return error(EPERM);
    const std::uint64_t now_bytes = processor::object_bytes(*object);
    beyond = offset >= now_bytes;
    if (beyond) return FileAttributes{};
    leaves_hole();
    // Room that was kept behind the end stays.
    const std::uint64_t end = std::min(offset + bytes, base::round_up(now_bytes, base::page_bytes));
    messages::FilePunchRequest request;
    request.file = id_;
    request.offset = offset;
    request.bytes = end - offset;
    return remove_data(processor::HolePunch(*object, offset, end), request, caller);
  };
  const auto changed = locked();
  mutex_.unlock();
  return beyond ? Answer<>() : data_removed(changed);
}

Answer<std::uint64_t> HomeNode::seek_extent(std::uint64_t offset, messages::Extents what, Caller& caller) {
  // What is dirty here is data, and the home is to know it.
  const auto object = TRY(data(caller.sleeper()));
  TRY(processor::flush_object(*object, caller.sleeper()));
  messages::FileExtentRequest request{};
  request.file = id_;
  request.offset = offset;
  request.what = static_cast<std::uint32_t>(what);
  const auto found = TRY(ask(file_system_.home(), request, caller.sleeper()));
  if (found.has_data == 0) return error(ENXIO);
  return found.offset.get();
}

Answer<processor::Reference<processor::SharedObject>> HomeNode::data(processor::Sleeper& sleeper) {
  {
    const base::SpinGuard guard(lock_);
    if (data_) return data_;
  }
  const FileAttributes known = TRY(attributes(sleeper));
  auto opened =
      TRY(processor::open_file(file_system_.family(), known, {.on_disk = !file_system_.in_memory()}, sleeper));
  const base::SpinGuard guard(lock_);
  if (!data_) data_ = opened;
  return opened;
}

Answer<> HomeNode::drop_set_id_bits(Caller& caller) {
  if (caller.credentials().may(Capability::FileSetId)) return {};
  const std::uint32_t mode = TRY(attributes(caller.sleeper())).mode;
  if (without_set_id_bits(mode) == mode) return {};
  messages::FileSetAttributesRequest request;
  request.file = id_;
  request.mask = bit(SetAttributes::Mode);
  request.mode = without_set_id_bits(mode) & 07777;
  const auto reply = TRY(ask(file_system_.home(), request, caller.sleeper()));
  update(reply.attributes);
  return {};
}

void HomeNode::accessed(const Mount* mount, std::uint64_t wall_ns) {
  constexpr std::int64_t day_ns = 86'400'000'000'000;
  if (mount == nullptr || mount->is_read_only() || mount->has(mount_flag::no_access_times)) return;
  if (is_directory() && mount->has(mount_flag::no_directory_access_times)) return;
  const base::SpinGuard guard(lock_);
  // Times before 1970 are negative.
  const auto before = static_cast<std::int64_t>(accessed_ns_.value_or(attributes_.access_time_ns.get()));
  const auto modified = static_cast<std::int64_t>(attributes_.modify_time_ns.get()),
             changed = static_cast<std::int64_t>(attributes_.change_time_ns.get());
  const bool recent = before > modified && before > changed && static_cast<std::int64_t>(wall_ns) - before < day_ns;
  if (!recent || !mount->has(mount_flag::relative_access_times)) accessed_ns_ = wall_ns;
}

void HomeNode::modified(std::uint64_t wall_ns) {
  if (file_system_.in_memory()) file_system_.space_changed();  // known as soon as there is room for it
  const base::SpinGuard guard(lock_);
  attributes_.modify_time_ns = attributes_.change_time_ns = wall_ns;
  times_untold_ = true;
}

void HomeNode::leaves_hole() {
  const base::SpinGuard guard(lock_);
  may_have_holes_ = true;
}

Answer<> HomeNode::tell_times(processor::Sleeper& sleeper) {
  messages::FileSetAttributesRequest request;
  request.file = id_;
  request.mask = bit(SetAttributes::ModifyTime) | bit(SetAttributes::Size) | bit(SetAttributes::GrowOnly);
  request.size = bytes();
  {
    const base::SpinGuard guard(lock_);
    if (!std::exchange(times_untold_, false)) return {};
    request.modify_time_ns = attributes_.modify_time_ns;
  }
  const auto reply = TRY(ask(file_system_.home(), request, sleeper));
  update(reply.attributes);
  return {};
}

Answer<> HomeNode::flush(processor::Sleeper& sleeper) {
  processor::Reference<processor::SharedObject> data;
  {
    const base::SpinGuard guard(lock_);
    data = data_;
  }
  if (data) {
    TRY(processor::flush_object(*data, sleeper));
    file_system_.space_changed();
  }
  return tell_times(sleeper);
}

Answer<> HomeNode::synchronize(bool data_only, processor::Sleeper& sleeper) {
  if (file_system_.in_memory()) return {};
  TRY(flush(sleeper));
  messages::FileSyncRequest request;
  request.file = id_;
  request.data_only = data_only ? 1U : 0U;
  TRY(ask(file_system_.home(), request, sleeper));
  return {};
}

Answer<OpenFileReference> HomeNode::open(int flags, processor::Reference<Place> place, Caller& caller) {
  switch (type()) {
    case file_mode::directory:
      return open_directory(*this, flags, std::move(place));
    case file_mode::regular:
      return open_regular(*this, flags, std::move(place), caller);
    case file_mode::fifo:
      return open_fifo(file_system_.device(), id_, flags, std::move(place), caller);
    case file_mode::character: {
      const FileAttributes known = TRY(attributes(caller.sleeper()));
      return open_device(known.device, flags, std::move(place), caller);
    }
    case file_mode::block: {
      const FileAttributes known = TRY(attributes(caller.sleeper()));
      return open_block_device(known.device, flags, std::move(place), caller);
    }
    case file_mode::socket:
      return error(ENXIO);
    default:
      return error(type() == file_mode::link ? ELOOP : ENXIO);
  }
}

Answer<FileSystemStatus> HomeNode::file_system(Caller& caller) {
  const messages::FileStatisticsReply reply = TRY(file_system_.statistics(id_, caller.sleeper()));
  return FileSystemStatus{.type = reply.file_system_type,
                          .block_bytes = reply.block_bytes,
                          .blocks = reply.blocks,
                          .free_blocks = reply.blocks_free,
                          .available_blocks = reply.blocks_available,
                          .files = reply.inodes,
                          .free_files = reply.inodes_free,
                          .id = reply.file_system_id};
}

}  // namespace linux_abi
