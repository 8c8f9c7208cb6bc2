// SPDX-License-Identifier: Apache-2.0
// The files that this home knows, by what the sComponent calls them. A file is forgotten when it has no name, no holds
// and nobody works on it (a FilePin); otherwise it stays, so that its ObjectId stays good.
#pragma once

#include <boost/intrusive/set.hpp>
#include <utility>

#include "kernel/base/memory.h"
#include "memory/files/file_object.h"
#include "memory/files/page_cache.h"

namespace memory {

class FileTable {
 public:
  FileTable(base::EventLoop& loop, FrameStore& store, PageHolders& holders, PageCache& cache)
      : loop_(loop), store_(store), holders_(holders), cache_(cache) {}
  ~FileTable();

  // The object of a file; made if it is new, with the size that its sComponent gave. memory: see FileObject.
  base::Result<FileObject*> get(base::VNodeId vnode, StoredFile stored, std::uint64_t bytes,
                                std::uint64_t modify_time_ns, MemoryUse* memory = nullptr);
  // Stale: no such file. NotPermitted: of another vNode, or not a file.
  base::Result<FileObject*> find(std::uint64_t object, base::VNodeId vnode);

  // Of the pComponent that asks.
  base::Result<> hold(FileObject& file, base::NodeId processor);
  // InvalidArgument: it does not hold it so often.
  base::Result<> release(FileObject& file, base::NodeId processor, std::uint64_t count);
  // All that the pComponent had; whether it had any.
  bool release_all(FileObject& file, base::NodeId processor);
  // Some file that the pComponent holds; nullptr: none.
  FileObject* next_held(base::NodeId processor, std::uint64_t after_object);
  // Its last name is gone.
  void unlinked(FileObject& file);
  // Forgets all files of a volume; those that somebody works on, as soon as that ends.
  void forget_volume(const FileVolume* volume);
  bool knows_files_of(const FileVolume* volume) const;

  // Keeps the file while it lives.
  class Pin {
   public:
    Pin(FileTable& table, FileObject& file) : table_(&table), file_(&file) { ++file.pins; }
    Pin(Pin&& other) noexcept : table_(other.table_), file_(std::exchange(other.file_, nullptr)) {}
    Pin& operator=(Pin&&) = delete;
    ~Pin() {
      if (file_ == nullptr) return;
      --file_->pins;
      table_->forget_if_unused(*file_);
    }
    FileObject& operator*() const { return *file_; }
    FileObject* operator->() const { return file_; }

   private:
    FileTable* table_;
    FileObject* file_;
  };
  Pin pin(FileObject& file) { return Pin(*this, file); }

  // Some file with dirty pages or a size that the disk does not have, of this volume (nullptr: of any); nullptr: none.
  FileObject* next_dirty(const FileVolume* volume, std::uint64_t after_object);
  std::size_t count() const { return files_.size(); }

 private:
  struct Entry : boost::intrusive::set_base_hook<> {
    explicit Entry(FileObject& object) : file(object) {}
    FileObject& file;
  };
  struct KeyOf {
    using type = StoredFile;
    type operator()(const Entry& entry) const { return entry.file.file(); }
  };
  using Files = boost::intrusive::set<Entry, boost::intrusive::key_of_value<KeyOf>>;
  void forget_if_unused(FileObject& file);
  void forget(FileObject& file);

  base::EventLoop& loop_;
  FrameStore& store_;
  PageHolders& holders_;
  PageCache& cache_;
  Files files_;
};

}  // namespace memory
