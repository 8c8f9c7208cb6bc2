// SPDX-License-Identifier: Apache-2.0
// Files: p -> m (file and directory ids are ObjectIds of the vNode's home mComponent) and m -> s (they are FileIds of
// the sComponent); the mComponent translates, checks the vNode, and keeps the page cache in between. Semantics are
// Linux's, without the permission checks, which the pComponent makes from the attributes. Times in nanoseconds since
// 1970; "now" is the requester's time in the RPC header. Names are single components: no '/', not empty, at most 255.
#pragma once

#include "net/messages/layout.h"

namespace messages {

inline constexpr std::size_t max_name_bytes = 255;
inline constexpr std::size_t max_link_bytes = 4095;

// FileAttributes::mode & mode_type_mask; the values of Linux's st_mode.
inline constexpr std::uint32_t mode_type_mask = 0170000;
enum class FileType : std::uint32_t {
  Fifo = 0010000,
  CharacterDevice = 0020000,
  Directory = 0040000,
  BlockDevice = 0060000,
  Regular = 0100000,
  SymbolicLink = 0120000,
  Socket = 0140000,
};
constexpr FileType file_type(std::uint32_t mode) { return static_cast<FileType>(mode & mode_type_mask); }

struct FileAttributes {
  le64 file;
  le64 inode;
  le64 size;
  le64 blocks;  // of 512 bytes
  le64 access_time_ns;
  le64 modify_time_ns;
  le64 change_time_ns;
  le32 mode;  // type and permissions, as st_mode
  le32 links;
  le32 uid;
  le32 gid;
  le64 device;  // st_rdev of device files
};
static_assert(sizeof(FileAttributes) == 80 && Body<FileAttributes>);

struct FileAttributesReply {
  FileAttributes attributes;
};

// No file is longer: a signed number says each offset (Linux's MAX_LFS_FILESIZE).
inline constexpr std::uint64_t max_file_bytes = (std::uint64_t{1} << 63) - 1;
constexpr bool may_be_in_a_file(std::uint64_t offset, std::uint64_t bytes) {
  return offset <= max_file_bytes && bytes <= max_file_bytes - offset;
}

// p -> m: the root of the request's vNode, or (in_memory) a new empty file system that no sComponent stores.
// m -> s: the root of the file system that the sComponent serves.
struct FileMountReply {
  FileAttributes root;
  le64 device;  // st_dev
  le32 read_only;
  le32 block_bytes;
};
struct FileMountRequest {
  static constexpr Operation operation = Operation::FileMount;
  using Reply = FileMountReply;
  le32 storage;  // p -> m: node of the sComponent; m -> s: 0
  le32 storage_ip;
  le64 storage_boot_id;
  le32 in_memory;    // 0 or 1; the others are 0 then
  le32 permissions;  // of its root, with in_memory
  bool validate() const { return in_memory <= 1 && permissions <= 07777; }
};
struct FileUnmountRequest {  // writes everything back and leaves the file system clean
  static constexpr Operation operation = Operation::FileUnmount;
  using Reply = EmptyReply;
  le64 root;
  bool validate() const { return root != 0; }
};

struct FileLookupRequest {  // tail: the name ("." and ".." work)
  static constexpr Operation operation = Operation::FileLookup;
  using Reply = FileAttributesReply;
  le64 directory;
  le32 name_bytes;
  le32 reserved;
  bool validate() const { return reserved == 0 && name_bytes >= 1 && name_bytes <= max_name_bytes; }
};

struct FileGetAttributesRequest {
  static constexpr Operation operation = Operation::FileGetAttributes;
  using Reply = FileAttributesReply;
  le64 file;
  bool validate() const { return file != 0; }
};

enum class SetAttributes : std::uint32_t {
  Mode = 1,
  Uid = 2,
  Gid = 4,
  Size = 8,
  AccessTime = 16,
  ModifyTime = 32,
  ChangeTime = 64,  // else "now"
  GrowOnly = 128,   // with Size: never shrink (a pComponent reports what it wrote)
};
struct FileSetAttributesRequest {
  static constexpr Operation operation = Operation::FileSetAttributes;
  using Reply = FileAttributesReply;
  le64 file;
  le32 mask;
  le32 mode;
  le32 uid;
  le32 gid;
  le64 size;
  le64 access_time_ns;
  le64 modify_time_ns;
  le64 change_time_ns;
  bool validate() const { return file != 0 && mask < 256 && size < (std::uint64_t{1} << 62); }
};
static_assert(sizeof(FileSetAttributesRequest) == 56);

// Whether a new file is held as by FileHold. Unnamed: it has no name and ends with its holds, unless FileLink gives it
// one; nothing can give one to those that are UnnamedForever.
enum class NewFileHold : std::uint32_t { None, Held, Unnamed, UnnamedForever };

// A regular file, directory, symbolic link, fifo, socket or device, by the type in mode. Exists if the name is taken.
struct FileCreateRequest {  // tail: name, then the target of a symbolic link
  static constexpr Operation operation = Operation::FileCreate;
  using Reply = FileAttributesReply;
  le64 directory;
  le32 mode;
  le32 uid;
  le32 gid;
  le32 name_bytes;
  le64 device;
  le32 target_bytes;
  le32 hold;  // NewFileHold
  bool is_unnamed() const { return hold >= static_cast<std::uint32_t>(NewFileHold::Unnamed); }
  bool is_linkable() const { return hold != static_cast<std::uint32_t>(NewFileHold::UnnamedForever); }
  bool validate() const {
    if (hold > static_cast<std::uint32_t>(NewFileHold::UnnamedForever)) return false;
    const bool named_rightly = is_unnamed()
                                   ? name_bytes == 0 && target_bytes == 0 && file_type(mode) == FileType::Regular
                                   : name_bytes >= 1 && name_bytes <= max_name_bytes;
    return directory != 0 && named_rightly && target_bytes <= max_link_bytes;
  }
};
static_assert(sizeof(FileCreateRequest) == 40);

struct FileUnlinkRequest {  // tail: the name. The reply's attributes are of the file, links as they are now
  static constexpr Operation operation = Operation::FileUnlink;
  using Reply = FileAttributesReply;
  le64 directory;
  le32 name_bytes;
  le32 remove_directory;  // 1: rmdir
  bool validate() const { return name_bytes >= 1 && name_bytes <= max_name_bytes && remove_directory <= 1; }
};

enum class RenameFlags : std::uint32_t { NoReplace = 1, Exchange = 2 };  // as RENAME_*
// Tail: old name, new name. The reply's attributes are those of the file that had the new name before, as it is
// afterwards; file 0: there was none, or it has another name now.
struct FileRenameRequest {
  static constexpr Operation operation = Operation::FileRename;
  using Reply = FileAttributesReply;
  le64 old_directory;
  le64 new_directory;
  le32 old_name_bytes;
  le32 new_name_bytes;
  le32 flags;
  le32 reserved;
  bool validate() const {
    return reserved == 0 && flags <= 2 && old_name_bytes >= 1 && old_name_bytes <= max_name_bytes &&
           new_name_bytes >= 1 && new_name_bytes <= max_name_bytes;
  }
};

struct FileLinkRequest {  // tail: the name
  static constexpr Operation operation = Operation::FileLink;
  using Reply = FileAttributesReply;
  le64 file;
  le64 directory;
  le32 name_bytes;
  le32 reserved;
  bool validate() const { return reserved == 0 && name_bytes >= 1 && name_bytes <= max_name_bytes; }
};

struct FileReadLinkReply {  // tail: the target
  le32 bytes;
  le32 reserved;
};
struct FileReadLinkRequest {
  static constexpr Operation operation = Operation::FileReadLink;
  using Reply = FileReadLinkReply;
  le64 file;
  bool validate() const { return file != 0; }
};

// Entries from a cookie on (0: the start), as many as fit the bulk; each is a DirectoryEntry followed by its name.
// cookie of an entry: where to go on after it. A cookie stays good while other entries come and go.
struct DirectoryEntry {
  le64 inode;
  le64 cookie;
  le16 entry_bytes;       // of this entry with its name, a multiple of 8
  std::uint8_t type = 0;  // DT_*
  std::uint8_t name_bytes = 0;
  le32 reserved;
};
static_assert(sizeof(DirectoryEntry) == 24 && Body<DirectoryEntry>);
struct FileReadDirectoryReply {
  le32 bytes;
  le32 end;  // 1: nothing follows
};
struct FileReadDirectoryRequest {
  static constexpr Operation operation = Operation::FileReadDirectory;
  using Reply = FileReadDirectoryReply;
  le64 directory;
  le64 cookie;
  bool validate() const { return directory != 0; }
};

struct FileReadReply {
  le32 bytes;  // in the bulk; fewer than asked at the end of the file; holes are zeros
  le32 reserved;
};
struct FileReadRequest {
  static constexpr Operation operation = Operation::FileRead;
  using Reply = FileReadReply;
  le64 file;
  le64 offset;
  le32 bytes;
  le32 reserved;
  bool validate() const { return file != 0 && reserved == 0 && may_be_in_a_file(offset, bytes); }
};

struct FileWriteRequest {  // tail: the bytes; grows the file. All or an error
  static constexpr Operation operation = Operation::FileWrite;
  using Reply = FileAttributesReply;
  le64 file;
  le64 offset;
  le32 bytes;
  le32 reserved;
  bool validate() const { return file != 0 && reserved == 0 && may_be_in_a_file(offset, bytes); }
};

struct FileSyncRequest {  // answered when the file (0: everything) is on the disk
  static constexpr Operation operation = Operation::FileSync;
  using Reply = EmptyReply;
  le64 file;
  le32 data_only;
  le32 reserved;
  bool validate() const { return data_only <= 1 && reserved == 0; }
};

// A held file lives on when its last name goes, until every hold is released (open descriptors, mappings).
struct FileHoldRequest {
  static constexpr Operation operation = Operation::FileHold;
  using Reply = FileAttributesReply;
  le64 file;
  bool validate() const { return file != 0; }
};
struct FileReleaseRequest {
  static constexpr Operation operation = Operation::FileRelease;
  using Reply = EmptyReply;
  le64 file;
  le32 count;
  le32 reserved;
  bool validate() const { return file != 0 && count > 0 && reserved == 0; }
};

struct FileStatisticsReply {
  le64 block_bytes;
  le64 blocks;
  le64 blocks_free;
  le64 blocks_available;
  le64 inodes;
  le64 inodes_free;
  le64 file_system_type;  // f_type
  le64 file_system_id;
};
struct FileStatisticsRequest {
  static constexpr Operation operation = Operation::FileStatistics;
  using Reply = FileStatisticsReply;
  le64 file;
  bool validate() const { return file != 0; }
};

// p -> m: what a file system in memory may hold (tmpfs's size= and nr_inodes=). InvalidArgument: it holds more already,
// or an sComponent stores it.
inline constexpr std::uint64_t unchanged_limit = 0;
struct FileLimitRequest {
  static constexpr Operation operation = Operation::FileLimit;
  using Reply = EmptyReply;
  le64 file;       // any of it
  le64 max_pages;  // unchanged_limit: as it was; ~0: as much as there is
  le64 max_files;  // likewise
  bool validate() const { return file != 0; }
};
static_assert(sizeof(FileLimitRequest) == 24);

// Room for a write that will be done later (a dirty line of a file): NoSpace now instead of at the write-back.
struct FileReserveRequest {
  static constexpr Operation operation = Operation::FileReserve;
  using Reply = EmptyReply;
  le64 file;
  le64 offset;
  le64 bytes;
  bool validate() const { return file != 0 && may_be_in_a_file(offset, bytes); }
};

// The bytes of a range become zeros, and what stored them is given back where that can be (FALLOC_FL_PUNCH_HOLE). The
// size stays.
struct FilePunchRequest {
  static constexpr Operation operation = Operation::FilePunch;
  using Reply = FileAttributesReply;
  le64 file;
  le64 offset;
  le64 bytes;
  bool validate() const { return file != 0 && bytes > 0 && may_be_in_a_file(offset, bytes); }
};
static_assert(sizeof(FilePunchRequest) == 24);

// What there is at an offset. p -> m: where the first data (or hole) at or behind it begin, as lseek(2) says with
// SEEK_DATA and SEEK_HOLE; the end of the file is a hole. m -> s: whether the disk has data at the offset, and how far
// that goes on at least, whatever the size is.
enum class Extents : std::uint32_t { NextData, NextHole, Here };
struct FileExtentReply {
  le64 offset;    // of the data or hole; Here: where this one may end
  le32 has_data;  // NextData: there is some; NextHole: 1; Here: the offset asked for has data
  le32 reserved;
};
struct FileExtentRequest {
  static constexpr Operation operation = Operation::FileExtent;
  using Reply = FileExtentReply;
  le64 file;
  le64 offset;
  le32 what;  // Extents
  le32 reserved;
  bool validate() const { return file != 0 && what <= static_cast<std::uint32_t>(Extents::Here) && reserved == 0; }
};
static_assert(sizeof(FileExtentRequest) == 24 && sizeof(FileExtentReply) == 16);

}  // namespace messages
