// SPDX-License-Identifier: Apache-2.0
// The objects of one kind that a vNode has, by id and by key. An id is a place in the table and how often places were
// emptied before, so that an id that was removed names nothing for long. Guarded by the owner's lock; an entry is
// counted, so that whoever sleeps on it can find out that it was removed.
#pragma once

#include <linux/ipc.h>

#include <utility>

#include "kernel/base/array.h"
#include "linux-abi/ipc/permissions.h"
#include "processor/reference.h"

namespace linux_abi::ipc {

// What every entry has.
struct Entry : processor::Counted {
  Permissions permissions;
  int id = -1;
  bool removed = false;
};

inline constexpr unsigned place_bits = 15;
constexpr std::size_t place_of(int id) { return static_cast<std::size_t>(id) & ((std::size_t{1} << place_bits) - 1); }

// What an administrator may change.
struct Settings {
  std::size_t most = 0;  // entries
  int next_id = -1;      // that the next entry is to have if its place is free (for who restores programs); -1: any
};

template <typename T>
class Table {
 public:
  using Reference = processor::Reference<T>;
  explicit Table(std::size_t most) : most_(most) {}

  // The entry that a *get call names (key and IPC_CREAT, IPC_EXCL in flags), or an empty reference: make one, add() it.
  // ENOENT, EEXIST.
  Answer<Reference> get(std::int32_t key, int flags) {
    if (key == IPC_PRIVATE) return Reference();
    for (Reference& entry : entries_) {
      if (!entry || entry->permissions.key != key) continue;
      if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) return error(EEXIST);
      return entry;
    }
    if ((flags & IPC_CREAT) == 0) return error(ENOENT);
    return Reference();
  }
  // Gives it an id. ENOSPC.
  Answer<> add(Reference entry) {
    std::size_t place = 0;
    std::uint16_t sequence = sequence_;
    const int wanted = std::exchange(next_id_, -1);
    if (used_ >= most_) return error(ENOSPC);
    if (wanted >= 0) {
      place = place_of(wanted);
      sequence = static_cast<std::uint16_t>(wanted >> place_bits);
    }
    if (wanted < 0 || (place < entries_.size() && entries_[place])) {
      place = 0;
      while (place < entries_.size() && entries_[place]) ++place;
    }
    if (place >= std::size_t{1} << place_bits) return error(ENOSPC);
    while (entries_.size() <= place) TRY(entries_.push_back({}));
    entry->permissions.sequence = sequence;
    entry->id = static_cast<int>(static_cast<std::size_t>(sequence) << place_bits | place);
    entries_[place] = std::move(entry);
    ++used_;
    return {};
  }
  // EINVAL: no such place; EIDRM: what it named is gone.
  Answer<Reference> find(int id) const {
    const Reference entry = TRY(at(id < 0 ? entries_.size() : place_of(id)));
    if (entry->id != id) return error(EIDRM);
    return entry;
  }
  Answer<Reference> at(std::size_t place) const {
    if (place >= entries_.size() || !entries_[place]) return error(EINVAL);
    return entries_[place];
  }
  void remove(T& entry) {
    entry.removed = true;
    entries_[place_of(entry.id)].reset();
    sequence_ = static_cast<std::uint16_t>((sequence_ + 1) & 0x7fff);
    --used_;
    while (!entries_.empty() && !entries_.back()) entries_.pop_back();
  }
  std::size_t used() const { return used_; }
  Settings settings() const { return {most_, next_id_}; }
  void change(Settings settings) {
    most_ = settings.most;
    next_id_ = settings.next_id;
  }
  std::size_t places() const { return entries_.size(); }  // one more than the highest in use

 private:
  std::size_t most_;
  int next_id_ = -1;
  base::Array<Reference> entries_;
  std::size_t used_ = 0;
  std::uint16_t sequence_ = 0;
};

}  // namespace linux_abi::ipc
