// SPDX-License-Identifier: Apache-2.0
// Takes the pages of a PageWriteBack message. The tags of a page are all that share it on the pComponent: if they are
// all that reference the frame here too, it is overwritten in place; otherwise they get a new frame together and the
// others keep the old one (design: fork). A reply under way counts as a reference, so a frame that is being sent is
// never overwritten. Applying the same message twice gives the same result.
#pragma once

#include <cstdint>
#include <span>

#include "kernel/base/error.h"
#include "kernel/base/types.h"
#include "memory/pages/page_holder.h"
#include "net/messages/space.h"

namespace memory {

// Told about pages of files, which have to go on to the disk.
class FilePageSink {
 public:
  // The page is in file.pages now; object_bytes is the file's size as the pComponent knows it.
  virtual void written(PageHolder& file, std::uint64_t page, std::uint64_t object_bytes) = 0;

 protected:
  ~FilePageSink() = default;
};

// Asked about tags of unknown holders: at an owner that is not the home a space begins with its first page.
class HolderSource {
 public:
  // Stale: there is no such space, and there may be none here.
  virtual base::Result<PageHolder*> adopt(std::uint64_t id, base::VNodeId vnode) = 0;

 protected:
  ~HolderSource() = default;
};

struct WriteBackCounters {
  std::uint64_t pages = 0;
  std::uint64_t overwritten = 0;  // in place
  std::uint64_t stale_tags = 0;   // of holders that are gone or belong to another vNode
};

class WriteBack {
 public:
  WriteBack(FrameStore& store, PageHolders& holders, FilePageSink& files, HolderSource& source)
      : store_(store), holders_(holders), files_(files), source_(source) {}

  // tail: the entries with their tags, then the pages. Malformed if it does not add up (nothing was applied);
  // NoMemory if a page found no frame (the ones before it are applied).
  base::Result<> apply(base::VNodeId vnode, const messages::PageWriteBackRequest& request,
                       std::span<const std::byte> tail);
  const WriteBackCounters& counters() const { return counters_; }

 private:
  struct Entry {
    std::uint64_t object_bytes;
    std::span<const std::byte> tags;
  };
  base::Result<> apply_page(base::VNodeId vnode, const Entry& entry, const std::byte* data);

  FrameStore& store_;
  PageHolders& holders_;
  FilePageSink& files_;
  HolderSource& source_;
  WriteBackCounters counters_;
};

}  // namespace memory
