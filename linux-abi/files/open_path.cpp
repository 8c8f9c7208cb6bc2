// SPDX-License-Identifier: Apache-2.0
// open(2): see open_path.h.
#include "linux-abi/files/open_path.h"

#include <linux/fcntl.h>

#include "kernel/base/format.h"
#include "kernel/base/memory.h"
#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/leases.h"
#include "linux-abi/files/mode_of_new.h"
#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {
namespace {

constexpr unsigned max_dangling_links = 8;
constexpr int creation_flags = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW;

// O_PATH: names a place and nothing else.
class PathFile final : public PlacedFile {
 public:
  using PlacedFile::PlacedFile;
  Answer<std::size_t> read(std::span<std::byte>, Caller&) override { return error(EBADF); }
  Answer<std::size_t> write(std::span<const std::byte>, Caller&) override { return error(EBADF); }
  Answer<std::size_t> read_at(std::uint64_t, std::span<std::byte>, Caller&) override { return error(EBADF); }
  Answer<std::size_t> write_at(std::uint64_t, std::span<const std::byte>, Caller&) override { return error(EBADF); }
  Answer<std::uint64_t> seek(std::int64_t, int, Caller&) override { return error(EBADF); }
  Answer<processor::Reference<processor::SharedObject>> mappable(Caller&) override { return error(EBADF); }

 private:
  void close() override { base::Own<PathFile>(this).reset(); }
  PlaceReference place_;
};

Answer<OpenFileReference> make_path_file(int flags, PlaceReference place) {
  auto file = base::make<PathFile>(flags, std::move(place));
  if (!file) return error(ENOMEM);
  return OpenFileReference(*file.release());
}

std::uint32_t wanted_access(int flags) {
  std::uint32_t wanted = 0;
  const int mode = flags & O_ACCMODE;
  if (mode != O_WRONLY) wanted |= 4;
  if (mode == O_WRONLY || mode == O_RDWR || (flags & O_TRUNC) != 0) wanted |= 2;
  return wanted;
}

Answer<OpenFileReference> open_existing(Caller& caller, PlaceReference place, int flags, bool created) {
  Node& node = place->node();
  if (node.is_link() && (flags & O_PATH) == 0) return error(ELOOP);
  if ((flags & O_DIRECTORY) != 0 && !node.is_directory()) return error(ENOTDIR);
  if ((flags & O_PATH) != 0) return make_path_file(flags & ~creation_flags, std::move(place));
  const std::uint32_t wanted = wanted_access(flags);
  if (node.is_directory() && ((wanted & 2) != 0 || (flags & O_CREAT) != 0)) return error(EISDIR);
  if ((wanted & 2) != 0) TRY(check_content_writable(*place));
  const bool device = node.type() == file_mode::character || node.type() == file_mode::block;
  if (device && place->mount() != nullptr && place->mount()->has(mount_flag::no_devices)) return error(EACCES);
  // Who makes a file may write to it whatever its mode.
  if (!created) TRY(check_access(caller, node, wanted));
  if ((flags & O_NOATIME) != 0 && !caller.credentials().may(Capability::FileOwner)) {
    const FileStatus status = TRY(node.status(caller));
    if (status.uid != caller.credentials().file_uid) return error(EPERM);
  }
  const bool empties = (flags & O_TRUNC) != 0 && !created && node.type() == file_mode::regular;
  if (empties && node.is_executed()) return error(ETXTBSY);
  if (!created)
    TRY(break_leases(node, (wanted & 2) != 0 ? LeaseUse::Writes : LeaseUse::Reads, (flags & O_NONBLOCK) != 0, caller));
  // Opened first: who may not write to it loses nothing of it.
  // Of those only devices want to know one: whether a terminal may become the caller's own.
  const int unwanted = node.type() == file_mode::character ? creation_flags & ~O_NOCTTY : creation_flags;
  OpenFileReference file = TRY(node.open(flags & ~unwanted, place, caller));
  file->opened();
  if (empties) {
    TRY(node.truncate(0, caller));
    tell_place(*place, file_event::modify);
  }
  return file;
}

Answer<PlaceReference> create_file(Caller& caller, const ParentWalk& parent, std::uint32_t mode) {
  TRY(check_writable(*parent.directory));
  TRY(check_access(caller, parent.directory->node(), 2 | 1));
  const std::uint32_t permissions = TRY(mode_of_new(caller, parent.directory->node(), mode & file_mode::permissions));
  NameCache& names = name_cache_of(caller.file_context().tree());
  const std::uint64_t changes = names.changes();
  auto node = TRY(parent.directory->node().create(parent.name(), file_mode::regular | permissions, 0, caller));
  PlaceReference place = TRY(Place::create(std::move(node), parent.directory, parent.name()));
  const bool stable = parent.directory->node().names_are_stable();
  names.changed(*parent.directory, parent.name(), stable ? place : PlaceReference(), changes);
  tell_name(parent.directory->node(), parent.name(), file_event::created);
  return place;
}

// `start`: where a path that is not absolute begins.
Answer<OpenFileReference> open_or_create(Caller& caller, const PlaceReference& start, std::string_view path, int flags,
                                         std::uint32_t mode, const Resolution& resolution, unsigned depth) {
  const ParentWalk parent = TRY(walk_to_parent_from(caller, start, path, resolution));
  if (parent.is_special() || parent.must_be_directory) {
    if ((flags & O_EXCL) != 0 && parent.is_special()) return error(EEXIST);
    return error(EISDIR);
  }
  TRY(check_access(caller, parent.directory->node(), 1));
  auto found = step(caller, parent.directory, parent.name());
  if (!found && found.error() == ENOENT) {
    if (parent.directory->removed()) return error(ENOENT);
    auto created = create_file(caller, parent, mode);
    if (created) return open_existing(caller, std::move(*created), flags, true);
    // Somebody else was first.
    if (created.error() != EEXIST || (flags & O_EXCL) != 0) return std::unexpected(created.error());
    name_cache_of(caller.file_context().tree()).forget(*parent.directory, parent.name());
    found = step(caller, parent.directory, parent.name());
  }
  if (!found) return std::unexpected(found.error());
  if ((flags & O_EXCL) != 0) return error(EEXIST);
  if ((*found)->node().is_link() && (flags & O_NOFOLLOW) == 0) {
    // The target may not exist yet: it is made where the link says.
    const auto walked = walk_from(caller, start, path, LastLink::Follow, resolution);
    if (walked) return open_existing(caller, *walked, flags, false);
    if (walked.error() != ENOENT) return std::unexpected(walked.error());
    const base::Array<char> target = TRY((*found)->node().read_link(caller));
    if (depth >= max_dangling_links) return error(ELOOP);
    return open_or_create(caller, parent.directory, {target.data(), target.size()}, flags, mode, resolution, depth + 1);
  }
  return open_existing(caller, std::move(*found), flags, false);
}

// O_TMPFILE: a file in this directory that has no name, until linkat(2) gives it one (never with O_EXCL).
Answer<OpenFileReference> open_unnamed(Caller& caller, const PlaceReference& directory, int flags, std::uint32_t mode) {
  Node& parent = directory->node();
  if (!parent.is_directory()) return error(ENOTDIR);
  TRY(check_writable(*directory));
  TRY(check_access(caller, parent, 2 | 1));
  if (directory->removed()) return error(ENOENT);
  const std::uint32_t permissions = TRY(mode_of_new(caller, parent, mode & file_mode::permissions));
  NodeReference node = TRY(parent.create_unnamed(file_mode::regular | permissions, (flags & O_EXCL) == 0, caller));
  std::array<char, 32> shown;
  const std::string_view name = base::format(shown, "#{}", TRY(node->status(caller)).inode);
  PlaceReference place = TRY(Place::create(node, directory, name));
  place->set_removed();
  OpenFileReference file = TRY(node->open(flags & ~(creation_flags | O_TMPFILE), std::move(place), caller));
  file->opened();
  return file;
}

}  // namespace

