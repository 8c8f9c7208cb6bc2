// SPDX-License-Identifier: Apache-2.0
// Lookups and changes of a VMA set: see vma_set.h. A change takes the nodes it may need from the heap first (Spares),
// so that nothing can fail once it has begun.
#include "kernel/vma/vma_set.h"

#include <utility>

#include "kernel/base/assert.h"
#include "kernel/base/memory.h"

namespace vma {

class VmaSet::Spares {
 public:
  Spares() = default;
  Spares(const Spares&) = delete;
  Spares& operator=(const Spares&) = delete;
  ~Spares() {
    while (first_ != nullptr) base::Own<Node>(take()).reset();
  }

  // `wanted` nodes; what a change uses at its peak may be one more than it adds.
  base::Result<> provide(std::size_t wanted) {
    for (; wanted > 0; --wanted) give(*TRY(base::try_make<Node>()).release());
    return {};
  }
  Node* take() {
    LEGO_ASSERT(first_ != nullptr);
    return std::exchange(first_, first_->next_spare);
  }
  void give(Node& node) { node.next_spare = std::exchange(first_, &node); }

 private:
  Node* first_ = nullptr;
};

bool continues(const Vma& lower, const Vma& upper) {
  if (lower.range.end != upper.range.start || lower.protection != upper.protection || lower.flags != upper.flags ||
      lower.object != upper.object)
    return false;
  return !lower.object || lower.object_offset + lower.range.bytes() == upper.object_offset;
}

VmaSet::VmaSet(VmaSet&& other) noexcept { *this = std::move(other); }

VmaSet& VmaSet::operator=(VmaSet&& other) noexcept {
  std::swap(layout_, other.layout_);
  nodes_.swap(other.nodes_);
  std::swap(version_, other.version_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(break_start_, other.break_start_);
  std::swap(break_, other.break_);
  return *this;
}

void VmaSet::clear() {
  nodes_.clear_and_dispose([](Node* node) { base::Own<Node>(node).reset(); });
  mapped_bytes_ = 0;
}

const Vma* VmaSet::find_from(base::UserVa address) const {
  auto position = nodes_.upper_bound(address);
  if (position != nodes_.begin()) {
    auto before = std::prev(position);
    if (address < before->range.end) return &*before;
  }
  return position == nodes_.end() ? nullptr : &*position;
}

const Vma* VmaSet::find(base::UserVa address) const {
  const Vma* vma = find_from(address);
  return vma != nullptr && vma->range.contains(address) ? vma : nullptr;
}

VmaSet::Nodes::const_iterator VmaSet::position_of(const Vma& vma) const {
  return nodes_.iterator_to(static_cast<const Node&>(vma));
}

const Vma* VmaSet::next(const Vma& vma) const {
  auto position = std::next(position_of(vma));
  return position == nodes_.end() ? nullptr : &*position;
}

bool VmaSet::is_free(Range range) const {
  const Vma* vma = find_from(range.start);
  return vma == nullptr || vma->range.start >= range.end;
}

Range VmaSet::covered_part(Range range) const {
  base::UserVa reached = range.start;
  for (const Vma* vma = find(reached); vma != nullptr && vma->range.start <= reached; vma = next(*vma)) {
    reached = vma->range.end;
    if (reached >= range.end) return range;
  }
  return {range.start, reached};
}

void VmaSet::split(base::UserVa at, Spares& spares) {
  Vma* lower = const_cast<Vma*>(find(at));
  if (lower == nullptr || lower->range.start == at) return;
  Node* upper = spares.take();
  static_cast<Vma&>(*upper) = *lower;
  upper->range.start = at;
  if (lower->object) upper->object_offset += at - lower->range.start;
  lower->range.end = at;
  nodes_.insert(*upper);
}

void VmaSet::remove(Range range, Spares& spares) {
  split(range.start, spares);
  split(range.end, spares);
  auto position = nodes_.lower_bound(range.start);
  while (position != nodes_.end() && position->range.start < range.end) {
    Node& node = *position;
    mapped_bytes_ -= node.range.bytes();
    position = nodes_.erase(position);
    spares.give(node);
  }
}

void VmaSet::add(const Vma& vma, Spares& spares) {
  Node* node = spares.take();
  static_cast<Vma&>(*node) = vma;
  if (!vma.object) node->object_offset = 0;
  mapped_bytes_ += vma.range.bytes();
  const bool inserted = nodes_.insert(*node).second;
  LEGO_ASSERT(inserted);
}

void VmaSet::merge(Range range, Spares& spares) {
  auto position = nodes_.lower_bound(range.start);
  if (position != nodes_.begin()) --position;
  while (position != nodes_.end()) {
    auto upper = std::next(position);
    if (upper == nodes_.end() || upper->range.start > range.end) return;
    if (!continues(*position, *upper)) {
      position = upper;
      continue;
    }
    Node& gone = *upper;
    position->range.end = gone.range.end;
    nodes_.erase(upper);
    spares.give(gone);
  }
}

base::Result<> VmaSet::map(const Vma& vma) {
  if (!has_room_for(2)) return base::fail(base::Error::NoMemory);
  Spares spares;
  TRY(spares.provide(2));  // the new one, and the rest of one that it lies in
  remove(vma.range, spares);
  add(vma, spares);
  merge(vma.range, spares);
  changed();
  return {};
}

bool VmaSet::may_unmap(Range range) const {
  const Vma* around = find(range.start);
  const bool splits = around != nullptr && around->range.start < range.start && range.end < around->range.end;
  return !splits || has_room_for(1);
}

base::Result<> VmaSet::unmap(Range range) {
  if (!may_unmap(range)) return base::fail(base::Error::NoMemory);
  Spares spares;
  TRY(spares.provide(2));
  remove(range, spares);
  changed();
  return {};
}

base::Result<> VmaSet::protect(Range range, Protection protection) {
  if (!is_covered(range)) return base::fail(base::Error::NoMemory);
  const Flags refusing = (has(protection, Protection::Write) ? Flags::NoWrite : Flags::None) |
                         (has(protection, Protection::Execute) ? Flags::NoExecute : Flags::None);
  if (refusing != Flags::None) {
    for (const Vma* vma = find(range.start); vma != nullptr && vma->range.start < range.end; vma = next(*vma))
      if (has(vma->flags, refusing)) return base::fail(base::Error::AccessDenied);
  }
  if (!has_room_for(2)) return base::fail(base::Error::NoMemory);
  Spares spares;
  TRY(spares.provide(2));
  split(range.start, spares);
  split(range.end, spares);
  for (auto position = nodes_.lower_bound(range.start); position != nodes_.end() && position->range.start < range.end;
       ++position)
    position->protection = protection;
  merge(range, spares);
  changed();
  return {};
}

base::Result<> VmaSet::mark(Range range, Flags set, Flags cleared) {
  const auto splits = [this](base::UserVa at) {
    const Vma* around = find(at);
    return around != nullptr && around->range.start < at ? std::size_t{1} : std::size_t{0};
  };
  // A full set's marks can be taken off again.
  if (!has_room_for(splits(range.start) + splits(range.end))) return base::fail(base::Error::NoMemory);
  Spares spares;
  TRY(spares.provide(2));
  split(range.start, spares);
  split(range.end, spares);
  for (auto position = nodes_.lower_bound(range.start); position != nodes_.end() && position->range.start < range.end;
       ++position)
    position->flags = (position->flags & ~cleared) | set;
  merge(range, spares);
  return {};
}

base::Result<> VmaSet::remap(Range old_range, base::UserVa address, std::uint64_t new_bytes, RemapMode mode) {
  const Vma* old_vma = find(old_range.start);
  if (old_vma == nullptr || old_vma->range.end < old_range.end) return base::fail(base::Error::BadAddress);
  Vma vma = *old_vma;
  if (vma.object) vma.object_offset += old_range.start - vma.range.start;
  vma.range = Range::of(address, new_bytes);
  if (!has_room_for(3)) return base::fail(base::Error::NoMemory);
  Spares spares;
  TRY(spares.provide(3));
  if (address != old_range.start || old_range.start == old_range.end) {  // moved, or duplicated
    if (old_range.start < old_range.end && old_range.overlaps(vma.range))
      return base::fail(base::Error::InvalidArgument);
    remove(vma.range, spares);
    if (!mode.keep_old && old_range.bytes() > 0) remove(old_range, spares);
    add(vma, spares);
  } else if (vma.range.end < old_range.end) {
    remove({vma.range.end, old_range.end}, spares);
  } else if (old_range.end < vma.range.end) {
    if (vma.object) vma.object_offset += old_range.bytes();
    vma.range.start = old_range.end;
    add(vma, spares);
  }
  merge(vma.range, spares);
  changed();
  return {};
}

void VmaSet::set_break_start(base::UserVa address) {
  break_start_ = address;
  break_ = address;
}

base::Result<> VmaSet::set_break(base::UserVa address) {
  TRY(check_break(address));
  const Range change = break_change(address);
  if (change.start < change.end) {
    Spares spares;
    TRY(spares.provide(2));
    if (address < break_) {
      remove(change, spares);
    } else {
      add({.range = change, .protection = Protection::Read | Protection::Write}, spares);
      merge(change, spares);
    }
  }
  break_ = address;
  changed();
  return {};
}

base::Result<> VmaSet::copy_from(const VmaSet& other) {
  VmaSet copy(other.layout_);
  Spares spares;
  TRY(spares.provide(other.count()));
  for (const Node& node : other.nodes_) copy.add(node, spares);
  copy.version_ = other.version_;
  copy.break_start_ = other.break_start_;
  copy.break_ = other.break_;
  *this = std::move(copy);
  return {};
}

}  // namespace vma
