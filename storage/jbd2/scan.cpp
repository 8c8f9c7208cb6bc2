// SPDX-License-Identifier: Apache-2.0
// Walking the log: see scan.h.
#include "storage/jbd2/scan.h"

#include "kernel/base/log.h"

namespace jbd2 {

using base::Error;
using base::fail;
using base::Result;

// Only with checksums can something look like a part of the next transaction and not be one.
Scan::Found Scan::end(const char* why) const {
  base::log_warning("storage", "ext4: the journal ends at transaction {}: {}", sequence_, why);
  return Found::End;
}

// False: round the ring, which no log that was written in order is.
bool Scan::advance() {
  at_ = log_.after(at_);
  return ++walked_ < log_.ring_blocks();
}

Result<Scan::Found> Scan::take_descriptor(std::span<const std::byte> block) {
  if (!codec_.is_sealed(block)) return end("the checksum of a descriptor");
  for (std::size_t offset = sizeof(Header); offset + codec_.tag_bytes() <= codec_.usable_bytes();) {
    const Tag tag = codec_.read_tag(block.data() + offset);
    if (!advance()) return end("it has no end");
    TRY(logged_.push_back({at_, tag}));
    if ((tag.flags & tag_flags::last) != 0) break;
    offset += codec_.tag_bytes() + ((tag.flags & tag_flags::same_uuid) != 0 ? 0 : uuid_bytes);
  }
  return Found::Part;
}

// One block of a transaction, with what it describes; at_ is behind it then.
Result<Scan::Found> Scan::step() {
  const std::span<const std::byte> block = TRY(reader_.read(at_));
  const Header& header = header_of(block);
  if (header.magic != magic || header.sequence != sequence_) return Found::End;
  Found found = Found::Part;
  switch (static_cast<BlockType>(header.type.get())) {
    case BlockType::Descriptor:
      found = TRY(take_descriptor(block));
      break;
    case BlockType::Revoke:
      if (!codec_.is_sealed(block)) return end("the checksum of a revocation");
      TRY(revoking_.push_back(at_));
      break;
    case BlockType::Commit:
      if (!codec_.is_sealed_commit(block)) return end("the checksum of its commit block");
      found = Found::Commit;
      break;
    default:
      return Found::End;
  }
  if (found != Found::End && !advance() && found != Found::Commit) return end("it has no end");
  return found;
}

Result<bool> Scan::data_is_good() {
  if (!codec_.has_checksums()) return true;
  for (const Logged& logged : logged_) {
    const std::uint32_t sum = codec_.block_checksum(sequence_, TRY(reader_.read(logged.index)));
    if (sum == logged.tag.checksum) continue;
    base::log_warning("storage", "ext4: transaction {} of the journal: the checksum of block {}", sequence_,
                      logged.tag.block);
    return false;
  }
  return true;
}

Result<> Scan::apply_revokes(std::uint32_t index) {
  const std::span<const std::byte> block = TRY(reader_.read(index));
  const std::size_t bytes = reinterpret_cast<const RevokeHeader*>(block.data())->bytes;
  if (bytes > codec_.usable_bytes()) return fail(Error::Malformed);
  for (std::size_t at = sizeof(RevokeHeader); at + codec_.revoke_bytes() <= bytes; at += codec_.revoke_bytes()) {
    const std::uint64_t revoked = codec_.read_revoke(block.data() + at);
    if (blocks_.contains(revoked)) ++revokes_;
    blocks_.remove(revoked);
  }
  return {};
}

// A revocation is for everything that was logged up to the end of its transaction.
Result<> Scan::take_transaction() {
  if (damaged_) return fail(Error::IoError);  // one before it was
  if (!TRY(data_is_good())) {
    damaged_ = true;
    return {};
  }
  TRY(blocks_.reserve(blocks_.size() + logged_.size()));
  for (const Logged& logged : logged_) {
    if (logged.tag.block >= disk_blocks_ || log_.contains(logged.tag.block)) return fail(Error::Malformed);
    blocks_.put(logged.tag.block, {logged.index, (logged.tag.flags & tag_flags::escaped) != 0});
  }
  for (const std::uint32_t index : revoking_) TRY(apply_revokes(index));
  ++transactions_;
  return {};
}

Result<> Scan::run() {
  at_ = log_.super().start;
  sequence_ = log_.super().sequence;
  while (true) {
    const Found found = TRY(step());
    if (found == Found::End) return {};
    if (found == Found::Part) continue;
    TRY(take_transaction());
    logged_.clear();
    revoking_.clear();
    ++sequence_;
    if (walked_ >= log_.ring_blocks()) return {};
  }
}

}  // namespace jbd2
