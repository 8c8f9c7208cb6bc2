// SPDX-License-Identifier: Apache-2.0
// The parts of a journal's blocks whose layout depends on the journal's features: tags, revocations, checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "storage/jbd2/format.h"

namespace jbd2 {

enum class Checksums : std::uint8_t { None, V2, V3 };

struct Tag {
  std::uint64_t block = 0;  // where the logged block belongs
  std::uint32_t flags = 0;
  std::uint32_t checksum = 0;
};

class Codec {
 public:
  Codec() = default;
  explicit Codec(const DiskSuperblock& super);

  std::uint32_t block_bytes() const { return block_bytes_; }
  bool has_checksums() const { return checksums_ != Checksums::None; }
  std::size_t tags_per_descriptor() const;
  std::size_t revokes_per_block() const;
  std::size_t revoke_bytes() const { return wide_ ? 8 : 4; }
  std::size_t tag_bytes() const;
  // Where a descriptor's tags and a block's revocations must have ended.
  std::size_t usable_bytes() const { return block_bytes_ - (has_checksums() ? sizeof(be32) : 0); }

  Tag read_tag(const std::byte* at) const;
  void write_tag(std::byte* at, const Tag& tag) const;
  std::uint64_t read_revoke(const std::byte* at) const;
  void write_revoke(std::byte* at, std::uint64_t block) const;

  // Of a logged block as it is in the log; what a tag can hold of it.
  std::uint32_t block_checksum(std::uint32_t sequence, std::span<const std::byte> data) const;
  // Of descriptors and revocations, in their last bytes.
  void seal(std::span<std::byte> block) const;
  bool is_sealed(std::span<const std::byte> block) const;
  void seal_commit(std::span<std::byte> block) const;
  bool is_sealed_commit(std::span<const std::byte> block) const;

 private:
  std::uint32_t sum_without(std::span<const std::byte> block, std::size_t field) const;

  std::uint32_t block_bytes_ = 0;
  std::uint32_t seed_ = 0;
  bool wide_ = false;
  Checksums checksums_ = Checksums::None;
};

// Of a superblock itself, whose checksum does not depend on the journal.
std::uint32_t superblock_checksum(const DiskSuperblock& super);

inline const Header& header_of(std::span<const std::byte> block) {
  return *reinterpret_cast<const Header*>(block.data());
}
void write_header(std::byte* block, BlockType type, std::uint32_t sequence);

}  // namespace jbd2
