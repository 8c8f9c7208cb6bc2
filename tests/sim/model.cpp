// SPDX-License-Identifier: Apache-2.0
// See model.h.
#include "tests/sim/model.h"

#include <algorithm>

#include "tests/sim/report.h"

namespace sim {

Page& SpaceModel::loaded(std::uint64_t page) {
  const Mapping& mapping = mappings_.at(page);
  if (mapping.shared) return mapping.object->pages.at(mapping.object_page);
  const auto own = private_.find(page);
  if (own != private_.end()) return own->second;
  if (mapping.object != nullptr) return mapping.object->pages.at(mapping.object_page);
  return private_[page];
}

Page& SpaceModel::stored(std::uint64_t page) {
  const Mapping& mapping = mappings_.at(page);
  if (mapping.shared) return mapping.object->pages.at(mapping.object_page);
  const auto own = private_.find(page);
  if (own != private_.end()) return own->second;
  return private_[page] = mapping.object == nullptr ? Page{} : mapping.object->pages.at(mapping.object_page);
}

void SpaceModel::map(std::uint64_t first, std::uint64_t count, Mapping mapping) {
  unmap(first, count);
  for (std::uint64_t i = 0; i < count; ++i, ++mapping.object_page) mappings_[first + i] = mapping;
}

void SpaceModel::unmap(std::uint64_t first, std::uint64_t count) {
  discard(first, count);
  mappings_.erase(mappings_.lower_bound(first), mappings_.lower_bound(first + count));
}

void SpaceModel::discard(std::uint64_t first, std::uint64_t count) {
  private_.erase(private_.lower_bound(first), private_.lower_bound(first + count));
}

void SpaceModel::protect(std::uint64_t first, std::uint64_t count, bool writable) {
  for (std::uint64_t page = first; page < first + count; ++page) mappings_.at(page).writable = writable;
}

void SpaceModel::move(std::uint64_t from, std::uint64_t count, std::uint64_t to, std::uint64_t new_count,
                      bool keep_old) {
  if (from == to) {
    if (new_count < count) unmap(from + new_count, count - new_count);
  } else {
    unmap(to, new_count);
  }
  Mapping mapping = mappings_.at(from);
  for (std::uint64_t i = 0; i < new_count; ++i, ++mapping.object_page) {
    mappings_[to + i] = mapping;
    const auto content = i < count && from != to ? private_.extract(from + i) : decltype(private_)::node_type();
    if (!content.empty()) private_[to + i] = content.mapped();
  }
  if (from != to && keep_old) discard(from, count);
  if (from != to && !keep_old) unmap(from, count);
}

bool SpaceModel::covers(std::uint64_t first, std::uint64_t count) const {
  const auto begin = mappings_.lower_bound(first);
  return static_cast<std::uint64_t>(std::distance(begin, mappings_.lower_bound(first + count))) == count;
}

void SpaceModel::may_also_be(std::uint64_t page, std::size_t word, std::uint64_t value) {
  const Mapping* mapping = find(page);
  if (mapping != nullptr && !mapping->shared) stored(page)[word].possible.push_back(value);
}

void check_word(Page& page, std::size_t word, std::uint64_t seen, const char* where, std::uint64_t number) {
  std::vector<std::uint64_t>& possible = page[word].possible;
  if (std::find(possible.begin(), possible.end(), seen) == possible.end())
    fail("page " + std::to_string(number) + " (" + where + ") has " + std::to_string(seen) + ", not " +
         std::to_string(possible.back()));
  possible = {seen};
}

}  // namespace sim
