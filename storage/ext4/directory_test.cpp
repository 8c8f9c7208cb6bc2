// SPDX-License-Identifier: Apache-2.0
// Large directories, cookies while entries come and go, and directories whose hash tree was made by e2fsprogs.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "storage/ext4/directory_index.h"
#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;

std::string numbered(int number) { return "entry-" + std::to_string(number); }

class Directories : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Directories,
                         ::testing::Values("-N 30000 -b 4096", "-N 30000 -b 1024",
                                           "-N 30000 -b 4096 -O ^metadata_csum"));

TEST_P(Directories, TenThousandEntries) {
  constexpr int count = 10'000;
  Image image(128, GetParam());
  Mounted fs(image, 1024);
  const auto directory = fs.make_directory(fs.root(), "large");
  for (int i = 0; i < count; ++i) fs.make(directory, numbered(i));
  EXPECT_EQ(fs.list(directory).size(), count + 2u);
  for (int i = 0; i < count; i += 3) must(fs->unlink(directory, numbered(i), fs.request));
  for (int i = 0; i < count; ++i)
    ASSERT_EQ(fs.error_of_lookup(directory, numbered(i)), i % 3 == 0 ? Error::NotFound : Error::None);
  const auto size = must(fs->attributes(directory)).size;
  for (int i = 0; i < count; i += 3) fs.make(directory, numbered(i));
  EXPECT_LE(must(fs->attributes(directory)).size, size + 4096) << "the gaps are used again";
  fs.unmount();
  EXPECT_EQ(image.check(), "");
  fs.mount();
  const auto again = must(fs->lookup(fs.root(), "large")).file;
  for (int i = 0; i < count; i += 7) ASSERT_EQ(fs.error_of_lookup(again, numbered(i)), Error::None);
  for (int i = 0; i < count; ++i) must(fs->unlink(again, numbered(i), fs.request));
  must(fs->remove_directory(fs.root(), "large", fs.request));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

// However the listing is cut up, and whatever happens in between: what was there all the time is seen exactly once.
TEST_P(Directories, CookiesWhileEntriesComeAndGo) {
  constexpr int count = 600;
  Image image(32, GetParam());
  Mounted fs(image);
  const auto directory = fs.make_directory(fs.root(), "d");
  for (int i = 0; i < count; ++i) fs.make(directory, numbered(i));
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    base::Random random(seed);
    std::map<std::string, int> seen;
    int made = 0;
    Names names;
    for (bool end = false; !end;) {
      names.names.clear();
      names.most = 1 + random.below(20);
      end = must(fs->read_directory(directory, names.last_cookie, names));
      for (const std::string& name : names.names) ++seen[name];
      const int victim = static_cast<int>(random.below(count / 2)) * 2;  // the even ones come and go
      if (fs.error_of_lookup(directory, numbered(victim)) == Error::None)
        must(fs->unlink(directory, numbered(victim), fs.request));
      fs.make(directory, "new" + std::to_string(seed) + "-" + std::to_string(made++));
    }
    for (int i = 1; i < count; i += 2) ASSERT_EQ(seen[numbered(i)], 1) << i;
    for (const auto& [name, times] : seen) ASSERT_LE(times, 1) << name;
    for (int i = 0; i < count; i += 2)
      if (fs.error_of_lookup(directory, numbered(i)) == Error::NotFound) fs.make(directory, numbered(i));
  }
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

// e2fsck -D builds hash trees; the first change gives them up, without moving an entry.
TEST_P(Directories, HashTreesAreReadAndGivenUp) {
  constexpr int count = 3'000;
  Image image(64, GetParam());
  {
    Mounted fs(image);
    const auto directory = fs.make_directory(fs.root(), "indexed");
    for (int i = 0; i < count; ++i) fs.make(directory, numbered(i));
    fs.unmount();
  }
  run_command("e2fsck -fyD " + image.path() + " 2>&1");
  ASSERT_EQ(image.check(), "");
  ASSERT_NE(image.debugfs("htree_dump /indexed").find("Root node"), std::string::npos);

  Mounted fs(image);
  const auto directory = must(fs->lookup(fs.root(), "indexed")).file;
  for (int i = 0; i < count; ++i) ASSERT_EQ(fs.error_of_lookup(directory, numbered(i)), Error::None);
  Names first_half;
  first_half.most = count / 2;
  EXPECT_FALSE(must(fs->read_directory(directory, 0, first_half)));
  fs.unmount();
  ASSERT_NE(image.debugfs("htree_dump /indexed").find("Root node"), std::string::npos) << "only looked at";

  fs.mount();
  fs.make(directory, "one more");
  Names second_half;
  EXPECT_TRUE(must(fs->read_directory(directory, first_half.last_cookie, second_half)));
  std::set<std::string> all(first_half.names.begin(), first_half.names.end());
  all.insert(second_half.names.begin(), second_half.names.end());
  for (int i = 0; i < count; ++i) ASSERT_TRUE(all.contains(numbered(i)));
  must(fs->unlink(directory, numbered(17), fs.request));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
  EXPECT_EQ(image.debugfs("htree_dump /indexed").find("Root node"), std::string::npos);
}

TEST(DirectoryIndexTest, AgreesWithASet) {
  DirectoryIndex index(1);
  std::set<std::pair<std::uint32_t, std::uint64_t>> expected;
  base::Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    const auto hash = static_cast<std::uint32_t>(random.below(300));  // many of the same
    const std::uint64_t position = random.below(1000) * 4;
    if (random.chance(500'000)) {
      if (expected.insert({hash, position}).second) must(index.add(hash, position));
    } else {
      index.remove(hash, position);
      expected.erase({hash, position});
    }
    ASSERT_EQ(index.entries(), expected.size());
    const auto is_position = [&](std::uint64_t found) -> base::Result<bool> { return found == position; };
    ASSERT_EQ(must(index.find(hash, is_position)), expected.contains({hash, position}));
  }
}

TEST(DirectoryLinks, StopBeingCountedAt65000) {
  for (const char* shape : {"-O ^metadata_csum", "-O ^metadata_csum,^dir_nlink"}) {
    Image image(32, shape);
    run_command("debugfs -w -R 'set_inode_field / links_count 64999' " + image.path() + " 2>&1");
    Mounted fs(image);
    fs.make_directory(fs.root(), "a");
    EXPECT_EQ(must(fs->attributes(fs.root())).links, 65000u);
    const auto next = fs->create(fs.root(), "b", {.mode = storage::mode::directory | 0755}, fs.request);
    if (std::string_view(shape).ends_with("dir_nlink")) {
      EXPECT_EQ(error_of(next), Error::TooManyLinks);
    } else {
      EXPECT_EQ(error_of(next), Error::None);
      EXPECT_EQ(must(fs->attributes(fs.root())).links, 1u);
      must(fs->remove_directory(fs.root(), "b", fs.request));
      EXPECT_EQ(must(fs->attributes(fs.root())).links, 1u);
    }
  }
}

}  // namespace
}  // namespace ext4::testing
