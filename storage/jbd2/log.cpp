// SPDX-License-Identifier: Apache-2.0
// Transactions into the log: see log.h. A commit is two steps with a flush after each: descriptors, blocks and
// revocations (and the superblock, if the log was empty), then the commit block.
#include "storage/jbd2/log.h"

#include <algorithm>
#include <cstring>

namespace jbd2 {

using base::Error;
using base::fail;
using base::Result;

// Builds the blocks of one transaction, all but its commit block, and hands them to the store at once.
class Log::Writer {
 public:
  explicit Writer(Log& log) : log_(log), at_(log.head_) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    for (std::byte* page : pages_) log_.memory_.free(page);
  }

  Result<> revoke(std::span<const std::uint64_t> blocks);
  Result<> describe(std::span<const Block> blocks);
  Result<> add(storage::WriteSegment segment) { return segments_.push_back(segment); }
  Result<> write() { return log_.file_.store().write(segments_.span()); }
  std::uint32_t position() const { return at_; }

 private:
  std::span<std::byte> page_bytes(std::byte* page) const { return {page, log_.codec_.block_bytes()}; }
  Result<std::byte*> new_page();
  Result<> put(const std::byte* data);
  Result<const std::byte*> escaped(const std::byte* data, Tag& tag);

  Log& log_;
  std::uint32_t at_;
  base::Array<std::byte*> pages_;
  base::Array<storage::WriteSegment> segments_;
};

Result<std::byte*> Log::Writer::new_page() {
  TRY(pages_.reserve(pages_.size() + 1));
  std::byte* page = log_.memory_.allocate();
  if (page == nullptr) return fail(Error::NoMemory);
  (void)pages_.push_back(page);  // there is room
  std::memset(page, 0, log_.codec_.block_bytes());
  return page;
}

Result<> Log::Writer::put(const std::byte* data) {
  TRY(add({log_.file_.offset_of(at_), {data, log_.codec_.block_bytes()}}));
  at_ = log_.file_.after(at_);
  return {};
}

Result<> Log::Writer::revoke(std::span<const std::uint64_t> blocks) {
  const Codec& codec = log_.codec_;
  while (!blocks.empty()) {
    const auto some = blocks.first(std::min(blocks.size(), codec.revokes_per_block()));
    std::byte* page = TRY(new_page());
    write_header(page, BlockType::Revoke, log_.sequence_);
    std::size_t end = sizeof(RevokeHeader);
    for (const std::uint64_t block : some) {
      codec.write_revoke(page + end, block);
      end += codec.revoke_bytes();
    }
    reinterpret_cast<RevokeHeader*>(page)->bytes = static_cast<std::uint32_t>(end);
    codec.seal(page_bytes(page));
    TRY(put(page));
    blocks = blocks.subspan(some.size());
  }
  return {};
}

// A block that begins like one of the journal's own is logged without that beginning.
Result<const std::byte*> Log::Writer::escaped(const std::byte* data, Tag& tag) {
  if (*reinterpret_cast<const be32*>(data) != magic) return data;
  std::byte* copy = TRY(new_page());
  std::memcpy(copy, data, log_.codec_.block_bytes());
  std::memset(copy, 0, sizeof(be32));
  tag.flags |= tag_flags::escaped;
  return copy;
}

Result<> Log::Writer::describe(std::span<const Block> blocks) {
  const Codec& codec = log_.codec_;
  while (!blocks.empty()) {
    const auto some = blocks.first(std::min(blocks.size(), codec.tags_per_descriptor()));
    std::byte* page = TRY(new_page());
    write_header(page, BlockType::Descriptor, log_.sequence_);
    TRY(put(page));
    std::size_t end = sizeof(Header);
    for (const Block& block : some) {
      const bool is_first = end == sizeof(Header);
      Tag tag{.block = block.number, .flags = is_first ? 0 : tag_flags::same_uuid};
      if (&block == &some.back()) tag.flags |= tag_flags::last;
      const std::byte* data = TRY(escaped(block.data, tag));
      tag.checksum = codec.block_checksum(log_.sequence_, {data, codec.block_bytes()});
      codec.write_tag(page + end, tag);
      end += codec.tag_bytes();
      if (is_first) {
        std::memcpy(page + end, log_.file_.super().uuid, uuid_bytes);
        end += uuid_bytes;
      }
      TRY(put(data));
    }
    codec.seal(page_bytes(page));
    blocks = blocks.subspan(some.size());
  }
  return {};
}

