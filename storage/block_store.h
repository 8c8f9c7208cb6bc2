// SPDX-License-Identifier: Apache-2.0
// The disk as the file system sees it: bytes at offsets, in whole sectors, with calls that return when they are done.
// In the image a call parks the file-system worker until the device completes (the event loop goes on meanwhile); in
// tests and Linux programs it is plain synchronous I/O. One caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/error.h"

namespace storage {

struct ReadSegment {
  std::uint64_t offset = 0;  // of the disk, in bytes
  std::span<std::byte> into{};
};
struct WriteSegment {
  std::uint64_t offset = 0;
  std::span<const std::byte> from{};
};

// Memory that segments name comes from the heap or from registered buffers, never from a stack: a device reads it.
class BlockStore {
 public:
  virtual ~BlockStore() = default;

  virtual std::uint64_t capacity_bytes() const = 0;
  // Unit of offsets and lengths: a power of two of at most 4096.
  virtual std::uint32_t sector_bytes() const = 0;
  virtual bool read_only() const = 0;

  // All segments, in any order and at the same time where the device can; segments do not overlap. Returns when every
  // one has ended: an error if any failed. Errors: OutOfRange, InvalidArgument (not whole sectors), ReadOnly, IoError.
  virtual base::Result<> read(std::span<const ReadSegment> segments) = 0;
  virtual base::Result<> write(std::span<const WriteSegment> segments) = 0;

  // What write() returned for before this call survives a power cut once it returns.
  virtual base::Result<> flush() = 0;
};

}  // namespace storage
