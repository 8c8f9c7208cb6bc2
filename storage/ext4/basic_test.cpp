// SPDX-License-Identifier: Apache-2.0
// The operations one by one, on images of several shapes; e2fsck has the last word after each.
#include <gtest/gtest.h>

#include <fstream>

#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;
using storage::RenameMode;

// What mke2fs is told; the same tests run on each.
class Basic : public ::testing::TestWithParam<const char*> {
 protected:
  Image image{32, GetParam()};
  Mounted fs{image};

  void TearDown() override {
    if (fs.system) fs.unmount();
    EXPECT_EQ(image.check(), "");
  }
};

INSTANTIATE_TEST_SUITE_P(Shapes, Basic,
                         ::testing::Values("-b 4096", "-b 1024", "-b 2048", "-t ext2", "-t ext3 -b 4096",
                                           "-O ^metadata_csum,uninit_bg", "-O ^64bit,^metadata_csum,^flex_bg", "-I 128",
                                           "-O ^has_journal", "-O metadata_csum_seed", "-O meta_bg,^resize_inode",
                                           "-O orphan_file"));

TEST_P(Basic, EmptyImage) {
  EXPECT_EQ(fs.list(fs.root()), (std::vector<std::string>{".", "..", "lost+found"}));
  const auto root = must(fs->attributes(fs.root()));
  EXPECT_EQ(root.inode, 2u);
  EXPECT_EQ(root.mode & storage::mode::type_mask, storage::mode::directory);
  EXPECT_EQ(root.links, 3u);
}

TEST_P(Basic, FileOfAFewBytes) {
  const auto file = fs.make(fs.root(), "hello");
  fs.write(file, 0, "hello, world\n");
  EXPECT_EQ(fs.read(file), "hello, world\n");
  fs.write(file, 7, "there\nand more");
  EXPECT_EQ(fs.read(file), "hello, there\nand more");
  EXPECT_EQ(fs.read(file, 7, 5), "there");
  EXPECT_EQ(fs.read(file, 100), "");
  fs.unmount();
  EXPECT_EQ(image.debugfs("cat /hello"), "hello, there\nand more");
}

TEST_P(Basic, HolesReadAsZeros) {
  const auto file = fs.make(fs.root(), "holes");
  fs.write(file, 5'000'000, "end");
  fs.write(file, 1'000'000, "middle");
  std::string expected(5'000'003, '\0');
  expected.replace(1'000'000, 6, "middle");
  expected.replace(5'000'000, 3, "end");
  EXPECT_EQ(fs.read(file, 0, 6'000'000), expected);
  EXPECT_LT(must(fs->attributes(file)).blocks, 100u);
}

