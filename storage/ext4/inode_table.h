// SPDX-License-Identifier: Apache-2.0
// The inodes in memory, by number: a bounded cache, except for those that are held. Changes belong to the transaction
// under way and reach the inode table's blocks just before it commits.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/unordered_set.hpp>

#include "kernel/base/array.h"
#include "kernel/base/error.h"
#include "kernel/base/memory.h"
#include "storage/ext4/allocator.h"
#include "storage/ext4/buckets.h"
#include "storage/ext4/inode.h"

namespace ext4 {

class InodeTable {
 public:
  InodeTable(ext2_filsys fs, Allocator& allocator, std::uint32_t first_generation)
      : fs_(fs), allocator_(allocator), next_generation_(first_generation) {}
  InodeTable(const InodeTable&) = delete;
  InodeTable& operator=(const InodeTable&) = delete;
  ~InodeTable();
  base::Result<> initialize();

  // By number, as found in a directory or a list on the disk. Errors: IoError (no such inode, or damaged),
  // NotSupported (encrypted, inline data), NoMemory.
  base::Result<InodeRef> get(std::uint32_t number);
  // By the id that get() gave it. Errors: as get(); Stale.
  base::Result<InodeRef> find(base::FileId file);
  // A fresh one with a new generation, all zero otherwise, as part of the transaction under way.
  base::Result<InodeRef> create(std::uint32_t parent, bool directory);
  // To be called before `disk` or `names` is written to; may be called again.
  void change(Inode& inode);
  // The inode is gone if the transaction commits.
  void free(Inode& inode);
  // The library has rewritten the inode on the disk; `disk` is read anew.
  base::Result<> reload(Inode& inode);
  base::Result<> write(Inode& inode);

  base::Result<> prepare();  // writes the changed inodes into the transaction
  void commit();
  void abort();
  // Between operations, now and then: frees memory beyond the bounds.
  void trim();

  // Calls visit(Inode&) for every inode that is held.
  template <typename Visit>
  void for_each_held(const Visit& visit) {
    for (Inode& inode : lru_)
      if (inode.holds != 0) visit(inode);
  }

 private:
  struct NumberOf {
    using type = std::uint32_t;
    std::uint32_t operator()(const Inode& inode) const { return inode.number(); }
  };
  struct NumberHash {
    std::size_t operator()(std::uint32_t number) const { return (number * std::uint64_t{0x9e3779b97f4a7c15}) >> 20; }
  };
  using Table =
      boost::intrusive::unordered_set<Inode, boost::intrusive::key_of_value<NumberOf>,
                                      boost::intrusive::hash<NumberHash>, boost::intrusive::power_2_buckets<true>>;
  using LruList = boost::intrusive::list<Inode, boost::intrusive::base_hook<InodeLruHook>>;
  using ChangedList = boost::intrusive::list<Inode, boost::intrusive::base_hook<InodeChangedHook>>;

  Inode* find_loaded(std::uint32_t number);
  base::Result<Inode*> add(std::uint32_t number);
  base::Result<> load(Inode& inode);
  base::Result<> validate(const Inode& inode) const;
  void drop(Inode& inode);
  int bytes_in_memory() const;

  ext2_filsys fs_;
  Allocator& allocator_;
  std::uint32_t next_generation_;
  std::uint32_t operations_ = 0;
  Buckets<Table::bucket_type> buckets_;
  base::Own<Table> table_;
  LruList lru_;  // all, the longest unused first
  ChangedList changed_;
};

}  // namespace ext4
