// SPDX-License-Identifier: Apache-2.0
// Where file systems are mounted: see mount_table.h.
#include "linux-abi/files/mount_table.h"

#include <algorithm>

namespace linux_abi {

using Count = processor::CountedReferences<Place>;

bool MountPoint::is_at(const Place& at_directory, std::string_view at_name) const {
  return directory && &directory->node() == &at_directory.node() && directory->mount() == at_directory.mount() &&
         std::string_view(name.data(), name.size()) == at_name;
}

PlaceReference MountTable::at(const PlaceReference& directory, std::string_view name) {
  if (!directory->node().has_mounts()) return {};
  const base::SpinGuard guard(lock_);
  const auto found = std::find_if(points_.rbegin(), points_.rend(),
                                  [&](const MountPoint& each) { return each.is_at(*directory, name); });
  return found == points_.rend() ? PlaceReference() : found->root;
}

Answer<base::Array<char>> MountTable::path_inside(PlaceReference place) {
  PlaceReference root = place;
  for (PlaceReference up = root->parent(); up && up->mount() == place->mount(); up = root->parent()) root = up;
  base::Array<char> path;
  for (const MountPoint& point : points_)
    if (point.root == root && point.inside.size() > 1) TRY(path.append(point.inside.span()));
  const base::Array<char> rest = TRY(place->path(*root, false));
  if (path.empty() || rest.size() > 1) TRY(path.append(rest.span()));
  return path;
}

Answer<PlaceReference> MountTable::add(MountReference mount, NodeReference root, const PlaceReference& at,
                                       std::string_view inside) {
  auto point = base::make<MountPoint>();
  if (!point) return error(ENOMEM);
  TRY(point->inside.append(std::span(inside)));
  if (at) {
    if (at->removed()) return error(ENOENT);
    point->directory = at->parent();
    point->name = TRY(at->name());
    if (!point->directory) return error(EBUSY);
  }
  const std::string_view name = at ? std::string_view(point->name.data(), point->name.size()) : "/";
  PlaceReference place = TRY(Place::create(std::move(root), point->directory, name, mount));
  point->mount = std::move(mount);
  point->root = place;
  const base::SpinGuard guard(lock_);
  if (points_.size() >= max_mounts) return error(ENOSPC);
  if (point->directory) point->directory->node().add_mount();
  points_.push_back(*point.release());
  return place;
}

base::Own<MountPoint> MountTable::take_at(Points::iterator found) {
  base::Own<MountPoint> point(&*found);
  points_.erase(found);
  if (point->directory) point->directory->node().drop_mount();
  return point;
}

base::Own<MountPoint> MountTable::take(const Place& root) {
  const base::SpinGuard guard(lock_);
  const auto found =
      std::find_if(points_.begin(), points_.end(), [&](const MountPoint& each) { return each.root.get() == &root; });
  return found == points_.end() ? base::Own<MountPoint>() : take_at(found);
}

base::Own<MountPoint> MountTable::take_inside(const Mount& mount) {
  const base::SpinGuard guard(lock_);
  for (auto each = points_.rbegin(); each != points_.rend(); ++each)
    if (each->directory && each->directory->mount() == &mount) return take_at(std::prev(each.base()));
  return {};
}

Answer<> MountTable::move(const Place& root, const PlaceReference& at) {
  PlaceReference directory = at->parent();
  if (!directory) return error(EBUSY);
  base::Array<char> name = TRY(at->name()), of_place = TRY(at->name());
  base::Own<MountPoint> point = take(root);
  if (!point) return error(EINVAL);
  std::swap(point->directory, directory);
  std::swap(point->name, name);
  point->root->renamed(point->directory, std::move(of_place));
  const base::SpinGuard guard(lock_);
  point->directory->node().add_mount();
  points_.push_back(*point.release());
  return {};
}

bool MountTable::is_unused(const Place& root) {
  // The mount is held by its point and its root's place, and by every place that was found in it. What nobody has he
  // cannot get but by the table.
  const base::SpinGuard guard(lock_);
  return processor::CountedReferences<Mount>::count(*root.mount()) == 2 && Count::count(root) == 2;
}

bool MountTable::has_writers(const MountedSystem& system) {
  const base::SpinGuard guard(lock_);
  return std::any_of(points_.begin(), points_.end(), [&](const MountPoint& each) {
    return &each.mount->system() == &system && each.mount->has_writers();
  });
}

void MountTable::clear() {
  while (true) {
    base::Own<MountPoint> last;
    const base::SpinGuard guard(lock_);
    if (points_.empty()) return;
    last = take_at(std::prev(points_.end()));
  }
}

}  // namespace linux_abi
