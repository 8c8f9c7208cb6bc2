// SPDX-License-Identifier: Apache-2.0
// Extended attributes of files: p -> m and m -> s, as in file.h. Names have their prefix ("user.x"). They travel as a
// list: an XattrEntry, the name, the value, and the next; all of a file's are read at once, for they are few and small.
#pragma once

#include <cstring>
#include <optional>
#include <string_view>

#include "net/messages/file.h"

namespace messages {

// Of all the names and values of a file, with their entries: one bulk buffer holds them.
inline constexpr std::size_t max_xattr_list_bytes = 32768;

struct XattrEntry {
  le16 name_bytes;
  le16 reserved;
  le32 value_bytes;
};
static_assert(sizeof(XattrEntry) == 8 && Body<XattrEntry>);

struct Xattr {
  std::string_view name;
  std::span<const std::byte> value;
};

constexpr std::size_t xattr_bytes(std::size_t name_bytes, std::size_t value_bytes) {
  return sizeof(XattrEntry) + name_bytes + value_bytes;
}

// The first of a list, which loses it; nothing at its end, or where it is damaged.
inline std::optional<Xattr> take_xattr(std::span<const std::byte>& list) {
  XattrEntry entry;
  if (list.size() < sizeof entry) return {};
  std::memcpy(static_cast<void*>(&entry), list.data(), sizeof entry);
  const std::size_t bytes = xattr_bytes(entry.name_bytes, entry.value_bytes);
  if (bytes > list.size()) return {};
  const Xattr found{{reinterpret_cast<const char*>(list.data() + sizeof entry), entry.name_bytes},
                    list.subspan(sizeof entry + entry.name_bytes, entry.value_bytes)};
  list = list.subspan(bytes);
  return found;
}

// To the front of `to`, which has room for it; how many bytes it took.
inline std::size_t put_xattr(std::span<std::byte> to, std::string_view name, std::span<const std::byte> value) {
  XattrEntry entry{};
  entry.name_bytes = static_cast<std::uint16_t>(name.size());
  entry.value_bytes = static_cast<std::uint32_t>(value.size());
  std::memcpy(to.data(), &entry, sizeof entry);
  std::memcpy(to.data() + sizeof entry, name.data(), name.size());
  if (!value.empty()) std::memcpy(to.data() + sizeof entry + name.size(), value.data(), value.size());
  return xattr_bytes(name.size(), value.size());
}

struct FileListXattrsReply {
  le32 bytes;  // of the list, in the bulk
  le32 reserved;
};
struct FileListXattrsRequest {
  static constexpr Operation operation = Operation::FileListXattrs;
  using Reply = FileListXattrsReply;
  le64 file;
  bool validate() const { return file != 0; }
};

enum class XattrChange : std::uint32_t { Set, Create, Replace, Remove };
// Exists (Create), NotFound (Replace, Remove), NoSpace, NotSupported (a prefix that the file system does not know).
struct FileSetXattrRequest {  // tail: the name, then the value
  static constexpr Operation operation = Operation::FileSetXattr;
  using Reply = FileAttributesReply;
  le64 file;
  le32 change;  // XattrChange
  le32 name_bytes;
  le32 value_bytes;
  le32 reserved;
  bool validate() const {
    return file != 0 && reserved == 0 && change <= static_cast<std::uint32_t>(XattrChange::Remove) && name_bytes >= 1 &&
           name_bytes <= max_name_bytes && value_bytes <= max_xattr_list_bytes;
  }
};
static_assert(sizeof(FileSetXattrRequest) == 24);

}  // namespace messages