Answer<OpenFileReference> open_at(Caller& caller, int directory_descriptor, std::string_view path, int flags,
                                  std::uint32_t mode, std::uint32_t resolve) {
  constexpr int unnamed = O_TMPFILE & ~O_DIRECTORY;
  const bool makes_unnamed = (flags & unnamed) != 0 && (flags & O_PATH) == 0;
  if (makes_unnamed && ((flags & O_DIRECTORY) == 0 || (flags & O_CREAT) != 0)) return error(EINVAL);
  if (makes_unnamed && (wanted_access(flags) & 2) == 0) return error(EINVAL);
  if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY)) return error(EINVAL);
  if ((flags & O_PATH) != 0) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (path.empty()) return error(ENOENT);
  const PlaceReference start = TRY(start_of_walk(caller, directory_descriptor, path));
  Resolution resolution{.flags = resolve, .root = {}};
  if (resolution.has(Resolution::Beneath) || resolution.has(Resolution::InRoot)) {
    // An absolute path under InRoot starts at the directory that was given, too.
    resolution.root = start;
    if (path.starts_with('/')) resolution.root = TRY(start_of_walk(caller, directory_descriptor, "."));
  }
  if ((flags & O_CREAT) != 0) return open_or_create(caller, start, path, flags, mode, resolution, 0);
  const LastLink last = (flags & O_NOFOLLOW) != 0 ? LastLink::Keep : LastLink::Follow;
  PlaceReference place = TRY(walk_from(caller, start, path, last, resolution));
  if (makes_unnamed) return open_unnamed(caller, place, flags, mode);
  return open_existing(caller, std::move(place), flags, false);
}

Answer<OpenFileReference> open_found(Caller& caller, PlaceReference place, int flags) {
  flags &= ~(O_CREAT | O_EXCL);
  if ((flags & O_PATH) != 0) flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  return open_existing(caller, std::move(place), flags, false);
}

Answer<OpenFileReference> open_place(PlaceReference place) { return make_path_file(O_PATH, std::move(place)); }

}  // namespace linux_abi
