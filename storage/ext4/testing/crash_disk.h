// SPDX-License-Identifier: Apache-2.0
// A disk in memory that remembers every write and flush, and can say what would be on it had the power gone at any
// point: everything from before the last flush, and of the writes since then any choice, a block at a time. (A file
// system's block, that is: ext4 itself relies on its superblock being written whole.)
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "kernel/base/random.h"
#include "storage/ext4/testing/image.h"

namespace ext4::testing {

using Block = std::shared_ptr<const std::vector<std::byte>>;

// What is on a disk: an image that many share, and the blocks that are different.
class Contents {
 public:
  Contents(std::shared_ptr<const std::vector<std::byte>> image, std::size_t block_bytes)
      : image_(std::move(image)), block_bytes_(block_bytes) {}

  std::size_t size() const { return image_->size(); }
  std::size_t block_bytes() const { return block_bytes_; }
  std::span<const std::byte> block(std::uint64_t number) const {
    const auto changed = blocks_.find(number);
    return changed != blocks_.end() ? std::span(*changed->second)
                                    : std::span(*image_).subspan(number * block_bytes_, block_bytes_);
  }
  void set(std::uint64_t number, Block block) { blocks_[number] = std::move(block); }
  std::vector<std::byte> bytes() const;

 private:
  std::shared_ptr<const std::vector<std::byte>> image_;
  std::size_t block_bytes_;
  std::map<std::uint64_t, Block> blocks_;
};

class CrashDisk final : public TestStore {
 public:
  explicit CrashDisk(const Contents& contents) : before_(contents), now_(contents) {}

  std::uint64_t capacity_bytes() const override { return now_.size(); }
  // Everybody reads and writes whole blocks.
  std::uint32_t sector_bytes() const override { return static_cast<std::uint32_t>(now_.block_bytes()); }
  bool read_only() const override { return false; }
  base::Result<> read(std::span<const storage::ReadSegment> segments) override;
  base::Result<> write(std::span<const storage::WriteSegment> segments) override;
  base::Result<> flush() override;

  // Points in time: each block written, and each flush, is one.
  std::size_t events() const { return events_.size(); }
  Contents crash(std::size_t events, base::Random& random) const;
  const Contents& now() const { return now_; }

 private:
  struct Event {
    std::uint64_t number = 0;
    Block block;  // null for a flush
  };
  base::Result<> check(std::uint64_t offset, std::uint64_t bytes) const;

  const Contents before_;
  Contents now_;
  std::vector<Event> events_;
};

}  // namespace ext4::testing
