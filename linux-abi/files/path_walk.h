// SPDX-License-Identifier: Apache-2.0
// Walking paths as Linux does (path_resolution(7)): from the root or the working directory or a directory descriptor,
// through mounts and symbolic links, with search permission in every directory on the way.
#pragma once

#include <string_view>

#include "linux-abi/files/file_context.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

inline constexpr int at_current_directory = -100;  // AT_FDCWD

// How openat2(2) restricts a walk: RESOLVE_*.
struct Resolution {
  enum Flag : std::uint32_t {
    NoOtherMount = 1,  // EXDEV
    NoMagicLinks = 2,  // ELOOP
    NoLinks = 4,       // ELOOP
    Beneath = 8,       // EXDEV
    InRoot = 16,
    CachedOnly = 32,
  };
  std::uint32_t flags = 0;
  PlaceReference root;  // with Beneath and InRoot: where the walk began; otherwise empty, and the caller's is meant
  bool has(Flag flag) const { return (flags & flag) != 0; }
};

// Where a walk starts: the root for absolute paths, else the directory of the descriptor. EBADF, ENOTDIR.
Answer<PlaceReference> start_of_walk(Caller& caller, int directory_descriptor, std::string_view path);

enum class LastLink : std::uint8_t { Follow, Keep };

// The place that the path names. An empty path is ENOENT; a trailing slash demands a directory.
Answer<PlaceReference> walk(Caller& caller, int directory_descriptor, std::string_view path, LastLink last);

// The directory in which the last component is (to be made, removed, renamed), and that component: a name, or "." or
// ".." or empty for "/". must_be_directory: the path ended in a slash.
struct ParentWalk {
  PlaceReference directory;
  std::array<char, 256> name_bytes{};
  std::size_t name_length = 0;
  bool must_be_directory = false;
  std::string_view name() const { return {name_bytes.data(), name_length}; }
  bool is_special() const { return name().empty() || name() == "." || name() == ".."; }
};
Answer<ParentWalk> walk_to_parent(Caller& caller, int directory_descriptor, std::string_view path);
// The same from a place: an absolute path starts at the root all the same.
Answer<PlaceReference> walk_from(Caller& caller, const PlaceReference& start, std::string_view path, LastLink last,
                                 const Resolution& resolution = {});
Answer<ParentWalk> walk_to_parent_from(Caller& caller, const PlaceReference& start, std::string_view path,
                                       const Resolution& resolution = {});

// One step: the place of `name` in a directory, by the name cache, mounts, or the node. No permission check, no links.
Answer<PlaceReference> step(Caller& caller, const PlaceReference& directory, std::string_view name);

// EACCES unless the caller may (R_OK 4, W_OK 2, X_OK 1); EROFS for writing on a read-only file system.
Answer<> check_access(Caller& caller, Node& node, std::uint32_t wanted);
// Whether an entry may be removed from a sticky directory (EPERM).
Answer<> check_sticky(Caller& caller, Node& directory, Node& entry);

}  // namespace linux_abi
