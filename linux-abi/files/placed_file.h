// SPDX-License-Identifier: Apache-2.0
// What open files have in common that were found at a place of the tree, and those of them that keep a position of
// their own between reads and writes.
#pragma once

#include <linux/fs.h>

#include "kernel/threads/mutex.h"
#include "linux-abi/files/file_description.h"
#include "linux-abi/files/open_file.h"
#include "linux-abi/files/place.h"

namespace linux_abi {

class PlacedFile : public OpenFile {
 public:
  PlacedFile(int flags, PlaceReference place) : OpenFile(flags), place_(std::move(place)) {}
  Answer<FileStatus> status(Caller& caller) override { return place_->node().status(caller); }
  std::size_t describe(std::span<char> to, Caller& caller) override { return describe_place(*place_, to, caller); }
  Place* place() override { return place_.get(); }
  Node* node() override { return &place_->node(); }

 protected:
  const PlaceReference place_;
};

// read and write are read_at and write_at at the position, one after the other.
class PositionedFile : public PlacedFile {
 public:
  using PlacedFile::PlacedFile;
  Answer<std::size_t> read(std::span<std::byte> to, Caller& caller) override {
    threads::MutexGuard guard(position_lock_);
    const std::size_t done = TRY(read_at(position_, to, caller));
    position_ += done;
    return done;
  }
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override {
    threads::MutexGuard guard(position_lock_);
    const std::size_t done = TRY(write_at(position_, from, caller));
    position_ += done;
    return done;
  }

 protected:
  // lseek of a text whose end is not known: EINVAL.
  Answer<std::uint64_t> seek_in_text(std::int64_t offset, int whence) {
    threads::MutexGuard guard(position_lock_);
    if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(position_);
    if ((whence != SEEK_CUR && whence != SEEK_SET) || offset < 0) return error(EINVAL);
    position_ = static_cast<std::uint64_t>(offset);
    return position_;
  }

  threads::Mutex position_lock_;
  std::uint64_t position_ = 0;  // guarded by position_lock_
};

}  // namespace linux_abi
