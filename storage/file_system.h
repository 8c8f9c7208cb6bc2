// SPDX-License-Identifier: Apache-2.0
// The operations of a mounted file system, with Linux's semantics and none of its permission checks (the pComponent
// makes those). Every call either happens as a whole or not at all. Files are named by FileIds, which are never reused
// for another file while the sComponent lives; an id whose file is gone gives Error::Stale. Single-threaded: calls are
// made by one worker, one after the other, and may wait for the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kernel/base/error.h"
#include "kernel/base/types.h"

namespace storage {

inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::size_t max_link_target_bytes = 4095;
inline constexpr std::size_t max_xattr_value_bytes = 65536;

// Nanoseconds since 1970; negative before.
using Time = std::int64_t;

// What a request brings along besides its arguments.
struct Request {
  Time now = 0;
  bool may_use_reserve = true;  // the blocks kept back for root
};

// The values of st_mode's type bits and of d_type that the disk format and the messages share with Linux.
namespace mode {
inline constexpr std::uint32_t type_mask = 0170000;
inline constexpr std::uint32_t socket = 0140000;
inline constexpr std::uint32_t symlink = 0120000;
inline constexpr std::uint32_t regular = 0100000;
inline constexpr std::uint32_t block_device = 0060000;
inline constexpr std::uint32_t directory = 0040000;
inline constexpr std::uint32_t character_device = 0020000;
inline constexpr std::uint32_t fifo = 0010000;
inline constexpr std::uint32_t permissions = 0007777;
}  // namespace mode

struct Attributes {
  base::FileId file;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t blocks = 0;  // of 512 bytes
  std::uint64_t device = 0;  // Linux's dev_t of a device file: major << 8 | minor & 0xff | (minor & ~0xff) << 12
  std::uint32_t mode = 0;
  std::uint32_t links = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t generation = 0;
  Time access_time = 0;
  Time modify_time = 0;
  Time change_time = 0;
};

struct AttributeChanges {
  bool set_mode = false;  // permission bits only
  bool set_uid = false;
  bool set_gid = false;
  bool set_size = false;
  bool grow_only = false;  // with set_size: never shrink
  bool set_access_time = false;
  bool set_modify_time = false;
  bool set_change_time = false;  // otherwise "now", if anything else changes
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  Time access_time = 0;
  Time modify_time = 0;
  Time change_time = 0;
};

struct NewFile {
  std::uint32_t mode = 0;  // type and permissions
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t device = 0;   // of device files
  std::string_view target{};  // of symbolic links
};

struct Statistics {
  std::uint64_t block_bytes = 0;
  std::uint64_t blocks = 0;
  std::uint64_t blocks_free = 0;
  std::uint64_t blocks_available = 0;  // without those kept back for root
  std::uint64_t inodes = 0;
  std::uint64_t inodes_free = 0;
  std::uint64_t type = 0;  // f_type
  std::uint64_t id = 0;
};

// From an offset of a file on: data, or a hole (or room that was never written). It goes on as far as `end` at least.
struct FileExtent {
  bool has_data = false;
  std::uint64_t end = 0;
};

// Receives the entries of a directory. Returning false: no more room, this entry was not taken.
class DirectoryVisitor {
 public:
  // `cookie`: where to go on after this entry. `type`: DT_*.
  virtual bool entry(std::string_view name, std::uint64_t inode, std::uint8_t type, std::uint64_t cookie) = 0;

 protected:
  ~DirectoryVisitor() = default;
};

enum class RenameMode : std::uint8_t { Replace, NoReplace, Exchange };
enum class XattrMode : std::uint8_t { Set, Create, Replace };
enum class SyncScope : std::uint8_t { Data, Everything };

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual base::FileId root() const = 0;
  virtual bool read_only() const = 0;
  virtual base::Result<Statistics> statistics() = 0;

