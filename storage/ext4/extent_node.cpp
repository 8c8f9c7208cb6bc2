// SPDX-License-Identifier: Apache-2.0
// One node of an extent tree: see extent_node.h.
#include "storage/ext4/extent_node.h"

#include <cstring>

namespace ext4 {

namespace {
constexpr std::size_t entry_bytes = sizeof(ExtentEntry);

constexpr std::size_t capacity_for(std::size_t bytes) { return (bytes - sizeof(ExtentHeader)) / entry_bytes; }
}  // namespace

void ExtentNode::initialize(std::size_t bytes, std::uint16_t depth) const {
  header().magic = extent_magic;
  header().entries = 0;
  header().capacity = static_cast<std::uint16_t>(capacity_for(bytes));
  header().depth = depth;
  header().generation = 0;
}

std::size_t ExtentNode::search(std::uint64_t logical) const {
  std::size_t low = 0, high = size();  // the answer + 1 lies in [low, high]
  while (low < high) {
    const std::size_t middle = (low + high) / 2;
    if (key(middle) <= logical)
      low = middle + 1;
    else
      high = middle;
  }
  return low == 0 ? 0 : low - 1;
}

void ExtentNode::insert_gap(std::size_t index) const {
  std::byte* at = entries() + index * entry_bytes;
  std::memmove(at + entry_bytes, at, (size() - index) * entry_bytes);
  header().entries = static_cast<std::uint16_t>(size() + 1);
}

void ExtentNode::erase(std::size_t index) const {
  std::byte* at = entries() + index * entry_bytes;
  std::memmove(at, at + entry_bytes, (size() - index - 1) * entry_bytes);
  header().entries = static_cast<std::uint16_t>(size() - 1);
}

void ExtentNode::move_tail_to(std::size_t first, ExtentNode target) const {
  const std::size_t count = size() - first;
  std::memcpy(target.entries(), entries() + first * entry_bytes, count * entry_bytes);
  target.header().entries = static_cast<std::uint16_t>(count);
  header().entries = static_cast<std::uint16_t>(first);
}

bool ExtentNode::well_formed(std::size_t bytes, std::uint16_t depth) const {
  const std::size_t most = capacity_for(bytes);
  if (header().magic != extent_magic || header().depth != depth) return false;
  if (header().capacity > most || header().capacity + 2u < most || header().entries > header().capacity) return false;
  std::uint64_t free_from = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    if (key(i) < free_from) return false;
    const std::uint64_t count = leaf() ? extent(i).get().count : 1;
    if (count == 0) return false;
    free_from = key(i) + count;
  }
  return free_from <= max_file_blocks;
}

}  // namespace ext4
