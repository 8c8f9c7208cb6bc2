// SPDX-License-Identifier: Apache-2.0
// Blocks and superblock of a journal: see log_file.h.
#include "storage/jbd2/log_file.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "kernel/base/log.h"

namespace jbd2 {

using base::Error;
using base::fail;
using base::Result;

namespace {

constexpr std::uint32_t known_incompat =
    incompat::revoke | incompat::wide | incompat::async_commit | incompat::checksum_v2 | incompat::checksum_v3;
constexpr std::uint32_t both_checksums = incompat::checksum_v2 | incompat::checksum_v3;
constexpr std::uint32_t fewest_blocks = 16;  // of the ring, below which nothing fits; mke2fs makes 1024

base::Failure bad(std::string_view what) {
  base::log_error("storage", "ext4: damaged journal superblock: {}", what);
  return fail(Error::Malformed);
}

}  // namespace

Result<> LogFile::append(std::uint64_t first, std::uint64_t count) {
  if (!runs_.empty() && runs_.back().first + runs_.back().count == first)
    runs_.back().count += count;
  else
    TRY(runs_.push_back({blocks_, first, count}));
  blocks_ += count;
  return {};
}

bool LogFile::contains(std::uint64_t disk_block) const {
  return std::ranges::any_of(runs_, [&](const Run& run) { return disk_block - run.first < run.count; });
}

std::uint64_t LogFile::offset_of(std::uint64_t index) const {
  LEGO_ASSERT(index < blocks_);
  const Run* after = std::upper_bound(runs_.begin(), runs_.end(), index,
                                      [](std::uint64_t value, const Run& run) { return value < run.index; });
  const Run& run = *(after - 1);
  return (run.first + (index - run.index)) * block_bytes_;
}

Result<> LogFile::check_features() const {
  if ((super().feature_incompat & incompat::fast_commit) != 0)
    base::log_error("storage", "ext4: the journal has fast commits, which are not supported");
  const std::uint32_t unknown = super().feature_incompat & ~known_incompat;
  if ((unknown & ~incompat::fast_commit) != 0)
    base::log_error("storage", "ext4: unknown features {:x} of the journal", unknown & ~incompat::fast_commit);
  if (super().feature_ro_compat != 0)
    base::log_error("storage", "ext4: unknown features {:x} of the journal", super().feature_ro_compat.get());
  if (unknown != 0 || super().feature_ro_compat != 0) return fail(Error::NotSupported);
  return {};
}

Result<> LogFile::check_numbers() const {
  const DiskSuperblock& disk = super();
  if (disk.block_bytes != block_bytes_) return bad("block size");
  if (disk.blocks > blocks_) return bad("longer than its file");
  if (disk.first == 0 || disk.first >= disk.blocks || disk.blocks - disk.first < fewest_blocks) return bad("size");
  if (disk.start != 0 && (disk.start < disk.first || disk.start >= disk.blocks)) return bad("start");
  const std::uint32_t checksums = disk.feature_incompat & both_checksums;
  if (checksums == both_checksums) return bad("two kinds of checksums");
  if (checksums != 0 && disk.checksum_type != crc32c_type) return bad("kind of checksum");
  if (checksums != 0 && disk.checksum != superblock_checksum(disk)) return bad("checksum");
  // Then a commit block may be there before what it commits, which only checksums tell.
  if (checksums == 0 && (disk.feature_incompat & incompat::async_commit) != 0) {
    base::log_error("storage", "ext4: a journal with asynchronous commits, but without checksums in its blocks");
    return fail(Error::NotSupported);
  }
  return {};
}

Result<> LogFile::load() {
  if (blocks_ == 0) return bad("no blocks");
  TRY(block_.resize(block_bytes_));
  const storage::ReadSegment segment{offset_of(0), block_.span()};
  TRY(store_.read({&segment, 1}));
  const Header& header = super().header;
  if (header.magic != magic) return bad("magic number");
  if (header.type == static_cast<std::uint32_t>(BlockType::SuperblockV1)) {
    base::log_error("storage", "ext4: a journal of version 1 is not supported");
    return fail(Error::NotSupported);
  }
  if (header.type != static_cast<std::uint32_t>(BlockType::Superblock)) return bad("type");
  TRY(check_features());
  return check_numbers();
}

storage::WriteSegment LogFile::sealed_super() {
  if ((super().feature_incompat & both_checksums) != 0) super().checksum = superblock_checksum(super());
  return {offset_of(0), block_.span()};
}

Result<> LogFile::write_super() {
  const storage::WriteSegment segment = sealed_super();
  return store_.write({&segment, 1});
}

}  // namespace jbd2
