// SPDX-License-Identifier: Apache-2.0
// The data of files as the page cache asks for it; in an image these are FileRead, FileWrite and so on to the
// sComponent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/task.h"
#include "kernel/base/types.h"

namespace memory {

// A piece of a frame (registered memory).
struct FramePiece {
  const std::byte* data = nullptr;
  std::uint32_t bytes = 0;
  std::uint32_t lkey = 0;
};

// A mounted file system; defined by whoever implements FileStorage.
class FileVolume;

struct StoredFile {
  FileVolume* volume = nullptr;
  base::FileId file;
  auto operator<=>(const StoredFile&) const = default;
};

class FileStorage {
 public:
  // Reads up to max_read_bytes into `target`, which the storage registered (staging()). Fewer at the end of the file.
  virtual base::Task<std::uint32_t> read(StoredFile file, std::uint64_t offset, std::span<std::byte> target) = 0;
  // Writes all the pieces, one after the other from `offset` on; at most max_write_pages of them.
  virtual base::Task<> write(StoredFile file, std::uint64_t offset, std::span<const FramePiece> pieces) = 0;
  // Cuts or grows the file, and sets the time of its last modification.
  virtual base::Task<> set_size(StoredFile file, std::uint64_t bytes, std::uint64_t modify_time_ns) = 0;
  // The bytes of the range become zeros; whole blocks of them are given back.
  virtual base::Task<> punch(StoredFile file, std::uint64_t offset, std::uint64_t bytes) = 0;
  // Data or a hole from `offset` on, as far as `end` at least.
  struct Extent {
    bool has_data = false;
    std::uint64_t end = 0;
  };
  virtual base::Task<Extent> extent(StoredFile file, std::uint64_t offset) = 0;
  // Everything written before is on the disk.
  virtual base::Task<> sync(StoredFile file) = 0;

  static constexpr std::size_t max_read_bytes = 16 * base::page_bytes;
  static constexpr std::size_t max_write_pages = 8;
  // A staging buffer of max_read_bytes for read(); empty if all are in use.
  virtual std::span<std::byte> take_staging() = 0;
  virtual void give_staging(std::span<std::byte> staging) = 0;

 protected:
  ~FileStorage() = default;
};

}  // namespace memory
