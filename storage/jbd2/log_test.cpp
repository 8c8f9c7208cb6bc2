// SPDX-License-Identifier: Apache-2.0
// Transactions written into a log and replayed from it, with every kind of checksum and of block number, against a
// model; and logs with damage at their end, in the middle and in their superblock.
#include "storage/jbd2/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "kernel/base/log.h"
#include "kernel/base/random.h"
#include "storage/jbd2/recovery.h"
#include "storage/memory_store.h"

namespace jbd2 {
namespace {

using base::Error;

constexpr std::uint32_t block_bytes = 1024;
constexpr std::uint64_t disk_blocks = 1000;
constexpr std::uint64_t log_start = 100, log_half = 30, log_blocks = 64;  // in two pieces on the disk

template <typename T>
T must(base::Result<T> result) {
  if (!result) throw std::runtime_error(base::error_name(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Features {
  std::uint32_t incompat;
  bool checksums;
};

class Disk {
 public:
  explicit Disk(std::uint32_t features) {
    must(store.bytes().resize(disk_blocks * block_bytes));
    DiskSuperblock& super = this->super();
    super.header = {magic, static_cast<std::uint32_t>(BlockType::Superblock), 0};
    super.block_bytes = block_bytes;
    super.blocks = static_cast<std::uint32_t>(log_blocks);
    super.first = 1;
    super.sequence = 1;
    super.feature_incompat = features;
    for (std::uint8_t& byte : super.uuid) byte = 0x5a;
    seal();
  }
  DiskSuperblock& super() { return *reinterpret_cast<DiskSuperblock*>(store.bytes().data() + log_start * block_bytes); }
  void seal() {
    if ((super().feature_incompat & (incompat::checksum_v2 | incompat::checksum_v3)) == 0) return;
    super().checksum_type = crc32c_type;
    super().checksum = superblock_checksum(super());
  }
  LogFile file() {
    LogFile file(store, block_bytes);
    must(file.append(log_start, log_half));
    must(file.append(log_start + 2 * log_half, log_blocks - log_half));
    return file;
  }
  LogFile loaded() {
    LogFile file = this->file();
    must(file.load());
    return file;
  }
  Error error_of_load() {
    LogFile file = this->file();
    auto result = file.load();
    return result ? Error::None : result.error();
  }
  std::span<std::byte> block(std::uint64_t number) {
    return store.bytes().span().subspan(number * block_bytes, block_bytes);
  }
  std::span<std::byte> log_block(std::uint64_t index) {
    return block(index < log_half ? log_start + index : log_start + log_half + index);
  }
  storage::MemoryStore store{512};
};

using Contents = std::map<std::uint64_t, std::vector<std::byte>>;

void commit(Log& log, const Contents& contents, const std::vector<std::uint64_t>& revokes = {}) {
  std::vector<Log::Block> blocks;
  for (const auto& [number, data] : contents) blocks.push_back({number, data.data()});
  must(log.commit(blocks, revokes, 1'700'000'000'123'456'789));
}

std::vector<std::byte> some_bytes(base::Random& random) {
  std::vector<std::byte> bytes(block_bytes);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.next());
  if (random.chance(200'000)) *reinterpret_cast<be32*>(bytes.data()) = magic;
  return bytes;
}

class Logs : public ::testing::TestWithParam<Features> {};
INSTANTIATE_TEST_SUITE_P(Features, Logs,
                         ::testing::Values(Features{0, false}, Features{incompat::wide, false}, Features{0, true},
                                           Features{incompat::wide, true}, Features{incompat::checksum_v2, true},
                                           Features{incompat::checksum_v2 | incompat::wide, true}));

// Many times round the ring. After each round the log is replayed over the disk as it was when the log was last clear.
TEST_P(Logs, AreReplayedAsTheyWereWritten) {
  Disk disk(GetParam().incompat);
  base::Random random(7);
  const Log::Wanted wanted{.checksums = GetParam().checksums};
  std::uint64_t revoked = 0;
  for (int round = 0; round < 60; ++round) {
    base::Own<Log> log = must(Log::open(disk.loaded(), wanted));
    Contents expected;
    while (true) {
      Contents written;
      std::vector<std::uint64_t> revokes;
      const std::uint64_t count = 1 + random.below(20);
      for (std::uint64_t i = 0; i < count; ++i) written[500 + random.below(60)] = some_bytes(random);
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        const std::uint64_t block = 500 + random.below(60);
        if (!written.contains(block) && log->holds(block)) revokes.push_back(block);
      }
      if (log->space_for(written.size(), revokes.size()) > log->free_blocks()) break;
      commit(*log, written, revokes);
      for (const auto& [block, data] : written) expected[block] = data;
      for (const std::uint64_t block : revokes) {
        log->revoked(block);
        revoked += expected.erase(block);
      }
      if (random.chance(200'000)) {  // a checkpoint: what is in the log is on the disk
        for (const auto& [block, data] : expected) std::ranges::copy(data, disk.block(block).begin());
        must(log->clear());
        expected.clear();
      }
    }
    for (std::uint64_t block = 500; block < 560; ++block)
      if (!expected.contains(block)) expected[block].assign(disk.block(block).begin(), disk.block(block).end());
    LogFile file = disk.loaded();
    must(recover(file, disk_blocks));
    for (const auto& [block, data] : expected)
      ASSERT_TRUE(std::ranges::equal(disk.block(block), data)) << "block " << block << " in round " << round;
    EXPECT_EQ(disk.super().start, 0u);
  }
  EXPECT_GT(revoked, 0u) << "no block was revoked that an earlier transaction had written";
}

struct Written {
  explicit Written(Disk& disk, bool checksums = true) {
    base::Random random(3);
    base::Own<Log> log = must(Log::open(disk.loaded(), {.checksums = checksums}));
    for (int i = 0; i < 3; ++i) {  // each: a descriptor, two blocks, a commit block
      contents.push_back({{600, some_bytes(random)}, {static_cast<std::uint64_t>(601 + i), some_bytes(random)}});
      commit(*log, contents.back());
    }
  }
  std::vector<Contents> contents;
};

void flip(Disk& disk, std::uint64_t index, std::size_t byte) { disk.log_block(index)[byte] ^= std::byte{0x10}; }

TEST(Damage, ABadCommitBlockEndsTheLog) {
  base::set_log_level(base::LogLevel::Error);
  Disk disk(0);
  const Written written(disk);
  flip(disk, 12, 50);
  LogFile file = disk.loaded();
  EXPECT_EQ(must(recover(file, disk_blocks)).transactions, 2u);
  EXPECT_TRUE(std::ranges::equal(disk.block(600), written.contents[1].at(600)));
  EXPECT_GT(disk.super().sequence, 3u);
}

TEST(Damage, ABadBlockInTheLastTransactionEndsTheLog) {
  Disk disk(0);
  const Written written(disk);
  flip(disk, 10, 50);
  LogFile file = disk.loaded();
  EXPECT_EQ(must(recover(file, disk_blocks)).transactions, 2u);
  EXPECT_TRUE(std::ranges::equal(disk.block(600), written.contents[1].at(600)));
}

TEST(Damage, ABadBlockBeforeWholeTransactionsIsAnError) {
  Disk disk(0);
  const Written written(disk);
  flip(disk, 6, 50);
  LogFile file = disk.loaded();
  EXPECT_EQ(recover(file, disk_blocks).error(), Error::IoError);
  EXPECT_EQ(disk.super().start, 1u) << "nothing has been touched";
  EXPECT_TRUE(std::ranges::all_of(disk.block(600), [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(Damage, BlocksThatAreNotTheDisksAreRefused) {
  for (const std::uint64_t target : {disk_blocks, log_start, log_start + 2 * log_half + 5}) {
    Disk disk(0);
    Written written(disk, false);
    reinterpret_cast<DiskTag*>(disk.log_block(5).data() + sizeof(Header))->block = static_cast<std::uint32_t>(target);
    LogFile file = disk.loaded();
    EXPECT_EQ(recover(file, disk_blocks).error(), Error::Malformed);
  }
}

// Without checksums nothing says that a tag was not the last one: the walk must end by itself.
TEST(Damage, ADescriptorWithoutEndIsNone) {
  Disk disk(0);
  Written written(disk, false);
  for (std::size_t tag = 0; tag < 100; ++tag)
    reinterpret_cast<DiskTag*>(disk.log_block(5).data() + sizeof(Header) + uuid_bytes + 8 * tag)->flags = 2;
  LogFile file = disk.loaded();
  EXPECT_EQ(must(recover(file, disk_blocks)).transactions, 1u);
}

TEST(Superblock, IsCheckedBeforeAnythingElse) {
  const auto refused = [](Error error, auto change) {
    Disk disk(incompat::checksum_v3);
    change(disk.super());
    disk.seal();
    EXPECT_EQ(disk.error_of_load(), error);
  };
  refused(Error::None, [](DiskSuperblock&) {});
  refused(Error::NotSupported, [](DiskSuperblock& super) { super.feature_incompat = incompat::fast_commit; });
  refused(Error::NotSupported, [](DiskSuperblock& super) { super.feature_incompat = 0x100; });
  refused(Error::NotSupported, [](DiskSuperblock& super) { super.feature_ro_compat = 1; });
  refused(Error::NotSupported, [](DiskSuperblock& super) { super.feature_incompat = incompat::async_commit; });
  refused(Error::NotSupported, [](DiskSuperblock& super) { super.header.type = 3; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.header.magic = 3; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.blocks = 1000; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.blocks = 3; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.first = 0; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.start = 64; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.block_bytes = 4096; });
  refused(Error::Malformed, [](DiskSuperblock& super) { super.feature_incompat = 24; });
  Disk disk(incompat::checksum_v3);
  disk.super().sequence = 77;
  EXPECT_EQ(disk.error_of_load(), Error::Malformed) << "its checksum";
}

}  // namespace
}  // namespace jbd2
