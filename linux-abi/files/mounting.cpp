// SPDX-License-Identifier: Apache-2.0
// mount(2) and umount2(2): see mounting.h.
#include "linux-abi/files/mounting.h"

#include "linux-abi/files/file_context.h"
#include "linux-abi/files/home_file_system.h"
#include "linux-abi/files/mount_options.h"
#include "linux-abi/files/path_walk.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/memory_information.h"

namespace linux_abi {
namespace {

FileTree& tree_of(Caller& caller) { return caller.file_context().tree(); }

// Linux's default is relatime; what is asked for replaces it.
std::uint32_t with_access_times(std::uint32_t flags) {
  const std::uint32_t kept = flags & mount_flag::settable;
  const bool relative = (flags & (mount_flag::no_access_times | mount_flag::strict_access_times)) == 0;
  return relative ? kept | mount_flag::relative_access_times : kept;
}

Answer<SystemRoot> make_system(Caller& caller, const MountText& text) {
  FileTree& tree = tree_of(caller);
  if (!is_memory_system(text.type)) return new_made_system(tree, text.type);
  const MemoryOptions options = TRY(MemoryOptions::parse(text.options, memory_information().total_bytes));
  SystemRoot made = TRY(new_memory_system(tree, options, caller.sleeper()));
  TRY(made.system->options.append(std::span(text.options)));
  if (options.uid || options.gid)
    TRY(made.root->change({.set_uid = options.uid.has_value(),
                           .set_gid = options.gid.has_value(),
                           .uid = options.uid.value_or(0),
                           .gid = options.gid.value_or(0)},
                          caller));
  return made;
}

// A pipe by its descriptor in /proc has a place, but no name that could be covered.
Answer<> check_has_name(Caller& caller, Place& place) {
  const PlaceReference directory = place.parent();
  if (place.node().is_directory() || !directory) return {};
  const base::Array<char> name = TRY(place.name());
  const PlaceReference found = TRY(step(caller, directory, {name.data(), name.size()}));
  return &found->node() == &place.node() ? Answer<>() : error(EINVAL);
}

Answer<PlaceReference> attach(Caller& caller, MountedSystemReference system, NodeReference root,
                              const PlaceReference& at, std::uint32_t flags, std::string_view inside = "/") {
  MountTable& mounts = mounts_of(tree_of(caller));
  if (root->is_directory() != at->node().is_directory()) return error(ENOTDIR);
  TRY(check_has_name(caller, *at));
  auto mount = base::make<Mount>(std::move(system), flags, mounts.next_id());
  if (!mount) return error(ENOMEM);
  auto added = mounts.add(MountReference(*mount.release()), std::move(root), at, inside);
  mounts.changed();
  return added;
}

// The same file below another root: step by step, by the names between.
Answer<PlaceReference> same_below(Caller& caller, const PlaceReference& place, const Place& old_root,
                                  const PlaceReference& new_root) {
  // A directory that was found twice has two places; the one on the way up is meant.
  PlaceReference above = place;
  while (above && (&above->node() != &old_root.node() || above->mount() != old_root.mount())) above = above->parent();
  if (!above) return error(ENOENT);
  const base::Array<char> path = TRY(place->path(*above, false));
  return walk_from(caller, new_root, {path.data() + 1, path.size() - 1}, LastLink::Keep);
}

// What is mounted below `source` is mounted below `root`, too; mounts made meanwhile are at the table's end.
Answer<> mount_below(Caller& caller, const PlaceReference& source, const PlaceReference& root, std::uint32_t last_id) {
  struct Found {
    MountReference mount;
    PlaceReference root;
  };
  base::Array<Found> found;
  const auto note = [&](MountPoint& point) -> Answer<> {
    if (point.mount->id() > last_id || point.root == source || !point.root->is_below(*source)) return {};
    TRY(found.push_back({point.mount, point.root}));
    return {};
  };
  TRY(mounts_of(tree_of(caller)).for_each(note));
  for (const Found& each : found) {
    const PlaceReference at = TRY(same_below(caller, each.root, *source, root));
    const base::Array<char> inside = TRY(mounts_of(tree_of(caller)).path_inside(each.root));
    TRY(attach(caller, each.mount->share_system(), each.root->share_node(), at, each.mount->flags(),
               {inside.data(), inside.size()}));
  }
  return {};
}

}  // namespace

bool is_memory_system(std::string_view type) { return type == "tmpfs" || type == "ramfs"; }

bool is_mountable(std::string_view type) {
  return is_memory_system(type) || type == "proc" || type == "sysfs" || type == "devtmpfs";
}

bool is_mount_root(Place& place) {
  const PlaceReference parent = place.parent();
  return !parent || parent->mount() != place.mount();
}

namespace {
// With the mutex of the mounts.
Answer<SystemRoot> make_unmounted_locked(Caller& caller, const MountText& text, bool read_only) {
  sweep_systems(tree_of(caller), caller.sleeper());
  SystemRoot made = TRY(make_system(caller, text));
  made.system->source.clear();
  TRY(made.system->source.append(std::span(text.source.empty() ? std::string_view("none") : text.source)));
  made.system->read_only = read_only;
  return made;
}
}  // namespace

Answer<SystemRoot> make_unmounted(Caller& caller, const MountText& text, bool read_only) {
  const threads::MutexGuard guard(mounts_of(tree_of(caller)).mutex);
  return make_unmounted_locked(caller, text, read_only);
}

Answer<PlaceReference> mount_nowhere(Caller& caller, MountedSystemReference system, NodeReference root,
                                     std::uint32_t flags) {
  MountTable& mounts = mounts_of(tree_of(caller));
  const threads::MutexGuard guard(mounts.mutex);
  auto mount = base::make<Mount>(std::move(system), flags, mounts.next_id());
  if (!mount) return error(ENOMEM);
  return Place::create(std::move(root), {}, "/", MountReference(*mount.release()));
}

Answer<PlaceReference> copy_mount(Caller& caller, const PlaceReference& source, Below below) {
  Mount* mount = source->mount();
  if (mount == nullptr || source->removed()) return error(ENOENT);
  bool has_mounts = false;
  const auto look = [&](MountPoint& point) -> Answer<> {
    has_mounts = has_mounts || (point.root != source && point.root->is_below(*source));
    return {};
  };
  if (below == Below::Yes) {
    const threads::MutexGuard guard(mounts_of(tree_of(caller)).mutex);
    TRY(mounts_of(tree_of(caller)).for_each(look));
  }
  if (has_mounts) return error(EINVAL);
  return mount_nowhere(caller, mount->share_system(), source->share_node(), mount->flags());
}

bool is_nowhere(Caller& caller, Place& root) {
  if (root.parent() || root.mount() == nullptr) return false;
  MountTable& mounts = mounts_of(tree_of(caller));
  const threads::MutexGuard guard(mounts.mutex);
  bool known = false;
  const auto look = [&](MountPoint& point) -> Answer<> {
    known = known || point.mount.get() == root.mount();
    return {};
  };
  return mounts.for_each(look) && !known;
}

Answer<> attach_mount(Caller& caller, const PlaceReference& root, const PlaceReference& at) {
  MountTable& mounts = mounts_of(tree_of(caller));
  const threads::MutexGuard guard(mounts.mutex);
  if (root->node().is_directory() != at->node().is_directory()) return error(EINVAL);
  TRY(check_has_name(caller, *at));
  TRY(mounts.add(MountReference(*root->mount()), root->share_node(), at));
  mounts.changed();
  return {};
}

Answer<> mount_new(Caller& caller, const PlaceReference& at, const MountText& text, std::uint32_t flags) {
  if (!is_mountable(text.type)) return error(ENODEV);
  if (!at->node().is_directory()) return error(ENOTDIR);
  const threads::MutexGuard guard(mounts_of(tree_of(caller)).mutex);
  SystemRoot made = TRY(make_unmounted_locked(caller, text, (flags & mount_flag::read_only) != 0));
  TRY(attach(caller, std::move(made.system), std::move(made.root), at, with_access_times(flags)));
  return {};
}

Answer<> mount_again(Caller& caller, const PlaceReference& source, const PlaceReference& at, Below below) {
  Mount* mount = source->mount();
  if (mount == nullptr || source->removed()) return error(ENOENT);
  FileTree& tree = tree_of(caller);
  threads::MutexGuard guard(mounts_of(tree).mutex);
  const std::uint32_t last_id = mounts_of(tree).next_id();
  const base::Array<char> inside = TRY(mounts_of(tree).path_inside(source));
  const PlaceReference root = TRY(
      attach(caller, mount->share_system(), source->share_node(), at, mount->flags(), {inside.data(), inside.size()}));
  return below == Below::Yes ? mount_below(caller, source, root, last_id) : Answer<>();
}

Answer<> move_mount(Caller& caller, const PlaceReference& root, const PlaceReference& at) {
  if (!is_mount_root(*root) || !root->parent()) return error(EINVAL);
  if (root->node().is_directory() != at->node().is_directory()) return error(EINVAL);
  TRY(check_has_name(caller, *at));
  MountTable& mounts = mounts_of(tree_of(caller));
  const threads::MutexGuard guard(mounts.mutex);
  // Two moves at once, each below the other, would leave a ring.
  if (at->is_below(*root)) return error(ELOOP);
  TRY(mounts.move(*root, at));
  mounts.changed();
  return {};
}

namespace {
Answer<> change_system_locked(Caller& caller, MountedSystem& system, std::string_view options, bool read_only) {
  if (read_only && mounts_of(tree_of(caller)).has_writers(system)) return error(EBUSY);
  if (is_memory_system(system.type) && !options.empty()) {
    const MemoryOptions changed = TRY(MemoryOptions::parse(options, memory_information().total_bytes));
    base::Array<char> text;
    TRY(text.append(std::span(options)));
    TRY(system.home->limit(changed, caller.sleeper()));
    system.options = std::move(text);
  }
  system.read_only = read_only;
  return {};
}
}  // namespace

Answer<> change_system(Caller& caller, MountedSystem& system, std::string_view options, bool read_only) {
  const threads::MutexGuard guard(mounts_of(tree_of(caller)).mutex);
  return change_system_locked(caller, system, options, read_only);
}

Answer<> change_flags(Caller& caller, const PlaceReference& root, const FlagChange& change, Below below) {
  if (!is_mount_root(*root) || root->mount() == nullptr) return error(EINVAL);
  MountTable& mounts = mounts_of(tree_of(caller));
  const threads::MutexGuard guard(mounts.mutex);
  base::Array<MountReference> changed;
  TRY(changed.push_back(MountReference(*root->mount())));
  const auto note = [&](MountPoint& point) -> Answer<> {
    if (point.mount.get() != root->mount() && point.root->is_below(*root)) TRY(changed.push_back(point.mount));
    return {};
  };
  if (below == Below::Yes) TRY(mounts.for_each(note));
  for (const MountReference& each : changed.span())
    if ((change.set & mount_flag::read_only) != 0 && each->has_writers()) return error(EBUSY);
  for (const MountReference& each : changed.span()) each->set_flags((each->flags() & ~change.clear) | change.set);
  mounts.changed();
  return {};
}

Answer<> remount(Caller& caller, const PlaceReference& root, std::string_view options, std::uint32_t flags,
                 Remount what) {
  if (!is_mount_root(*root)) return error(EINVAL);
  Mount& mount = *root->mount();
  FileTree& tree = tree_of(caller);
  threads::MutexGuard guard(mounts_of(tree).mutex);
  std::uint32_t kept = with_access_times(flags);
  // Unless something is said of access times they stay as they are.
  if ((flags & mount_flag::access_times) == 0)
    kept = (kept & ~mount_flag::access_times) | (mount.flags() & mount_flag::access_times);
  const bool read_only = (flags & mount_flag::read_only) != 0;
  if (what == Remount::OfSystem) TRY(change_system_locked(caller, mount.system(), options, read_only));
  if (what == Remount::OfMount && read_only && mount.has_writers()) return error(EBUSY);
  mount.set_flags(kept);
  mounts_of(tree).changed();
  return {};
}

Answer<> unmount(Caller& caller, PlaceReference root, Unmounting how) {
  if (!is_mount_root(*root)) return error(EINVAL);
  FileTree& tree = tree_of(caller);
  MountTable& mounts = mounts_of(tree);
  threads::MutexGuard guard(mounts.mutex);
  if (!root->parent()) return error(EBUSY);  // everything is below it
  name_cache_of(tree).clear();
  if (how != Unmounting::Lazy) {
    if (!mounts.is_unused(*root)) return error(EBUSY);
    if (how == Unmounting::Expired && !root->mount()->expires.exchange(true)) return error(EAGAIN);
  }
  MountReference mount(*root->mount());
  base::Own<MountPoint> point = mounts.take(*root);
  if (!point) return error(EINVAL);
  mounts.changed();
  if (how == Unmounting::Lazy) {
    // What is mounted inside goes with it, however deep; whoever is in there may stay.
    base::Array<MountReference> going;
    TRY(going.push_back(mount));
    for (std::size_t i = 0; i < going.size(); ++i) {
      const MountReference each = going[i];
      while (base::Own<MountPoint> inside = mounts.take_inside(*each)) TRY(going.push_back(inside->mount));
    }
  }
  point.reset();
  root.reset();
  mount.reset();
  sweep_systems(tree, caller.sleeper());
  return {};
}

}  // namespace linux_abi
