// SPDX-License-Identifier: Apache-2.0
// A disk that is flushed only if something was written since it last was: who finds that somebody else's flush has
// covered his writes waits for nothing.
#pragma once

#include "storage/block_store.h"

namespace storage {

class FlushTracker final : public BlockStore {
 public:
  explicit FlushTracker(BlockStore& store) : store_(store) {}

  std::uint64_t capacity_bytes() const override { return store_.capacity_bytes(); }
  std::uint32_t sector_bytes() const override { return store_.sector_bytes(); }
  bool read_only() const override { return store_.read_only(); }
  base::Result<> read(std::span<const ReadSegment> segments) override { return store_.read(segments); }
  base::Result<> write(std::span<const WriteSegment> segments) override {
    written_ = true;
    return store_.write(segments);
  }
  base::Result<> flush() override {
    if (!written_) return {};
    written_ = false;
    auto result = store_.flush();
    if (!result) written_ = true;
    return result;
  }

 private:
  BlockStore& store_;
  bool written_ = true;  // what came before is not known
};

}  // namespace storage
