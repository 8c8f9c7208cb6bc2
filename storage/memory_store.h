// SPDX-License-Identifier: Apache-2.0
// A disk in memory, for tests and the simulation.
#pragma once

#include <cstring>

#include "kernel/base/array.h"
#include "storage/block_store.h"

namespace storage {

class MemoryStore final : public BlockStore {
 public:
  explicit MemoryStore(std::uint32_t sector_bytes = 512) : sector_bytes_(sector_bytes) {}

  base::Array<std::byte>& bytes() { return bytes_; }
  void set_read_only(bool read_only) { read_only_ = read_only; }

  std::uint64_t capacity_bytes() const override { return bytes_.size(); }
  std::uint32_t sector_bytes() const override { return sector_bytes_; }
  bool read_only() const override { return read_only_; }

  base::Result<> read(std::span<const ReadSegment> segments) override {
    for (const ReadSegment& segment : segments) {
      TRY(check(segment.offset, segment.into.size()));
      std::memcpy(segment.into.data(), bytes_.data() + segment.offset, segment.into.size());
    }
    return {};
  }
  base::Result<> write(std::span<const WriteSegment> segments) override {
    if (read_only_) return base::fail(base::Error::ReadOnly);
    for (const WriteSegment& segment : segments) {
      TRY(check(segment.offset, segment.from.size()));
      std::memcpy(bytes_.data() + segment.offset, segment.from.data(), segment.from.size());
    }
    return {};
  }
  base::Result<> flush() override { return {}; }

 private:
  base::Result<> check(std::uint64_t offset, std::uint64_t bytes) const {
    if (offset % sector_bytes_ != 0 || bytes % sector_bytes_ != 0) return base::fail(base::Error::InvalidArgument);
    if (offset > bytes_.size() || bytes > bytes_.size() - offset) return base::fail(base::Error::OutOfRange);
    return {};
  }

  const std::uint32_t sector_bytes_;
  base::Array<std::byte> bytes_;
  bool read_only_ = false;
};

}  // namespace storage
