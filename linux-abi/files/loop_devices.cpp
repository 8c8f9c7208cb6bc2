// SPDX-License-Identifier: Apache-2.0
// Block devices whose contents are a file's: see loop_devices.h.
#include "linux-abi/files/loop_devices.h"

#include <asm/fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/memory.h"
#include "linux-abi/files/descriptor_table.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/files/user_values.h"

namespace linux_abi {
namespace {

constexpr std::uint64_t sector_bytes = 512;

class LoopControlFile final : public PlacedFile {
 public:
  using PlacedFile::PlacedFile;
  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    LoopDevices& devices = loop_devices_of(caller.file_context().tree());
    threads::MutexGuard guard(devices.mutex);
    if (request == LOOP_CTL_ADD) return error(argument < LoopDevices::count ? EEXIST : ENOSPC);
    if (request == LOOP_CTL_REMOVE) return error(argument < LoopDevices::count ? EBUSY : ENODEV);
    if (request != LOOP_CTL_GET_FREE) return error(ENOTTY);
    for (std::uint32_t i = 0; i < LoopDevices::count; ++i)
      if (!devices.loops[i].backing) return std::uint64_t{i};
    return error(ENOSPC);
  }

 private:
  void close() override { base::Own<LoopControlFile>(this).reset(); }
};

class LoopFile final : public PositionedFile {
 public:
  LoopFile(std::uint32_t number, int flags, PlaceReference place, processor::Reference<FileTree> tree)
      : PositionedFile(flags, std::move(place)), number_(number), tree_(std::move(tree)) {
    threads::MutexGuard guard(devices().mutex);
    ++loop().opens;
  }

  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override {
    const Part part = TRY(part_at(offset, to.size(), caller));
    if (part.bytes == 0) return std::size_t{0};
    return part.file->read_at(part.offset, to.first(part.bytes), caller);
  }
  Answer<std::size_t> write_at(std::uint64_t offset, std::span<const std::byte> from, Caller& caller) override {
    const Part part = TRY(part_at(offset, from.size(), caller));
    if (part.read_only) return error(EPERM);
    if (part.bytes == 0) return from.empty() ? Answer<std::size_t>(0) : error(ENOSPC);
    return part.file->write_at(part.offset, from.first(part.bytes), caller);
  }
  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller& caller) override {
    threads::MutexGuard guard(position_lock_);
    const std::uint64_t bytes = TRY(size(caller));
    if (whence < SEEK_SET || whence > SEEK_END) return error(EINVAL);
    const std::uint64_t base = whence == SEEK_END ? bytes : whence == SEEK_CUR ? position_ : 0;
    std::int64_t target = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(base), offset, &target)) return error(EOVERFLOW);
    if (target < 0 || static_cast<std::uint64_t>(target) > bytes) return error(EINVAL);
    return position_ = static_cast<std::uint64_t>(target);
  }
  bool continues() const override { return true; }
  Answer<> synchronize(bool data_only, Caller& caller) override {
    const OpenFileReference file = backing();
    return file ? file->synchronize(data_only, caller) : Answer<>();
  }

  Answer<std::uint64_t> control(std::uint32_t request, std::uint64_t argument, Caller& caller) override {
    switch (request) {
      case LOOP_SET_FD:
        return bind(static_cast<int>(argument), caller);
      case LOOP_CLR_FD:
        return release();
      case LOOP_SET_STATUS:
        return set_status<::loop_info>(argument, caller);
      case LOOP_SET_STATUS64:
        return set_status<::loop_info64>(argument, caller);
      case LOOP_GET_STATUS:
        return get_status<::loop_info>(argument, caller);
      case LOOP_GET_STATUS64:
        return get_status<::loop_info64>(argument, caller);
      case LOOP_SET_CAPACITY:
        return backing() ? Answer<std::uint64_t>(0) : error(ENXIO);
      case BLKGETSIZE:
        return give<std::uint64_t>(argument, TRY(size(caller)) / sector_bytes, caller);
      case BLKGETSIZE64:
        return give<std::uint64_t>(argument, TRY(size(caller)), caller);
      case BLKSSZGET:
        return give<std::uint32_t>(argument, sector_bytes, caller);
      case BLKBSZGET:
        return give<std::uint32_t>(argument, 4096, caller);
      case BLKROGET: {
        threads::MutexGuard guard(devices().mutex);
        return give<std::uint32_t>(argument, loop().read_only ? 1U : 0U, caller);
      }
      case BLKFLSBUF:
        TRY(synchronize(false, caller));
        return std::uint64_t{0};
      default:
        return error(ENOTTY);
    }
  }

 private:
  void close() override {
    OpenFileReference ended;  // let go of without the lock
    {
      threads::MutexGuard guard(devices().mutex);
      if (--loop().opens == 0 && loop().clears) {
        ended = std::move(loop().backing);
        const std::uint32_t opens = loop().opens;
        loop() = {};
        loop().opens = opens;
      }
    }
    base::Own<LoopFile>(this).reset();
  }
  LoopDevices& devices() { return loop_devices_of(*tree_); }
  LoopDevices::Loop& loop() { return devices().loops[number_]; }
  OpenFileReference backing() {
    threads::MutexGuard guard(devices().mutex);
    return loop().backing;
  }

  Answer<std::uint64_t> size(Caller& caller) { return loop_bytes(devices(), number_, caller); }

  struct Part {
    OpenFileReference file;
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
    bool read_only = false;
  };
  Answer<Part> part_at(std::uint64_t offset, std::size_t wanted, Caller& caller) {
    const std::uint64_t bytes = TRY(size(caller));
    threads::MutexGuard guard(devices().mutex);
    Part part{.file = loop().backing, .read_only = loop().read_only};
    if (!part.file || offset >= bytes) return part;
    part.offset = loop().offset + offset;
    part.bytes = std::min<std::uint64_t>(wanted, bytes - offset);
    return part;
  }

  Answer<std::uint64_t> bind(int descriptor, Caller& caller) {
    const OpenFileReference file = TRY(caller.descriptors().get(descriptor));
    if ((file->flags() & O_PATH) != 0) return error(EBADF);
    // Not one loop device on another, which could become a ring.
    if (file->node() == nullptr || file->node()->type() != file_mode::regular) return error(EINVAL);
    const FileStatus status = TRY(file->status(caller));
    threads::MutexGuard guard(devices().mutex);
    LoopDevices::Loop& own = loop();
    if (own.backing) return error(EBUSY);
    own.backing = file;
    own.read_only = !file->writable() || !writable();
    own.device = status.device;
    own.inode = status.inode;
    return std::uint64_t{0};
  }

  // While others have it open it is released by the last of them.
  Answer<std::uint64_t> release() {
    OpenFileReference ended;
    threads::MutexGuard guard(devices().mutex);
    LoopDevices::Loop& own = loop();
    if (!own.backing) return error(ENXIO);
    if (own.opens > 1) {
      own.clears = true;
      return std::uint64_t{0};
    }
    ended = std::move(own.backing);
    own = {};
    own.opens = 1;
    return std::uint64_t{0};
  }

  template <typename Information>
  Answer<std::uint64_t> set_status(std::uint64_t argument, Caller& caller) {
    const Information given = TRY(copy_value_in<Information>(caller, argument));
    threads::MutexGuard guard(devices().mutex);
    LoopDevices::Loop& own = loop();
    if (!own.backing) return error(ENXIO);
    if (given.lo_encrypt_type != 0) return error(EINVAL);
    if (static_cast<std::int64_t>(given.lo_offset) < 0) return error(EOVERFLOW);
    own.offset = static_cast<std::uint64_t>(given.lo_offset);
    if constexpr (requires { given.lo_sizelimit; }) own.size_limit = given.lo_sizelimit;
    own.clears = (static_cast<std::uint32_t>(given.lo_flags) & LO_FLAGS_AUTOCLEAR) != 0;
    if constexpr (requires { given.lo_name; })
      std::memcpy(own.name.data(), given.lo_name, own.name.size() - 1);
    else
      std::memcpy(own.name.data(), given.lo_file_name, own.name.size() - 1);
    return std::uint64_t{0};
  }

  template <typename Information>
  Answer<std::uint64_t> get_status(std::uint64_t argument, Caller& caller) {
    Information told{};
    {
      threads::MutexGuard guard(devices().mutex);
      const LoopDevices::Loop& own = loop();
      if (!own.backing) return error(ENXIO);
      told.lo_number = static_cast<decltype(told.lo_number)>(number_);
      told.lo_offset = static_cast<decltype(told.lo_offset)>(own.offset);
      told.lo_device = static_cast<decltype(told.lo_device)>(own.device);
      told.lo_inode = own.inode;
      if constexpr (requires { told.lo_sizelimit; }) told.lo_sizelimit = own.size_limit;
      const unsigned flags =
          (own.clears ? unsigned{LO_FLAGS_AUTOCLEAR} : 0U) | (own.read_only ? unsigned{LO_FLAGS_READ_ONLY} : 0U);
      told.lo_flags = static_cast<decltype(told.lo_flags)>(flags);
      if constexpr (requires { told.lo_name; })
        std::memcpy(told.lo_name, own.name.data(), own.name.size());
      else
        std::memcpy(told.lo_file_name, own.name.data(), own.name.size());
    }
    return copy_value_out(caller, argument, told);
  }

  template <typename Value>
  Answer<std::uint64_t> give(std::uint64_t argument, std::uint64_t value, Caller& caller) {
    return copy_value_out(caller, argument, static_cast<Value>(value));
  }

  const std::uint32_t number_;
  const processor::Reference<FileTree> tree_;
};

}  // namespace

Answer<std::uint64_t> loop_bytes(LoopDevices& devices, std::uint32_t number, Caller& caller) {
  OpenFileReference file;
  std::uint64_t offset = 0, limit = 0;
  {
    threads::MutexGuard guard(devices.mutex);
    const LoopDevices::Loop& loop = devices.loops[number];
    file = loop.backing;
    offset = loop.offset;
    limit = loop.size_limit;
  }
  if (!file) return std::uint64_t{0};
  const std::uint64_t bytes = TRY(file->status(caller)).bytes;
  std::uint64_t rest = bytes > offset ? bytes - offset : 0;
  if (limit != 0) rest = std::min(rest, limit);
  return rest / sector_bytes * sector_bytes;
}

Answer<OpenFileReference> open_loop(std::uint32_t number, int flags, PlaceReference place, Caller& caller) {
  if (number >= LoopDevices::count) return error(ENXIO);
  auto file = base::make<LoopFile>(number, flags, std::move(place),
                                   processor::Reference<FileTree>(caller.file_context().tree()));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

Answer<OpenFileReference> open_loop_control(int flags, PlaceReference place, Caller&) {
  auto file = base::make<LoopControlFile>(flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

}  // namespace linux_abi
