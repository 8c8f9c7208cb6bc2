// SPDX-License-Identifier: Apache-2.0
// Walking paths: see path_walk.h.
#include "linux-abi/files/path_walk.h"

#include <cstring>

#include "linux-abi/files/descriptor_table.h"
#include "linux-abi/files/tree.h"

namespace linux_abi {
namespace {

constexpr unsigned max_links = 40;
constexpr std::size_t max_path = 4096, max_name = 255;
constexpr std::uint32_t search = 1;

// The next component of `rest`, which loses it and the slashes around it.
std::string_view take_component(std::string_view& rest) {
  while (rest.starts_with('/')) rest.remove_prefix(1);
  const std::size_t end = std::min(rest.find('/'), rest.size());
  const std::string_view component = rest.substr(0, end);
  rest.remove_prefix(end);
  return component;
}

bool only_slashes(std::string_view text) { return text.find_first_not_of('/') == std::string_view::npos; }

PlaceReference root_of_walk(Caller& caller, const Resolution& resolution) {
  return resolution.root ? resolution.root : caller.file_context().root();
}

Answer<PlaceReference> up(Caller& caller, const PlaceReference& place, const Resolution& resolution) {
  if (place == root_of_walk(caller, resolution))
    return resolution.has(Resolution::Beneath) ? error(EXDEV) : Answer<PlaceReference>(place);
  PlaceReference parent = place->parent();
  return parent ? parent : place;
}

// An absolute path, or a link to one: from the root again.
Answer<PlaceReference> to_root(Caller& caller, const PlaceReference& from, const Resolution& resolution) {
  if (resolution.has(Resolution::Beneath)) return error(EXDEV);
  PlaceReference root = root_of_walk(caller, resolution);
  if (resolution.has(Resolution::NoOtherMount) && root->mount() != from->mount()) return error(EXDEV);
  return root;
}

Answer<> check_link(const Resolution& resolution) {
  return resolution.has(Resolution::NoLinks) ? error(ELOOP) : Answer<>();
}
// One that is not text: it leads past every restriction, so none lets it pass.
Answer<> check_magic_link(const Resolution& resolution) {
  if (resolution.has(Resolution::NoMagicLinks)) return error(ELOOP);
  if (resolution.has(Resolution::Beneath) || resolution.has(Resolution::InRoot)) return error(EXDEV);
  return {};
}

// What is still to be walked once a link's target stands where the link was.
Answer<base::Array<char>> spliced(const base::Array<char>& target, std::string_view rest) {
  base::Array<char> text;
  if (!text.resize(target.size() + rest.size())) return error(ENOMEM);
  std::memcpy(text.data(), target.data(), target.size());
  std::memcpy(text.data() + target.size(), rest.data(), rest.size());
  return text;
}

// Walks the text from `place`; with a stop before the last component if `parent` is given. Links are followed in a
// loop, not by recursion: a kernel stack is small, and a link may lead to forty others.
Answer<PlaceReference> walk_text(Caller& caller, PlaceReference place, std::string_view text, LastLink last,
                                 ParentWalk* parent, const Resolution& resolution) {
  std::string_view rest = text;
  base::Array<char> replaced;  // holds `rest` once a link was followed
  unsigned links = 0;
  while (true) {
    const std::string_view component = take_component(rest);
    const bool is_last = only_slashes(rest);
    if (component.size() > max_name) return error(ENAMETOOLONG);
    if (is_last && parent != nullptr) {
      parent->directory = place;
      parent->name_length = component.size();
      std::memcpy(parent->name_bytes.data(), component.data(), component.size());
      parent->must_be_directory = !rest.empty();
      return place->node().is_directory() ? Answer<PlaceReference>(place) : error(ENOTDIR);
    }
    if (component.empty()) return place;
    if (!place->node().is_directory()) return error(ENOTDIR);
    TRY(check_access(caller, place->node(), search));
    PlaceReference next;
    if (component == ".")
      next = place;
    else if (component == "..")
      next = TRY(up(caller, place, resolution));
    else
      next = TRY(step(caller, place, component));
    if (resolution.has(Resolution::NoOtherMount) && next->mount() != place->mount()) return error(EXDEV);
    const bool must_follow = !is_last || !rest.empty() || last == LastLink::Follow;
    if (next->node().is_link() && must_follow) {
      if (++links > max_links) return error(ELOOP);
      TRY(check_link(resolution));
      if (next->mount() != nullptr && next->mount()->has(mount_flag::no_links)) return error(ELOOP);
      if (PlaceReference leads = TRY(next->node().follow(caller))) {
        TRY(check_magic_link(resolution));
        next = std::move(leads);
      } else {
        const base::Array<char> target = TRY(next->node().read_link(caller));
        if (target.empty()) return error(ENOENT);
        if (target[0] == '/') place = TRY(to_root(caller, place, resolution));
        base::Array<char> whole = TRY(spliced(target, rest));
        replaced = std::move(whole);
        rest = {replaced.data(), replaced.size()};
        continue;
      }
    }
    if (!rest.empty() && !next->node().is_directory()) return error(ENOTDIR);
    place = std::move(next);
    if (is_last) return place;
  }
}

}  // namespace

Answer<PlaceReference> start_of_walk(Caller& caller, int directory_descriptor, std::string_view path) {
  if (path.starts_with('/')) return caller.file_context().root();
  if (directory_descriptor == at_current_directory) return caller.file_context().working_directory();
  const OpenFileReference file = TRY(caller.descriptors().get(directory_descriptor));
  if (file->place() == nullptr || (!path.empty() && !file->node()->is_directory())) return error(ENOTDIR);
  return PlaceReference(*file->place());
}

namespace {
// Where the text begins to be walked from.
Answer<PlaceReference> first_place(Caller& caller, const PlaceReference& start, std::string_view path,
                                   const Resolution& resolution) {
  if (path.empty()) return error(ENOENT);
  if (path.size() >= max_path) return error(ENAMETOOLONG);
  return path.starts_with('/') ? to_root(caller, start, resolution) : Answer<PlaceReference>(start);
}
}  // namespace

Answer<PlaceReference> walk_from(Caller& caller, const PlaceReference& start, std::string_view path, LastLink last,
                                 const Resolution& resolution) {
  PlaceReference first = TRY(first_place(caller, start, path, resolution));
  return walk_text(caller, std::move(first), path, last, nullptr, resolution);
}

Answer<ParentWalk> walk_to_parent_from(Caller& caller, const PlaceReference& start, std::string_view path,
                                       const Resolution& resolution) {
  ParentWalk parent;
  PlaceReference first = TRY(first_place(caller, start, path, resolution));
  TRY(walk_text(caller, std::move(first), path, LastLink::Keep, &parent, resolution));
  return parent;
}

Answer<PlaceReference> walk(Caller& caller, int directory_descriptor, std::string_view path, LastLink last) {
  if (path.empty()) return error(ENOENT);
  return walk_from(caller, TRY(start_of_walk(caller, directory_descriptor, path)), path, last);
}

Answer<ParentWalk> walk_to_parent(Caller& caller, int directory_descriptor, std::string_view path) {
  if (path.empty()) return error(ENOENT);
  return walk_to_parent_from(caller, TRY(start_of_walk(caller, directory_descriptor, path)), path);
}

Answer<PlaceReference> step(Caller& caller, const PlaceReference& directory, std::string_view name) {
  FileTree& tree = caller.file_context().tree();
  if (PlaceReference mounted = mounted_at(tree, directory, name)) return mounted;
  const bool stable = directory->node().names_are_stable() && !directory->removed();
  NameCache& names = name_cache_of(tree);
  PlaceReference place;
  if (stable) {
    switch (names.find(*directory, name, place)) {
      case NameCache::Known::Exists:
        return place;
      case NameCache::Known::Missing:
        return error(ENOENT);
      case NameCache::Known::No:
        break;
    }
  }
  const std::uint64_t changes = names.changes();
  auto node = directory->node().look_up(name, caller);
  if (!node) {
    if (stable && node.error() == ENOENT) names.remember_missing(*directory, name, changes);
    return std::unexpected(node.error());
  }
  place = TRY(Place::create(std::move(*node), directory, name));
  if (stable) names.remember(*directory, name, place, changes);
  return place;
}

Answer<> check_access(Caller& caller, Node& node, std::uint32_t wanted) {
  // Root may do everything but execute what nobody may execute; most walks are root's.
  const Credentials& user = caller.credentials();
  if (user.may(Capability::DacOverride) && (wanted & 1) == 0) return {};
  if (user.may(Capability::DacOverride) && node.is_directory()) return {};
  const FileStatus status = TRY(node.status(caller));
  if (!user.may_access(status.mode, status.uid, status.gid, wanted)) return error(EACCES);
  return {};
}

Answer<> check_sticky(Caller& caller, Node& directory, Node& entry) {
  const Credentials& user = caller.credentials();
  if (user.may(Capability::FileOwner)) return {};
  const FileStatus around = TRY(directory.status(caller));
  if ((around.mode & file_mode::sticky) == 0 || around.uid == user.file_uid) return {};
  const FileStatus status = TRY(entry.status(caller));
  return status.uid == user.file_uid ? Answer<>() : error(EPERM);
}

}  // namespace linux_abi
