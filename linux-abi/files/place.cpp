// SPDX-License-Identifier: Apache-2.0
// Names in the tree: see place.h.
#include "linux-abi/files/place.h"

#include <algorithm>

#include "kernel/base/memory.h"

namespace linux_abi {

Answer<PlaceReference> Place::create(NodeReference node, PlaceReference parent, std::string_view name,
                                     MountReference mount) {
  auto place = base::make<Place>();
  if (!place) return error(ENOMEM);
  TRY(place->name_.append(std::span(name)));
  place->node_ = std::move(node);
  place->mount_ = !mount && parent ? parent->mount_ : std::move(mount);
  place->parent_ = std::move(parent);
  return PlaceReference(*place.release());
}

void Place::last_reference_gone() {
  // Long chains of parents end one after the other, not one inside the other.
  PlaceReference next = std::move(parent_);
  base::Own<Place>(this).reset();
  next.reset();
}

PlaceReference Place::parent() {
  const base::SpinGuard guard(places_lock);
  return parent_;
}

Answer<base::Array<char>> Place::name() {
  base::Array<char> copy;
  TRY(copy.reserve(256));
  const base::SpinGuard guard(places_lock);
  TRY(copy.append(name_.span()));
  return copy;
}

Answer<base::Array<char>> Place::path(const Place& root, bool with_removed) {
  constexpr std::size_t max_path = 4096;
  base::Array<char> reversed;
  TRY(reversed.reserve(max_path));
  {
    const base::SpinGuard guard(places_lock);
    for (const Place* place = this; place != &root && place->parent_; place = place->parent_.get()) {
      if (reversed.size() + place->name_.size() + 1 > max_path) return error(ENAMETOOLONG);
      for (std::size_t i = place->name_.size(); i > 0; --i) TRY(reversed.push_back(place->name_[i - 1]));
      TRY(reversed.push_back('/'));
    }
  }
  if (reversed.empty()) TRY(reversed.push_back('/'));
  std::reverse(reversed.begin(), reversed.end());
  if (removed_ && !with_removed) return error(ENOENT);
  if (removed_) TRY(reversed.append(std::span(std::string_view(" (deleted)"))));
  return reversed;
}

bool Place::is_below(const Place& ancestor) {
  const base::SpinGuard guard(places_lock);
  return is_below_locked(ancestor);
}

bool Place::is_below_locked(const Place& ancestor) const {
  for (const Place* place = this; place != nullptr; place = place->parent_.get())
    if (place == &ancestor || place->node_ == ancestor.node_) return true;
  return false;
}

void Place::renamed(PlaceReference parent, base::Array<char> name) {
  const base::SpinGuard guard(places_lock);
  // Two threads rename in another order here than at the home: what is told last is not always what happened last. A
  // directory below itself cannot be true, and its places would hold each other for ever.
  if (parent && parent->is_below_locked(*this)) return;
  std::swap(parent_, parent);
  std::swap(name_, name);
}

}  // namespace linux_abi
