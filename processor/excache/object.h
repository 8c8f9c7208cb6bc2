// SPDX-License-Identifier: Apache-2.0
// A shared object as the ExCache sees it: a file or an anonymous segment, its home, its size, its lines. Of an
// anonymous one it is known which pages the home has, so that the others are made without a message. Guarded by the
// ExCache's lock. While pages are frozen (a truncation is under way, or a hole is made) nobody can use them.
#pragma once

#include <boost/intrusive/unordered_set.hpp>
#include <cstdint>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "kernel/base/waiter.h"
#include "processor/excache/home.h"
#include "processor/excache/line.h"

namespace excache {

enum class ObjectKind : std::uint8_t { File, Anonymous };

class Object : public boost::intrusive::unordered_set_base_hook<> {
 public:
  Object(base::ObjectId object_id, ObjectKind object_kind, Home& object_home, std::uint64_t bytes,
         bool stored_on_disk = false)
      : id(object_id),
        kind(object_kind),
        on_disk(stored_on_disk),
        home(object_home),
        bytes_(bytes),
        home_bytes_(bytes) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  const base::ObjectId id;
  const ObjectKind kind;
  const bool on_disk;  // a file that outlives its vNode: what is dirty of it goes home after a while
  Home& home;

 private:
  friend class ExCache;
  std::uint64_t pages() const { return (bytes_ + base::page_bytes - 1) / base::page_bytes; }
  bool frozen(std::uint64_t page) const { return page >= frozen_from_ && page < frozen_to_; }
  bool any_frozen() const { return frozen_from_ < frozen_to_; }
  // Whether the home may have something for this page.
  bool has_content(std::uint64_t page) const {
    if (kind == ObjectKind::File) return page * base::page_bytes < home_bytes_;
    const std::uint64_t word = page / 64;
    return word < content_.size() && ((content_[word] >> (page % 64)) & 1) != 0;
  }
  // Anonymous: room to note this page. NoMemory.
  base::Result<> prepare_content(std::uint64_t page) {
    if (kind == ObjectKind::File || page / 64 < content_.size()) return {};
    return content_.resize(page / 64 + 1);
  }
  void set_content(std::uint64_t page) {
    if (kind == ObjectKind::Anonymous) content_[page / 64] |= std::uint64_t{1} << (page % 64);
  }

  std::uint64_t bytes_;
  std::uint64_t home_bytes_;            // files: pages beyond are new, the home has nothing for them
  base::Array<std::uint64_t> content_;  // anonymous: a bit per page that the home has
  ObjectLines lines_;
  std::uint64_t frozen_from_ = 0, frozen_to_ = 0;
  base::Error write_error_ = base::Error::None;  // of a write-back, told once by the next flush
  base::WaitQueue waiters_;
};

}  // namespace excache
