// SPDX-License-Identifier: Apache-2.0
// An open text of /proc or /sys. It is written when the file is opened, and anew whenever somebody goes back to its
// beginning: programs keep such files open to ask again.
#pragma once

#include <atomic>

#include "linux-abi/files/placed_file.h"
#include "linux-abi/files/synthetic.h"

namespace linux_abi {

class TextFile : public PositionedFile {
 public:
  TextFile(int flags, PlaceReference place, base::Array<char> text, WriteText writer, StoreText store, int subject)
      : PositionedFile(flags, std::move(place)),
        text_(std::move(text)),
        write_(writer),
        store_(store),
        subject_(subject) {}
  Answer<std::size_t> write(std::span<const std::byte> from, Caller& caller) override;
  Answer<std::size_t> write_at(std::uint64_t, std::span<const std::byte> from, Caller& caller) override {
    return write(from, caller);
  }
  Answer<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> to, Caller& caller) override;
  Answer<std::uint64_t> seek(std::int64_t offset, int whence, Caller&) override { return seek_in_text(offset, whence); }
  bool continues() const override { return true; }

 protected:
  void close() override { base::Own<TextFile>(this).reset(); }
  // What is read from the beginning from now on has to be written anew.
  void grow_old() { old_.store(true, std::memory_order_relaxed); }

 private:
  threads::Mutex text_lock_;
  base::Array<char> text_;        // guarded by text_lock_
  std::atomic<bool> old_{false};  // relaxed: whoever goes back has read it himself
  const WriteText write_;         // nullptr: it stays what it is
  const StoreText store_;
  const int subject_;
};

}  // namespace linux_abi