  // Names. "." and ".." can be looked up, not created or removed.
  virtual base::Result<Attributes> lookup(base::FileId directory, std::string_view name) = 0;
  virtual base::Result<Attributes> create(base::FileId directory, std::string_view name, const NewFile& file,
                                          const Request& request) = 0;
  // A regular file without a name, held once; linkable: link() may give it one.
  virtual base::Result<Attributes> create_unnamed(base::FileId directory, const NewFile& file, bool linkable,
                                                  const Request& request) = 0;
  virtual base::Result<Attributes> link(base::FileId file, base::FileId directory, std::string_view name,
                                        const Request& request) = 0;
  virtual base::Result<Attributes> unlink(base::FileId directory, std::string_view name, const Request& request) = 0;
  virtual base::Result<Attributes> remove_directory(base::FileId directory, std::string_view name,
                                                    const Request& request) = 0;
  // The file that had the new name before, as it is afterwards; nullopt: nobody lost a name.
  virtual base::Result<std::optional<Attributes>> rename(base::FileId old_directory, std::string_view old_name,
                                                         base::FileId new_directory, std::string_view new_name,
                                                         RenameMode mode, const Request& request) = 0;
  // From a cookie on (0: the start). True: the end was reached. A cookie stays good while other entries come and go.
  virtual base::Result<bool> read_directory(base::FileId directory, std::uint64_t cookie,
                                            DirectoryVisitor& visitor) = 0;
  // The target, copied into `into`, which has max_link_target_bytes.
  virtual base::Result<std::string_view> read_link(base::FileId file, std::span<char> into) = 0;

  // Attributes.
  virtual base::Result<Attributes> attributes(base::FileId file) = 0;
  virtual base::Result<Attributes> set_attributes(base::FileId file, const AttributeChanges& changes,
                                                  const Request& request) = 0;
  virtual base::Result<std::size_t> get_xattr(base::FileId file, std::string_view name,
                                              std::span<std::byte> into) = 0;  // into empty: only the size
  virtual base::Result<> set_xattr(base::FileId file, std::string_view name, std::span<const std::byte> value,
                                   XattrMode mode, const Request& request) = 0;
  virtual base::Result<> remove_xattr(base::FileId file, std::string_view name, const Request& request) = 0;
  virtual base::Result<std::size_t> list_xattrs(base::FileId file, std::span<char> into) = 0;  // names, each with a 0

  // Data of regular files. read() gives fewer bytes at the end of the file, zeros in holes. write() is all or an error,
  // and makes the file longer as needed; its data is on the disk's way when it returns (durable after sync()).
  virtual base::Result<std::size_t> read(base::FileId file, std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual base::Result<Attributes> write(base::FileId file, std::uint64_t offset, std::span<const std::byte> from,
                                         const Request& request) = 0;
  // Room for later writes: NoSpace now instead of then. The file's bytes and size do not change.
  virtual base::Result<> reserve(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                                 const Request& request) = 0;
  // The bytes of the range become zeros, and its whole blocks are free; the size stays. The one operation that may have
  // been done in part when it fails, or when the power goes.
  virtual base::Result<Attributes> punch(base::FileId file, std::uint64_t offset, std::uint64_t bytes,
                                         const Request& request) = 0;
  virtual base::Result<FileExtent> extent(base::FileId file, std::uint64_t offset) = 0;
  // The file is on the disk when it returns; an empty id means everything.
  virtual base::Result<> sync(base::FileId file, SyncScope scope) = 0;

  // A held file lives on when its last name goes, until every hold is released.
  virtual base::Result<Attributes> hold(base::FileId file) = 0;
  virtual base::Result<> release(base::FileId file, std::uint32_t count, const Request& request) = 0;
  // Every hold of every file: their holder is gone.
  virtual base::Result<> release_all(const Request& request) = 0;

  // Sends what waits in the cache to the disk; for a periodic timer.
  virtual base::Result<> write_back() = 0;
  // Calls visit(context, name, value) for "storage.reads", "storage.writes" and so on.
  using CounterVisitor = void (*)(void* context, std::string_view name, std::uint64_t value);
  virtual void for_each_counter(CounterVisitor visit, void* context) = 0;
  // Writes everything back and marks the file system clean; afterwards only destruction is allowed.
  virtual base::Result<> unmount() = 0;
};

}  // namespace storage
