// SPDX-License-Identifier: Apache-2.0
// Names that were looked up: (directory's Place, name) → Place, so that walking a path again costs no message. Holds
// references to the most recently used ones, up to a limit. Also remembers that a name does not exist. Names are
// forgotten when the calls here change them; nobody else changes a vNode's files while it runs on one pComponent.
// A directory may have several Places (bind mounts; two threads that looked it up at once): what changes in one is
// forgotten of all.
// Looking a name up at its home takes time: what was found is remembered only if no name changed meanwhile.
#pragma once

#include <array>
#include <atomic>
#include <boost/intrusive/list.hpp>
#include <string_view>

#include "kernel/base/memory.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class NameCache {
 public:
  static constexpr std::size_t max_entries = 8192;
  ~NameCache() { clear(); }

  enum class Known : std::uint8_t { No, Exists, Missing };
  // How often names changed; taken before a look-up or a change, given to remember() and changed().
  std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  // Exists: `place` is set.
  Known find(Place& directory, std::string_view name, PlaceReference& place);
  void remember(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes);
  void remember_missing(Place& directory, std::string_view name, std::uint64_t changes);
  // The name was made, or leads elsewhere now. What was remembered is wrong, and what others are looking up may be:
  // `place` is remembered in its stead if it is there and no other name changed since.
  void changed(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes);
  // Places that led to `removed` are told that they are.
  void forget(Place& directory, std::string_view name, const Node* removed = nullptr);
  void clear();

 private:
  struct Entry : boost::intrusive::list_base_hook<> {
    boost::intrusive::list_member_hook<> age_hook;
    PlaceReference directory;
    PlaceReference place;  // empty: there is no such name
    base::Array<char> name;
    std::size_t bucket = 0;
    std::string_view text() const { return {name.data(), name.size()}; }
  };
  using Bucket = boost::intrusive::list<Entry>;
  using ByAge = boost::intrusive::list<
      Entry, boost::intrusive::member_hook<Entry, boost::intrusive::list_member_hook<>, &Entry::age_hook>>;
  static constexpr std::size_t buckets = 1024;
  static std::size_t bucket_of(const Node& directory, std::string_view name);
  Entry* find_locked(const Place& directory, std::string_view name);
  void insert(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes);
  // Empty if there is no memory.
  static base::Own<Entry> entry_of(Place& directory, std::string_view name, PlaceReference place);
  base::Own<Entry> take_locked(const Place& directory, std::string_view name);
  // Of all Places of the directory; destroy() them outside of the lock.
  void take_all_locked(const Node& directory, std::string_view name, Bucket& taken);
  static void destroy(Bucket& taken);
  // Returns the one it drives out, to be destroyed outside of the lock.
  base::Own<Entry> insert_locked(base::Own<Entry> made);
  void unlink_locked(Entry& entry);

  base::SpinLock lock_{base::LockRank::Poll};  // guards all below; references are dropped outside of it
  std::atomic<std::uint64_t> changes_{0};      // written under lock_
  std::array<Bucket, buckets> table_;
  ByAge by_age_;  // the most recently used in front
};

}  // namespace linux_abi