TEST_P(Basic, TruncateAndGrow) {
  const auto file = fs.make(fs.root(), "file");
  fs.write(file, 0, std::string(300'000, 'x'));
  must(fs->set_attributes(file, {.set_size = true, .size = 12'345}, fs.request));
  EXPECT_EQ(fs.read(file), std::string(12'345, 'x'));
  must(fs->set_attributes(file, {.set_size = true, .size = 20'000}, fs.request));
  EXPECT_EQ(fs.read(file), std::string(12'345, 'x') + std::string(7'655, '\0'));
  must(fs->set_attributes(file, {.set_size = true, .grow_only = true, .size = 100}, fs.request));
  EXPECT_EQ(must(fs->attributes(file)).size, 20'000u);
  must(fs->set_attributes(file, {.set_size = true, .size = 0}, fs.request));
  EXPECT_EQ(must(fs->attributes(file)).blocks, 0u);
}

TEST_P(Basic, Attributes) {
  const auto file = fs.make(fs.root(), "file");
  storage::AttributeChanges changes{.set_mode = true,
                                    .set_uid = true,
                                    .set_gid = true,
                                    .set_access_time = true,
                                    .set_modify_time = true,
                                    .mode = 04711,
                                    .uid = 70000,
                                    .gid = 80000,
                                    .access_time = -1'500'000'000,
                                    .modify_time = 1'600'000'000'000'000'000};
  const auto attributes = must(fs->set_attributes(file, changes, fs.request));
  EXPECT_EQ(attributes.mode, storage::mode::regular | 04711u);
  EXPECT_EQ(attributes.uid, 70000u);
  EXPECT_EQ(attributes.gid, 80000u);
  EXPECT_EQ(attributes.modify_time, 1'600'000'000'000'000'000);
  const bool small_inodes = std::string_view(GetParam()) == "-I 128";
  EXPECT_EQ(attributes.access_time, small_inodes ? -2'000'000'000 : -1'500'000'000);
  EXPECT_EQ(attributes.change_time, small_inodes ? test_time / 1'000'000'000 * 1'000'000'000 : test_time);
}

TEST_P(Basic, DirectoriesAndLinkCounts) {
  const auto a = fs.make_directory(fs.root(), "a");
  const auto b = fs.make_directory(a, "b");
  EXPECT_EQ(must(fs->attributes(a)).links, 3u);
  EXPECT_EQ(must(fs->lookup(b, "..")).file, a);
  EXPECT_EQ(must(fs->lookup(b, ".")).file, b);
  EXPECT_EQ(error_of(fs->remove_directory(fs.root(), "a", fs.request)), Error::NotEmpty);
  EXPECT_EQ(error_of(fs->unlink(a, "b", fs.request)), Error::IsDirectory);
  fs.make(b, "file");
  EXPECT_EQ(error_of(fs->remove_directory(b, "file", fs.request)), Error::NotDirectory);
  must(fs->unlink(b, "file", fs.request));
  EXPECT_EQ(must(fs->remove_directory(a, "b", fs.request)).links, 0u);
  EXPECT_EQ(must(fs->attributes(a)).links, 2u);
  EXPECT_EQ(error_of(fs->attributes(b)), Error::Stale);
}

TEST_P(Basic, LinksAndSymlinks) {
  const auto file = fs.make(fs.root(), "file");
  EXPECT_EQ(must(fs->link(file, fs.root(), "second", fs.request)).links, 2u);
  EXPECT_EQ(must(fs->lookup(fs.root(), "second")).file, file);
  EXPECT_EQ(error_of(fs->link(file, fs.root(), "second", fs.request)), Error::Exists);
  EXPECT_EQ(error_of(fs->link(fs.root(), fs.root(), "x", fs.request)), Error::NotPermitted);
  EXPECT_EQ(must(fs->unlink(fs.root(), "file", fs.request)).links, 1u);
  std::vector<char> buffer(storage::max_link_target_bytes);
  for (const std::size_t length : {1u, 59u, 60u, 61u, 1000u}) {
    const std::string target(length, 't'), name = "link" + std::to_string(length);
    const auto link =
        must(fs->create(fs.root(), name, {.mode = storage::mode::symlink | 0777, .target = target}, fs.request));
    EXPECT_EQ(link.size, length);
    EXPECT_EQ(must(fs->read_link(link.file, buffer)), target);
  }
  EXPECT_EQ(error_of(fs->create(fs.root(), "e", {.mode = storage::mode::symlink | 0777}, fs.request)), Error::NotFound);
  const std::string too_long(4096, 't');
  EXPECT_EQ(
      error_of(fs->create(fs.root(), "l", {.mode = storage::mode::symlink | 0777, .target = too_long}, fs.request)),
      Error::NameTooLong);
  EXPECT_EQ(error_of(fs->read_link(file, buffer)), Error::InvalidArgument);
  must(fs->unlink(fs.root(), "link1000", fs.request));
}

TEST_P(Basic, SpecialFiles) {
  for (const std::uint64_t device : {0x501ull, 0x12345678ull}) {
    const auto made = must(fs->create(fs.root(), "d" + std::to_string(device),
                                      {.mode = storage::mode::character_device | 0600, .device = device}, fs.request));
    EXPECT_EQ(made.device, device);
  }
  fs.make(fs.root(), "fifo", storage::mode::fifo | 0600);
  fs.make(fs.root(), "socket", storage::mode::socket | 0600);
  EXPECT_EQ(error_of(fs->create(fs.root(), "x", {.mode = 0644}, fs.request)), Error::InvalidArgument);
  Names names;
  must(fs->read_directory(fs.root(), 0, names));
  EXPECT_EQ(names.types["fifo"], 1);
  EXPECT_EQ(names.types["socket"], 12);
  EXPECT_EQ(names.types["d1281"], 2);
  EXPECT_EQ(names.types["lost+found"], 4);
}

TEST_P(Basic, BadNames) {
  EXPECT_EQ(error_of(fs->create(fs.root(), "", {.mode = storage::mode::regular}, fs.request)), Error::InvalidArgument);
  EXPECT_EQ(error_of(fs->create(fs.root(), "a/b", {.mode = storage::mode::regular}, fs.request)),
            Error::InvalidArgument);
  EXPECT_EQ(error_of(fs->create(fs.root(), std::string(256, 'n'), {.mode = storage::mode::regular}, fs.request)),
            Error::NameTooLong);
  EXPECT_EQ(error_of(fs->create(fs.root(), ".", {.mode = storage::mode::regular}, fs.request)), Error::Exists);
  const std::string longest(255, 'n');
  fs.make(fs.root(), longest);
  EXPECT_EQ(fs.error_of_lookup(fs.root(), longest), Error::None);
  EXPECT_EQ(error_of(fs->unlink(fs.root(), "..", fs.request)), Error::IsDirectory);
  EXPECT_EQ(error_of(fs->remove_directory(fs.root(), ".", fs.request)), Error::InvalidArgument);
  EXPECT_EQ(error_of(fs->remove_directory(fs.root(), "..", fs.request)), Error::NotEmpty);
  EXPECT_EQ(fs.error_of_lookup(fs.make(fs.root(), "f"), "x"), Error::NotDirectory);
}

TEST_P(Basic, UnlinkedFilesLiveWhileHeld) {
  const auto file = fs.make(fs.root(), "file");
  fs.write(file, 0, std::string(50'000, 'h'));
  must(fs->hold(file));
  must(fs->hold(file));
  EXPECT_EQ(must(fs->unlink(fs.root(), "file", fs.request)).links, 0u);
  EXPECT_EQ(fs.error_of_lookup(fs.root(), "file"), Error::NotFound);
  fs.write(file, 50'000, "more");
  EXPECT_EQ(fs.read(file).size(), 50'004u);
  EXPECT_EQ(error_of(fs->link(file, fs.root(), "again", fs.request)), Error::NotFound);
  must(fs->release(file, 1, fs.request));
  EXPECT_EQ(fs.read(file, 49'999, 2), "hm");
  EXPECT_EQ(error_of(fs->release(file, 2, fs.request)), Error::InvalidArgument);
  must(fs->release(file, 1, fs.request));
  EXPECT_EQ(error_of(fs->attributes(file)), Error::Stale);
}

TEST_P(Basic, IdsAreNotReused) {
  const auto first = fs.make(fs.root(), "file");
  must(fs->unlink(fs.root(), "file", fs.request));
  const auto second = fs.make(fs.root(), "file");
  EXPECT_EQ(static_cast<std::uint32_t>(first.value()), static_cast<std::uint32_t>(second.value()));
  EXPECT_NE(first, second);
  EXPECT_EQ(error_of(fs->read(first, 0, {})), Error::Stale);
  EXPECT_EQ(error_of(fs->attributes(base::FileId(0))), Error::Stale);
  EXPECT_EQ(error_of(fs->attributes(base::FileId(~0ull))), Error::Stale);
}

TEST_P(Basic, ExtendedAttributes) {
  const auto file = fs.make(fs.root(), "file");
  const auto bytes = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  const std::string small = "value", large(800, 'v');
  must(fs->set_xattr(file, "user.small", bytes(small), storage::XattrMode::Set, fs.request));
  must(fs->set_xattr(file, "user.large", bytes(large), storage::XattrMode::Create, fs.request));
  EXPECT_EQ(error_of(fs->set_xattr(file, "user.large", bytes(small), storage::XattrMode::Create, fs.request)),
            Error::Exists);
  EXPECT_EQ(error_of(fs->set_xattr(file, "user.none", bytes(small), storage::XattrMode::Replace, fs.request)),
            Error::NotFound);
  std::vector<std::byte> value(1000);
  EXPECT_EQ(must(fs->get_xattr(file, "user.large", value)), large.size());
  EXPECT_EQ(must(fs->get_xattr(file, "user.small", {})), small.size());
  EXPECT_EQ(error_of(fs->get_xattr(file, "user.none", {})), Error::NotFound);
  EXPECT_EQ(error_of(fs->get_xattr(file, "system.posix_acl_access", {})), Error::NotSupported);
  std::vector<char> names(100);
  const std::size_t length = must(fs->list_xattrs(file, names));
  EXPECT_EQ(length, 22u);
  const std::string too_large(70'000, 'v');
  EXPECT_EQ(error_of(fs->set_xattr(file, "user.x", bytes(too_large), storage::XattrMode::Set, fs.request)),
            Error::TooBig);
  EXPECT_EQ(
      error_of(fs->set_xattr(file, "user.x", bytes(too_large.substr(0, 5000)), storage::XattrMode::Set, fs.request)),
      Error::NoSpace);
  must(fs->remove_xattr(file, "user.small", fs.request));
  EXPECT_EQ(error_of(fs->remove_xattr(file, "user.small", fs.request)), Error::NotFound);
  const auto other = fs.make(fs.root(), "other");
  must(fs->set_xattr(other, "user.large", bytes(large), storage::XattrMode::Set, fs.request));
  must(fs->unlink(fs.root(), "other", fs.request));
}

TEST_P(Basic, ReservedRoomIsWritable) {
  const auto file = fs.make(fs.root(), "file");
  must(fs->reserve(file, 0, 1 << 20, fs.request));
  EXPECT_EQ(must(fs->attributes(file)).size, 0u);
  fs.write(file, 300'000, "in the middle");
  EXPECT_EQ(fs.read(file, 299'999, 100), std::string(1, '\0') + "in the middle");
  fs.write(file, 0, std::string(100'000, 'a'));
  fs.write(file, 100'000, std::string(1'000'000, 'b'));
  EXPECT_EQ(fs.read(file, 0, 2'000'000), std::string(100'000, 'a') + std::string(1'000'000, 'b'));
}

TEST_P(Basic, PunchedRangesAreZerosAndFree) {
  const auto file = fs.make(fs.root(), "file");
  std::string expected(1'000'000, 'x');
  fs.write(file, 0, expected);
  const std::uint64_t before = must(fs->attributes(file)).blocks;
  for (const auto& [offset, bytes] : {std::pair{10'000u, 100u},
                                      {20'480u, 81'920u},
                                      {300'001u, 50'000u},
                                      {0u, 1u},
                                      {999'000u, 100'000u},
                                      {2'000'000u, 5'000u}}) {
    EXPECT_EQ(must(fs->punch(file, offset, bytes, fs.request)).size, expected.size());
    for (std::uint64_t at = offset; at < offset + bytes && at < expected.size(); ++at) expected[at] = '\0';
    EXPECT_EQ(fs.read(file), expected);
  }
  EXPECT_LE(must(fs->attributes(file)).blocks, before - (81'920 + 40'960) / 512);
  fs.write(file, 30'000, "back");
  expected.replace(30'000, 4, "back");
  must(fs->punch(file, 0, 25'000, fs.request));
  expected.replace(0, 25'000, 25'000, '\0');
  EXPECT_EQ(fs.read(file), expected);
  must(fs->punch(file, 0, 1'000'000, fs.request));
  EXPECT_LE(must(fs->attributes(file)).blocks, 10'000u / 512) << "no more than blocks of pointers";
  EXPECT_EQ(fs.read(file), std::string(1'000'000, '\0'));
  EXPECT_EQ(error_of(fs->punch(fs.root(), 0, 1, fs.request)), Error::IsDirectory);
  EXPECT_EQ(error_of(fs->punch(file, ~0ull - 5, 100, fs.request)), Error::TooBig);
}

// Every other block, so that the tree grows, and then all of the rest from the front, so that first keys change.
TEST_P(Basic, PunchingSplitsAndEmptiesNodes) {
  const std::uint64_t block = must(fs->statistics()).block_bytes, count = 2000;
  const std::uint64_t free_before = must(fs->statistics()).blocks_free;
  const auto file = fs.make(fs.root(), "file");
  fs.write(file, 0, std::string(block * count, 'x'));
  for (std::uint64_t i = 1; i < count; i += 2) must(fs->punch(file, i * block, block, fs.request));
  for (std::uint64_t i = 0; i < count; ++i)
    ASSERT_EQ(fs.read(file, i * block, 1), std::string(1, i % 2 == 0 ? 'x' : '\0')) << i;
  must(fs->sync({}, storage::SyncScope::Everything));
  for (std::uint64_t i = 0; i < count; i += 100) {
    must(fs->punch(file, i * block + 1, 90 * block, fs.request));
    EXPECT_EQ(fs.read(file, i * block, 2), std::string("x\0", 2));
    EXPECT_EQ(must(fs->extent(file, (i + 1) * block)).has_data, false);
    EXPECT_EQ(must(fs->extent(file, (i + 92) * block)).has_data, true);
  }
  must(fs->punch(file, 0, (count - 2) * block, fs.request));
  EXPECT_LE(must(fs->attributes(file)).blocks, 12 * block / 512) << "one block, and nodes or blocks of pointers";
  EXPECT_EQ(fs.read(file, (count - 2) * block, 1), "x");
  must(fs->unlink(fs.root(), "file", fs.request));
  EXPECT_EQ(must(fs->statistics()).blocks_free, free_before);
}

TEST_P(Basic, ExtentsAreDataOrHoles) {
  const auto file = fs.make(fs.root(), "file");
  const std::uint64_t block = must(fs->statistics()).block_bytes;
  fs.write(file, 10 * block, std::string(5 * block, 'x'));
  EXPECT_EQ(must(fs->extent(file, 3)).has_data, false);
  EXPECT_EQ(must(fs->extent(file, 3)).end, 10 * block);
  EXPECT_EQ(must(fs->extent(file, 10 * block)).has_data, true);
  EXPECT_EQ(must(fs->extent(file, 12 * block)).end, 15 * block);
  EXPECT_EQ(must(fs->extent(file, 15 * block)).has_data, false);
  must(fs->reserve(file, 15 * block, 5 * block, fs.request));
  EXPECT_EQ(must(fs->extent(file, 15 * block)).has_data, false) << "never written";
  EXPECT_EQ(error_of(fs->extent(fs.root(), 0)), Error::IsDirectory);
}

TEST_P(Basic, Statistics) {
  const auto before = must(fs->statistics());
  EXPECT_EQ(before.type, 0xef53u);
  const auto file = fs.make(fs.root(), "file");
  fs.write(file, 0, std::string(before.block_bytes * 10, 'x'));
  const auto after = must(fs->statistics());
  EXPECT_EQ(before.blocks_free - after.blocks_free, must(fs->attributes(file)).blocks * 512 / before.block_bytes);
  EXPECT_EQ(before.inodes_free - after.inodes_free, 1u);
  must(fs->unlink(fs.root(), "file", fs.request));
  EXPECT_EQ(must(fs->statistics()).blocks_free, before.blocks_free);
}

}  // namespace
}  // namespace ext4::testing
