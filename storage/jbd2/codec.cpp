// SPDX-License-Identifier: Apache-2.0
// Layouts by features: see codec.h. A tag of version 2 is two bytes longer than its fields, as Linux has it; that is
// why there is a version 3.
#include "storage/jbd2/codec.h"

#include <ext2fs/ext2fs.h>

#include <cstring>

namespace jbd2 {

namespace {

std::uint32_t crc32c(std::uint32_t seed, std::span<const std::byte> data) {
  return ext2fs_crc32c_le(seed, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

constexpr be32 no_checksum{};

}  // namespace

Codec::Codec(const DiskSuperblock& super)
    : block_bytes_(super.block_bytes),
      seed_(crc32c(~0u, std::as_bytes(std::span(super.uuid)))),
      wide_((super.feature_incompat & incompat::wide) != 0) {
  if ((super.feature_incompat & incompat::checksum_v2) != 0) checksums_ = Checksums::V2;
  if ((super.feature_incompat & incompat::checksum_v3) != 0) checksums_ = Checksums::V3;
}

std::size_t Codec::tag_bytes() const {
  if (checksums_ == Checksums::V3) return sizeof(DiskTag3);
  return sizeof(DiskTag) - (wide_ ? 0 : sizeof(be32)) + (checksums_ == Checksums::V2 ? sizeof(be16) : 0);
}

std::size_t Codec::tags_per_descriptor() const { return (usable_bytes() - sizeof(Header) - uuid_bytes) / tag_bytes(); }

std::size_t Codec::revokes_per_block() const { return (usable_bytes() - sizeof(RevokeHeader)) / revoke_bytes(); }

Tag Codec::read_tag(const std::byte* at) const {
  if (checksums_ == Checksums::V3) {
    const auto& tag = *reinterpret_cast<const DiskTag3*>(at);
    const std::uint64_t high = wide_ ? tag.block_high.get() : 0;
    return {.block = high << 32 | tag.block, .flags = tag.flags, .checksum = tag.checksum};
  }
  const auto& tag = *reinterpret_cast<const DiskTag*>(at);
  const std::uint64_t high = wide_ ? tag.block_high.get() : 0;
  return {.block = high << 32 | tag.block, .flags = tag.flags, .checksum = tag.checksum};
}

void Codec::write_tag(std::byte* at, const Tag& tag) const {
  const auto low = static_cast<std::uint32_t>(tag.block);
  const auto high = static_cast<std::uint32_t>(tag.block >> 32);
  if (checksums_ == Checksums::V3) {
    auto& disk = *reinterpret_cast<DiskTag3*>(at);
    disk.block = low;
    disk.flags = tag.flags;
    disk.block_high = high;
    disk.checksum = tag.checksum;
    return;
  }
  auto& disk = *reinterpret_cast<DiskTag*>(at);
  disk.block = low;
  disk.checksum = static_cast<std::uint16_t>(tag.checksum);
  disk.flags = static_cast<std::uint16_t>(tag.flags);
  if (wide_) disk.block_high = high;
}

std::uint64_t Codec::read_revoke(const std::byte* at) const {
  return wide_ ? reinterpret_cast<const be64*>(at)->get() : reinterpret_cast<const be32*>(at)->get();
}

void Codec::write_revoke(std::byte* at, std::uint64_t block) const {
  if (wide_)
    *reinterpret_cast<be64*>(at) = block;
  else
    *reinterpret_cast<be32*>(at) = static_cast<std::uint32_t>(block);
}

std::uint32_t Codec::block_checksum(std::uint32_t sequence, std::span<const std::byte> data) const {
  if (!has_checksums()) return 0;
  const be32 number(sequence);
  const std::uint32_t sum = crc32c(crc32c(seed_, std::as_bytes(std::span(&number, 1))), data);
  return checksums_ == Checksums::V3 ? sum : sum & 0xffff;
}

// With the field itself taken as zero.
std::uint32_t Codec::sum_without(std::span<const std::byte> block, std::size_t field) const {
  std::uint32_t sum = crc32c(seed_, block.first(field));
  sum = crc32c(sum, std::as_bytes(std::span(&no_checksum, 1)));
  return crc32c(sum, block.subspan(field + sizeof(be32)));
}

void Codec::seal(std::span<std::byte> block) const {
  if (!has_checksums()) return;
  const std::size_t field = block.size() - sizeof(be32);
  *reinterpret_cast<be32*>(block.data() + field) = sum_without(block, field);
}

bool Codec::is_sealed(std::span<const std::byte> block) const {
  if (!has_checksums()) return true;
  const std::size_t field = block.size() - sizeof(be32);
  return *reinterpret_cast<const be32*>(block.data() + field) == sum_without(block, field);
}

void Codec::seal_commit(std::span<std::byte> block) const {
  if (!has_checksums()) return;
  constexpr std::size_t field = offsetof(DiskCommit, checksum);
  *reinterpret_cast<be32*>(block.data() + field) = sum_without(block, field);
}

bool Codec::is_sealed_commit(std::span<const std::byte> block) const {
  if (!has_checksums()) return true;
  constexpr std::size_t field = offsetof(DiskCommit, checksum);
  return *reinterpret_cast<const be32*>(block.data() + field) == sum_without(block, field);
}

std::uint32_t superblock_checksum(const DiskSuperblock& super) {
  DiskSuperblock copy = super;
  copy.checksum = 0;
  return crc32c(~0u, std::as_bytes(std::span(&copy, 1)));
}

void write_header(std::byte* block, BlockType type, std::uint32_t sequence) {
  auto& header = *reinterpret_cast<Header*>(block);
  header.magic = magic;
  header.type = static_cast<std::uint32_t>(type);
  header.sequence = sequence;
}

}  // namespace jbd2
