// SPDX-License-Identifier: Apache-2.0
// The table of names: see directory_index.h.
#include "storage/ext4/directory_index.h"

#include <cstring>

namespace ext4 {

using base::Result;

namespace {

std::uint64_t mix(std::uint64_t value) {  // the finalizer of splitmix64
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

}  // namespace

std::uint32_t DirectoryIndex::hash(std::string_view name) const {
  std::uint64_t state = seed_ ^ name.size();
  while (name.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, name.data(), 8);
    state = mix(state ^ word);
    name.remove_prefix(8);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, name.data(), name.size());
  return static_cast<std::uint32_t>(mix(state ^ rest));
}

void DirectoryIndex::insert(Slot slot) {
  std::size_t at = first_slot(slot.hash);
  while (table_[at].place != 0) at = next_slot(at);
  table_[at] = slot;
}

Result<> DirectoryIndex::grow() {
  base::Array<Slot> old;
  std::swap(old, table_);
  if (auto result = table_.resize(old.empty() ? 64 : old.size() * 2); !result) {
    std::swap(old, table_);
    return result;
  }
  for (const Slot& slot : old)
    if (slot.place != 0) insert(slot);
  return {};
}

Result<> DirectoryIndex::add(std::uint32_t hash, std::uint64_t position) {
  if ((used_ + 1) * 2 > table_.size()) TRY(grow());
  insert({hash, static_cast<std::uint32_t>(position / 4 + 1)});
  ++used_;
  return {};
}

// Closes the gap, so that no probe sequence is cut: each later entry of the run moves up if it may.
void DirectoryIndex::remove(std::uint32_t hash, std::uint64_t position) {
  if (table_.empty()) return;
  const auto place = static_cast<std::uint32_t>(position / 4 + 1);
  std::size_t hole = first_slot(hash);
  while (table_[hole].place != place || table_[hole].hash != hash) {
    if (table_[hole].place == 0) return;
    hole = next_slot(hole);
  }
  const std::size_t mask = table_.size() - 1;
  for (std::size_t at = next_slot(hole); table_[at].place != 0; at = next_slot(at)) {
    const std::size_t home = first_slot(table_[at].hash);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;  // its home lies behind the hole
    table_[hole] = table_[at];
    hole = at;
  }
  table_[hole] = Slot{};
  --used_;
}

}  // namespace ext4
