// SPDX-License-Identifier: Apache-2.0
// Crashes at any point of a random history. What is on the disk then is replayed by us, by e2fsck and by debugfs: it is
// the file system as it was after some operation, none before the last sync that had been acknowledged, and e2fsck
// finds nothing beyond the replay. LEGO_SEED is the first seed, LEGO_ROUNDS how many there are.
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "kernel/base/log.h"
#include "storage/ext4/journal_file.h"
#include "storage/ext4/testing/crash_disk.h"
#include "storage/ext4/testing/model.h"

namespace ext4::testing {
namespace {

constexpr int operations = 1000;  // most of which are refused, or change nothing
constexpr int crashes = 60;
constexpr std::uint64_t checked_by_others = 25;  // one crash in so many: those are programs to be started

struct Case {
  const char* shape;
  std::size_t block_bytes;
  std::size_t cache_blocks;
  std::uint32_t ring = 0;  // blocks of the journal that are used, if not all
  bool tight = false;      // so that what is freed is used again at once
};

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::strtoull(value, nullptr, 0) : otherwise;
}

// A run of random operations, and what was there after each of them.
struct History {
  History(const Contents& image, const Case& shape, std::uint64_t seed) {
    auto owned = std::make_unique<CrashDisk>(image);
    disk = owned.get();
    mounted = std::make_unique<Mounted>(std::move(owned), shape.cache_blocks);
    mount_events = disk->events();
    Model model(*mounted, {.seed = seed,
                           .largest_write = shape.tight ? 200'000u : 9'000u,
                           .largest_file = 60'000,
                           .lively = true,
                           .allow_no_space = shape.tight});
    base::Random random(seed);
    states.push_back({disk->events(), model.tree()});
    for (int i = 0; i < operations; ++i) {
      const std::size_t before = model.succeeded();
      model.step();
      if (model.succeeded() != before) states.push_back({disk->events(), model.tree()});
      if (random.chance(20'000)) must((*mounted)->write_back());
      if (!random.chance(50'000)) continue;
      must((*mounted)->sync({}, storage::SyncScope::Everything));
      syncs.push_back({disk->events(), states.size() - 1});
    }
  }

  struct State {
    std::size_t events;  // made by then
    Tree tree;
  };
  struct Sync {
    std::size_t events;
    std::size_t state;
  };
  CrashDisk* disk;
  std::unique_ptr<Mounted> mounted;
  std::size_t mount_events = 0;
  std::vector<State> states;
  std::vector<Sync> syncs;
};

class Crash {
 public:
  Crash(const History& history, std::size_t events) : history_(history) {
    for (const History::Sync& sync : history.syncs)
      if (sync.events <= events) first_ = sync.state;
    while (last_ + 1 < history.states.size() && history.states[last_].events <= events) ++last_;
  }

  // Empty if the tree is one that may be found after this crash.
  std::string complaint(const Tree& tree) const {
    std::string closest;
    for (std::size_t state = last_ + 1; state-- > first_;) {
      std::string difference = testing::difference(history_.states[state].tree, tree, false);
      if (difference.empty()) difference = complaint_about_bytes(state, tree);
      if (difference.empty()) return "";
      if (closest.empty()) closest = difference;
    }
    return "no state between " + std::to_string(first_) + " and " + std::to_string(last_) + "; the last: " + closest;
  }

 private:
  // What was written over later, and not synced, may be there in any mixture; the zeros of a later truncation too.
  std::string complaint_about_bytes(std::size_t state, const Tree& tree) const {
    for (const auto& [path, file] : tree) {
      if (file.data == history_.states[state].tree.at(path).data) continue;
      for (std::size_t at = 0; at < file.data.size(); ++at)
        if (!byte_is_possible(state, path, at, file.data[at]))
          return path + " at " + std::to_string(at) + " in state " + std::to_string(state);
    }
    return "";
  }
  bool byte_is_possible(std::size_t first, const std::string& path, std::size_t at, char byte) const {
    const base::FileId id = history_.states[first].tree.at(path).id;
    for (std::size_t state = first; state <= last_; ++state)
      for (const auto& [name, file] : history_.states[state].tree)
        if (file.id == id && (at < file.data.size() ? file.data[at] : 0) == byte) return true;
    return false;
  }

  const History& history_;
  std::size_t first_ = 0, last_ = 0;
};

Contents contents_of(std::vector<std::byte> bytes, const Case& shape) {
  return Contents(std::make_shared<const std::vector<std::byte>>(std::move(bytes)), shape.block_bytes);
}

Tree mounted_tree(const Contents& image, const Case& shape) {
  const Mounted mounted(std::make_unique<CrashDisk>(image), shape.cache_blocks);
  return read_tree(*mounted.system);
}

// A crash in the recovery from one, and another after some more work.
void crash_again(const Contents& image, const Case& shape, const Crash& crash, base::Random& random) {
  auto disk = std::make_unique<CrashDisk>(image);
  const CrashDisk& store = *disk;
  Mounted mounted(std::move(disk), shape.cache_blocks);
  const Tree before = read_tree(*mounted.system);
  const auto in_between = store.crash(random.below(store.events() + 1), random);
  EXPECT_EQ(difference(before, mounted_tree(in_between, shape), true), "");

  const auto directory = mounted.make_directory(mounted.root(), "again");
  const auto file = mounted.make(directory, "file");
  mounted.write(file, 100, std::string(5'000, 'a'));
  must(mounted->sync(file, storage::SyncScope::Data));
  const std::size_t synced = store.events();
  mounted.make(mounted.root(), "perhaps");
  must(mounted->write_back());
  const auto later = store.crash(synced + random.below(store.events() - synced + 1), random);
  Tree tree = mounted_tree(later, shape);
  EXPECT_EQ(tree.at("/again/file").data, std::string(100, '\0') + std::string(5'000, 'a'));
  for (const char* path : {"/perhaps", "/again/file", "/again"}) tree.erase(path);
  tree.at("").links = before.at("").links;
  EXPECT_EQ(difference(before, tree, true), "");
  EXPECT_EQ(crash.complaint(tree), "");
}

// e2fsck on the crashed image does what a mount does: it replays, and frees orphans.
void check_with_e2fsck(const Image& folder, const Contents& image, const Case& shape, const Tree& ours) {
  const std::string path = folder.file("crashed", image.bytes());
  const CommandResult result = run_command("e2fsck -fy -E no_optimize_extents " + path + " 2>&1");
  EXPECT_LE(result.status, 1) << result.output;
  const std::regex repairs("\\? yes|FIXED|[Ii]nvalid|[Cc]orrupt|[Ii]llegal|UNEXPECTED|Error");
  EXPECT_FALSE(std::regex_search(result.output, repairs)) << result.output;
  const CommandResult again = run_command("e2fsck -fn " + path + " 2>&1");
  EXPECT_EQ(again.status, 0) << again.output;
  EXPECT_EQ(difference(ours, mounted_tree(contents_of(Image::bytes_of(path), shape), shape), true), "");
}

// Nothing but the replay: the same bytes on the disk, but for the two superblocks. False: debugfs opens no image whose
// bitmaps do not match their checksums, which the replay would mend.
bool check_with_debugfs(const Image& folder, const Contents& image, const Case& shape) {
  const std::string path = folder.file("crashed", image.bytes());
  const CommandResult result = run_command("debugfs -w -R journal_run " + path + " 2>&1");
  if (result.output.find("Filesystem not open") != std::string::npos) return false;
  EXPECT_EQ(result.status, 0) << result.output;
  const auto theirs = Image::bytes_of(path);
  CrashDisk disk(image);
  const auto inspected = must(inspect_superblock(disk));
  if (!inspected.needs_recovery) return false;
  must(recover_journal(disk, inspected));
  const auto ours = disk.now().bytes();
  int differ = 0;
  for (std::size_t at = 0; at < ours.size(); at += shape.block_bytes) {
    if (std::memcmp(ours.data() + at, theirs.data() + at, shape.block_bytes) == 0) continue;
    const bool has_superblock = at / 1024 <= 1 && at + shape.block_bytes > 1024;
    const bool has_journal_superblock = std::memcmp(ours.data() + at, "\xc0\x3b\x39\x98\0\0\0\4", 8) == 0;
    if (!has_superblock && !has_journal_superblock) ++differ;
  }
  EXPECT_EQ(differ, 0) << result.output;
  return true;
}

// So that even a short run goes round it, and checkpoints. Its superblock has no checksum yet.
void shorten_journal(std::vector<std::byte>& disk, const Image& image, const Case& shape) {
  const std::size_t first = std::stoul(image.debugfs("bmap <8> 0"));
  reinterpret_cast<jbd2::DiskSuperblock*>(disk.data() + first * shape.block_bytes)->blocks = shape.ring;
}

class Crashes : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Crashes,
                         ::testing::Values(Case{"-b 1024", 1024, 512}, Case{"-b 1024", 1024, 32},
                                           Case{"-b 1024", 1024, 512, 100}, Case{"-b 1024 -m 0", 1024, 512, 0, true},
                                           Case{"-b 1024 -O ^64bit,^metadata_csum", 1024, 256, 120},
                                           Case{"-b 4096", 4096, 64}, Case{"-t ext3 -b 1024", 1024, 64, 150}));

TEST_P(Crashes, LeaveAStateThatWasThere) {
  base::set_log_level(base::LogLevel::Error);
  const Case& shape = GetParam();
  const Image image(shape.block_bytes == 4096 ? 12 : shape.tight ? 2 : 5, std::string(shape.shape) + " -N 256");
  std::vector<std::byte> bytes = image.bytes();
  if (shape.ring != 0) shorten_journal(bytes, image, shape);
  const Contents start = contents_of(std::move(bytes), shape);
  const std::uint64_t first = from_environment("LEGO_SEED", 1), rounds = from_environment("LEGO_ROUNDS", 3);
  int compared = 0;
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    const History history(start, shape, seed);
    base::Random random(seed);
    for (int i = 0; i < crashes; ++i) {
      const std::size_t events = history.mount_events + random.below(history.disk->events() - history.mount_events + 1);
      SCOPED_TRACE("LEGO_SEED=" + std::to_string(seed) + ", crash " + std::to_string(i) + " after " +
                   std::to_string(events) + " of " + std::to_string(history.disk->events()));
      const auto crashed = history.disk->crash(events, random);
      const Crash crash(history, events);
      const Tree tree = mounted_tree(crashed, shape);
      ASSERT_EQ(crash.complaint(tree), "");
      if (!shape.tight && random.chance(200'000)) crash_again(crashed, shape, crash, random);
      if (random.below(checked_by_others) == 0) {
        check_with_e2fsck(image, crashed, shape, tree);
        if (check_with_debugfs(image, crashed, shape)) ++compared;
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(compared, 0);
}

}  // namespace
}  // namespace ext4::testing
