// SPDX-License-Identifier: Apache-2.0
// What making, removing and renaming names share: see name_changes.h.
#include "linux-abi/calls/name_changes.h"

#include "linux-abi/files/file_watches.h"
#include "linux-abi/files/tree.h"

namespace linux_abi::calls {

NameCache& names_of(Call& call) { return name_cache_of(call.thread.file_context().tree()); }

namespace {

Answer<ParentWalk> walk_to_name(Call& call, int directory, std::string_view path) {
  ParentWalk parent = TRY(walk_to_parent(call.thread, directory, path));
  TRY(check_access(call.thread, parent.directory->node(), 1));
  if (parent.is_special()) return error(EEXIST);
  return parent;
}

// May something be made there?
Answer<> check_may_make(Call& call, const ParentWalk& parent, NewKind kind) {
  if (parent.must_be_directory && kind != NewKind::Directory) return error(ENOENT);
  if (parent.directory->removed()) return error(ENOENT);
  TRY(check_writable(*parent.directory));
  return check_access(call.thread, parent.directory->node(), write_and_search);
}

bool is_unknown(Call& call, const ParentWalk& parent) {
  const PlaceReference& directory = parent.directory;
  if (!directory->node().names_are_stable()) return false;
  if (mounted_at(call.thread.file_context().tree(), directory, parent.name())) return false;
  PlaceReference place;
  return names_of(call).find(*directory, parent.name(), place) == NameCache::Known::No;
}

}  // namespace

Answer<> check_is_new(Call& call, const ParentWalk& parent) {
  const auto found = step(call.thread, parent.directory, parent.name());
  if (found) return error(EEXIST);
  return found.error() == ENOENT ? Answer<>() : std::unexpected(found.error());
}

Answer<ParentWalk> walk_to_new_name(Call& call, int directory, std::string_view path, NewKind kind) {
  ParentWalk parent = TRY(walk_to_name(call, directory, path));
  TRY(check_is_new(call, parent));
  TRY(check_may_make(call, parent, kind));
  return parent;
}

Answer<ParentWalk> walk_to_probably_new_name(Call& call, int directory, std::string_view path, NewKind kind) {
  ParentWalk parent = TRY(walk_to_name(call, directory, path));
  if (is_unknown(call, parent) && check_may_make(call, parent, kind)) return parent;
  TRY(check_is_new(call, parent));
  TRY(check_may_make(call, parent, kind));
  return parent;
}

Answer<PlaceReference> find_last(Call& call, const ParentWalk& parent) {
  TRY(check_access(call.thread, parent.directory->node(), 1));
  return step(call.thread, parent.directory, parent.name());
}

Answer<> check_removal(Call& call, Node& directory, Node& entry, bool as_directory) {
  TRY(check_access(call.thread, directory, write_and_search));
  TRY(check_sticky(call.thread, directory, entry));
  if (as_directory && !entry.is_directory()) return error(ENOTDIR);
  if (!as_directory && entry.is_directory()) return error(EISDIR);
  return {};
}

bool is_mount_point(const PlaceReference& directory, const PlaceReference& place) {
  return place->mount() != directory->mount();
}

namespace {
// In the order in which Linux tells: that the file is gone comes first.
void tell_removed(Call& call, const ParentWalk& parent, Node& node) {
  bool nameless = node.is_directory();
  if (!nameless) {
    tell_node(node, file_event::attributes);
    const auto status = node.status(call.thread);  // known: the removal's answer told it
    nameless = status && status->links == 0;
  }
  if (nameless) tell_nameless(node);
  tell_name(parent.directory->node(), parent.name(), of_kind(node, file_event::deleted));
}
}  // namespace

void name_removed(Call& call, const ParentWalk& parent, Place& place) {
  place.set_removed();
  // Another place of the same file may have been remembered; one of a file that was made since stays.
  names_of(call).forget(*parent.directory, parent.name(), &place.node());
  if (anybody_watches()) tell_removed(call, parent, place.node());
}

void name_made(Call& call, const ParentWalk& parent, NodeReference node, std::uint64_t changes) {
  tell_name(parent.directory->node(), parent.name(), of_kind(*node, file_event::created));
  auto place = Place::create(std::move(node), parent.directory, parent.name());
  const bool stable = parent.directory->node().names_are_stable();
  names_of(call).changed(*parent.directory, parent.name(), place && stable ? std::move(*place) : PlaceReference(),
                         changes);
}

}  // namespace linux_abi::calls
