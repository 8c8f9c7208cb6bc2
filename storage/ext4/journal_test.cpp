// SPDX-License-Identifier: Apache-2.0
// Journals that others wrote, replayed by us and by e2fsck; and those that are refused.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;

const std::string magic = "\xc0\x3b\x39\x98";

struct Case {
  const char* shape;
  const char* open;  // debugfs's command
};

class ForeignJournals : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(
    Kinds, ForeignJournals,
    ::testing::Values(Case{"-b 1024 -O ^64bit,^metadata_csum", "journal_open"}, Case{"-b 4096", "journal_open"},
                      Case{"-b 1024 -O ^64bit", "journal_open -c -v 3"}, Case{"-b 4096", "journal_open -c -v 3"},
                      Case{"-b 2048", "journal_open -c -v 2"}, Case{"-b 1024 -O ^64bit", "journal_open -c -v 2"},
                      Case{"-t ext3 -b 1024", "journal_open"}));

class JournalWriter {
 public:
  JournalWriter(const Image& image, const char* open, std::size_t block_bytes)
      : image_(image), block_bytes_(block_bytes), requests_{open} {
    std::istringstream numbers(image.debugfs("blocks /file"));
    for (std::string number; numbers >> number;) blocks_.push_back(number);
  }
  // A transaction: each of these blocks of the file is to hold that letter; 'M': behind a journal block's magic number.
  void write(const std::vector<std::pair<std::size_t, char>>& writes, bool committed = true) {
    const std::string data = std::filesystem::path(image_.path()).parent_path() / ("data" + std::to_string(count_++));
    std::ofstream file(data, std::ios::binary);
    std::string list;
    for (const auto& [block, letter] : writes) {
      std::string bytes(block_bytes_, letter);
      if (letter == 'M') bytes.replace(0, 4, magic);
      file << bytes;
      list += (list.empty() ? "" : ",") + blocks_[block];
    }
    requests_.push_back("journal_write -b " + list + (committed ? " " : " -c ") + data);
  }
  // A transaction of its own: debugfs cannot go on behind one that also writes blocks.
  void revoke(std::size_t first, std::size_t second) {
    requests_.push_back("journal_write -r " + blocks_[first] + "," + blocks_[second]);
  }
  void finish() {
    requests_.push_back("journal_close");
    image_.change(requests_);
  }
  std::size_t blocks() const { return blocks_.size(); }

 private:
  const Image& image_;
  const std::size_t block_bytes_;
  std::vector<std::string> requests_;
  std::vector<std::string> blocks_;
  int count_ = 0;
};

// The first bytes of each block, after the magic number if it begins with that.
std::string letters(Mounted& fs, std::size_t block_bytes) {
  const std::string bytes = fs.read(must(fs->lookup(fs.root(), "file")).file, 0, 1 << 20);
  std::string letters;
  for (std::size_t at = 0; at < bytes.size(); at += block_bytes) {
    if (bytes.substr(at + 4, block_bytes - 4) != std::string(block_bytes - 4, bytes[at + 4])) return "a torn block";
    letters += bytes[at + 4] == 'M' && bytes.substr(at, 4) != magic ? '?' : bytes[at + 4];
  }
  return letters;
}

TEST_P(ForeignJournals, AreReplayed) {
  Image image(16, GetParam().shape,
              [&](const std::string& folder) { std::ofstream(folder + "/file") << std::string(10 * 4096, 'o'); });
  const std::size_t block_bytes =
      std::stoul(std::string(GetParam().shape).substr(std::string(GetParam().shape).find("-b ") + 3));
  JournalWriter writer(image, GetParam().open, block_bytes);
  writer.write({{0, 'a'}, {1, 'a'}, {2, 'a'}, {3, 'a'}});
  writer.write({{1, 'b'}, {4, 'M'}});
  writer.revoke(2, 7);
  writer.write({{5, 'c'}, {7, 'e'}});
  writer.revoke(3, 4);
  writer.write({{4, 'd'}, {6, 'M'}});
  writer.write({{0, 'x'}, {9, 'x'}}, false);
  writer.finish();
  const std::string copy = image.copy("by-e2fsck");
  ASSERT_LE(run_command("e2fsck -fy " + copy + " 2>&1").status, 1);

  Mounted ours(image);
  EXPECT_EQ(letters(ours, block_bytes).substr(0, 10), "aboodcMeoo");
  ours.unmount();
  EXPECT_EQ(image.check(), "");
  Mounted theirs(copy);
  EXPECT_EQ(letters(theirs, block_bytes).substr(0, 10), "aboodcMeoo");
}

Error error_of_mount(const Image& image) {
  FileStore store(image.path());
  return error_of(FileSystem::mount(store, {}, test_time));
}

TEST(Journal, ThatIsEmptyNeedsNoRecovery) {
  Image image(32);
  image.change({"feature needs_recovery"});
  Mounted fs(image);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Journal, OfAReadOnlyDiskIsNotRecovered) {
  Image image(32);
  image.change({"feature needs_recovery"});
  FileStore store(image.path());
  store.set_read_only(true);
  EXPECT_EQ(error_of(FileSystem::mount(store, {}, test_time)), Error::ReadOnly);
}

TEST(Journal, WithUnknownFeaturesIsRefused) {
  for (const auto& [offset, error] : {std::pair{0x28, Error::NotSupported},
                                      {0x2c, Error::NotSupported},
                                      {0x00, Error::Malformed},
                                      {0x10, Error::Malformed}}) {
    Image image(32, "-b 4096");
    image.change({"feature needs_recovery"});
    std::istringstream blocks(image.debugfs("blocks <8>"));
    std::uint64_t first = 0;
    blocks >> first;
    std::fstream file(image.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(first * 4096 + static_cast<unsigned>(offset)));
    file.put('\x40');
    file.close();
    EXPECT_EQ(error_of_mount(image), error) << offset;
  }
}

TEST(Journal, OnAnotherDiskIsRefused) {
  Image image(32);
  image.change({"set_super_value journal_inum 0", "feature needs_recovery"});
  EXPECT_EQ(error_of_mount(image), Error::NotSupported);
}

}  // namespace
}  // namespace ext4::testing
