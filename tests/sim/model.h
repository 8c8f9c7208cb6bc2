// SPDX-License-Identifier: Apache-2.0
// What memory must be, without a cache: pages with a few words that are written and compared, the rest of them zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "processor/shared_object.h"

namespace sim {

// Bytes within a page; one word would not show a page that was written back in part.
inline constexpr std::array<std::size_t, 2> word_offsets = {0, 4088};

// More than one value is possible only where a store raced with a fork, until the word is first read.
struct Word {
  std::vector<std::uint64_t> possible{0};
};
using Page = std::array<Word, word_offsets.size()>;

// A segment or a file: all see what each one stores.
struct Shared {
  processor::Reference<processor::SharedObject> object;
  std::vector<Page> pages;
  bool is_file = false;
  bool constant = false;  // nobody writes it: private mappings may be compared
  bool writing = false;   // what the personality's lock of an inode is for
  std::uint64_t file = 0;
};

struct Mapping {
  Shared* object = nullptr;  // nullptr: anonymous and private
  std::uint64_t object_page = 0;
  bool shared = false;
  bool writable = true;
};

class SpaceModel {
 public:
  const Mapping* find(std::uint64_t page) const {
    const auto found = mappings_.find(page);
    return found == mappings_.end() ? nullptr : &found->second;
  }
  // What an access to a mapped page is about.
  Page& loaded(std::uint64_t page);
  Page& stored(std::uint64_t page);

  void map(std::uint64_t first, std::uint64_t count, Mapping mapping);
  void unmap(std::uint64_t first, std::uint64_t count);
  // What was private is as if it had never been written.
  void discard(std::uint64_t first, std::uint64_t count);
  void protect(std::uint64_t first, std::uint64_t count, bool writable);
  void move(std::uint64_t from, std::uint64_t count, std::uint64_t to, std::uint64_t new_count, bool keep_old);
  bool covers(std::uint64_t first, std::uint64_t count) const;
  // A store of the parent that may have come before the fork or after.
  void may_also_be(std::uint64_t page, std::size_t word, std::uint64_t value);
  const std::map<std::uint64_t, Mapping>& mappings() const { return mappings_; }

 private:
  std::map<std::uint64_t, Mapping> mappings_;
  std::map<std::uint64_t, Page> private_;
};

// Fails if the word cannot have this value; from now on it has.
void check_word(Page& page, std::size_t word, std::uint64_t seen, const char* where, std::uint64_t number);

}  // namespace sim