Result<base::Own<Log>> Log::open(LogFile file, Wanted wanted) {
  base::Own<Log> log = TRY(base::try_make<Log>(std::move(file)));
  DiskSuperblock& super = log->file_.super();
  const DiskSuperblock before = super;
  super.start = 0;
  if (super.sequence == 0) super.sequence = 1;
  // As Linux does: of the journal's own features those that the file system needs.
  super.feature_compat = super.feature_compat & ~compat::checksum;
  std::uint32_t features = super.feature_incompat | incompat::revoke;
  if (wanted.wide) features |= incompat::wide;
  if (wanted.checksums && (features & incompat::checksum_v2) == 0) features |= incompat::checksum_v3;
  super.feature_incompat = features & ~incompat::async_commit;
  if ((features & (incompat::checksum_v2 | incompat::checksum_v3)) != 0) super.checksum_type = crc32c_type;
  if (std::memcmp(&before, &super, sizeof(super)) != 0) {
    TRY(log->file_.write_super());
    TRY(log->file_.store().flush());
  }
  log->codec_ = log->file_.codec();
  log->head_ = log->file_.first();
  log->sequence_ = super.sequence;
  return log;
}

std::uint64_t Log::space_for(std::uint64_t blocks, std::uint64_t revokes) const {
  const std::uint64_t tags = codec_.tags_per_descriptor(), numbers = codec_.revokes_per_block();
  return blocks + (blocks + tags - 1) / tags + (revokes + numbers - 1) / numbers + 1;
}

// So that it cannot complete what is written in its transaction's place now.
Result<> Log::invalidate_doubtful() {
  if (doubtful_ == 0) return {};
  base::Array<std::byte> zeros;
  TRY(zeros.resize(codec_.block_bytes()));
  const storage::WriteSegment segment{file_.offset_of(doubtful_), zeros.span()};
  TRY(file_.store().write({&segment, 1}));
  TRY(file_.store().flush());
  doubtful_ = 0;
  return {};
}

Result<> Log::write_commit_block(std::uint32_t index, std::int64_t now) {
  base::Array<std::byte> block;
  TRY(block.resize(codec_.block_bytes()));
  write_header(block.data(), BlockType::Commit, sequence_);
  auto& commit = *reinterpret_cast<DiskCommit*>(block.data());
  commit.seconds = static_cast<std::uint64_t>(now / 1000000000);
  commit.nanoseconds = static_cast<std::uint32_t>(now % 1000000000);
  codec_.seal_commit(block.span());
  doubtful_ = index;
  const storage::WriteSegment segment{file_.offset_of(index), block.span()};
  TRY(file_.store().write({&segment, 1}));
  TRY(file_.store().flush());
  doubtful_ = 0;
  return {};
}

Result<> Log::commit(std::span<const Block> blocks, std::span<const std::uint64_t> revokes, std::int64_t now) {
  const std::uint64_t space = space_for(blocks.size(), revokes.size());
  LEGO_ASSERT(space <= free_blocks());
  TRY(logged_.reserve(logged_.size() + blocks.size()));
  TRY(invalidate_doubtful());
  Writer writer(*this);
  TRY(writer.revoke(revokes));
  TRY(writer.describe(blocks));
  if (used_ == 0) {
    file_.super().start = head_;
    file_.super().sequence = sequence_;
  }
  if (used_ == 0 || super_uncertain_) TRY(writer.add(file_.sealed_super()));
  TRY(writer.write());
  TRY(file_.store().flush());
  super_uncertain_ = false;
  TRY(write_commit_block(writer.position(), now));
  head_ = file_.after(writer.position());
  used_ += static_cast<std::uint32_t>(space);
  ++sequence_;
  for (const Block& block : blocks) logged_.put(block.number, {});
  ++counters_.commits;
  counters_.blocks += blocks.size();
  counters_.revokes += revokes.size();
  return {};
}

Result<> Log::clear() {
  DiskSuperblock& super = file_.super();
  if (super.start == 0 && !super_uncertain_) return {};
  const std::uint32_t start = super.start, sequence = super.sequence;
  super.start = 0;
  super.sequence = sequence_;
  auto result = file_.write_super();
  if (result) result = file_.store().flush();
  if (!result) {
    super.start = start;
    super.sequence = sequence;
    super_uncertain_ = true;
    return result;
  }
  super_uncertain_ = false;
  used_ = 0;
  logged_.clear();
  ++counters_.clears;
  return {};
}

}  // namespace jbd2
