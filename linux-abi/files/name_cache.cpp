// SPDX-License-Identifier: Apache-2.0
// Names that were looked up: see name_cache.h.
#include "linux-abi/files/name_cache.h"

namespace linux_abi {

std::size_t NameCache::bucket_of(const Node& directory, std::string_view name) {
  std::uint64_t hash = reinterpret_cast<std::uintptr_t>(&directory) * 0x9e3779b97f4a7c15;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return (hash >> 20) % buckets;
}

NameCache::Entry* NameCache::find_locked(const Place& directory, std::string_view name) {
  for (Entry& entry : table_[bucket_of(directory.node(), name)])
    if (entry.directory.get() == &directory && entry.text() == name) return &entry;
  return nullptr;
}

void NameCache::unlink_locked(Entry& entry) {
  table_[entry.bucket].erase(table_[entry.bucket].iterator_to(entry));
  by_age_.erase(by_age_.iterator_to(entry));
}

NameCache::Known NameCache::find(Place& directory, std::string_view name, PlaceReference& place) {
  const base::SpinGuard guard(lock_);
  Entry* entry = find_locked(directory, name);
  if (entry == nullptr) return Known::No;
  by_age_.splice(by_age_.begin(), by_age_, by_age_.iterator_to(*entry));
  if (!entry->place) return Known::Missing;
  place = entry->place;
  return Known::Exists;
}

base::Own<NameCache::Entry> NameCache::entry_of(Place& directory, std::string_view name, PlaceReference place) {
  auto made = base::make<Entry>();
  if (!made || !made->name.append(std::span(name))) return {};
  made->directory = PlaceReference(directory);
  made->place = std::move(place);
  made->bucket = bucket_of(directory.node(), name);
  return made;
}

base::Own<NameCache::Entry> NameCache::take_locked(const Place& directory, std::string_view name) {
  Entry* known = find_locked(directory, name);
  if (known == nullptr) return {};
  unlink_locked(*known);
  return base::Own<Entry>(known);
}

void NameCache::take_all_locked(const Node& directory, std::string_view name, Bucket& taken) {
  Bucket& bucket = table_[bucket_of(directory, name)];
  for (auto next = bucket.begin(); next != bucket.end();) {
    Entry& entry = *next++;
    if (&entry.directory->node() != &directory || entry.text() != name) continue;
    unlink_locked(entry);
    taken.push_back(entry);
  }
}

void NameCache::destroy(Bucket& taken) {
  while (!taken.empty()) {
    const base::Own<Entry> entry(&taken.front());
    taken.pop_front();
  }
}

base::Own<NameCache::Entry> NameCache::insert_locked(base::Own<Entry> made) {
  base::Own<Entry> oldest;
  if (by_age_.size() >= max_entries) {
    oldest = base::Own<Entry>(&by_age_.back());
    unlink_locked(*oldest);
  }
  Entry* entry = made.release();
  table_[entry->bucket].push_front(*entry);
  by_age_.push_front(*entry);
  return oldest;
}

void NameCache::insert(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes) {
  base::Own<Entry> made = entry_of(directory, name, std::move(place)), known, oldest;
  if (!made) return;  // not remembered: only slower
  const base::SpinGuard guard(lock_);
  if (changes_.load(std::memory_order_relaxed) != changes) return;  // may be wrong by now
  known = take_locked(directory, name);
  oldest = insert_locked(std::move(made));
}

void NameCache::changed(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes) {
  base::Own<Entry> made, oldest;
  Bucket known;
  if (place) made = entry_of(directory, name, std::move(place));
  {
    const base::SpinGuard guard(lock_);
    take_all_locked(directory.node(), name, known);
    // Pairs with the acquire in changes().
    if (changes_.fetch_add(1, std::memory_order_release) == changes && made) oldest = insert_locked(std::move(made));
  }
  destroy(known);
}

void NameCache::remember(Place& directory, std::string_view name, PlaceReference place, std::uint64_t changes) {
  insert(directory, name, std::move(place), changes);
}

void NameCache::remember_missing(Place& directory, std::string_view name, std::uint64_t changes) {
  insert(directory, name, {}, changes);
}

void NameCache::forget(Place& directory, std::string_view name, const Node* removed) {
  Bucket known;
  {
    const base::SpinGuard guard(lock_);
    changes_.fetch_add(1, std::memory_order_release);  // pairs with the acquire in changes()
    take_all_locked(directory.node(), name, known);
  }
  for (Entry& entry : known)
    if (entry.place && &entry.place->node() == removed) entry.place->set_removed();
  destroy(known);
}

void NameCache::clear() {
  while (true) {
    base::Own<Entry> entry;
    {
      const base::SpinGuard guard(lock_);
      if (by_age_.empty()) return;
      Entry& last = by_age_.back();
      unlink_locked(last);
      entry = base::Own<Entry>(&last);
    }
  }
}

}  // namespace linux_abi
