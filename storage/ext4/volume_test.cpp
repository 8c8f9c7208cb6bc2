// SPDX-License-Identifier: Apache-2.0
// The image as a whole: what is refused, what survives a crash, full disks, large and scattered files.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;

Error error_of_mount(Image& image, bool read_only = false) {
  FileStore store(image.path());
  store.set_read_only(read_only);
  return error_of(FileSystem::mount(store, {}, test_time));
}

TEST(Mount, RefusesWhatItDoesNotKnow) {
  for (const char* shape : {"-O inline_data", "-O bigalloc", "-O quota", "-O encrypt", "-O casefold", "-O mmp",
                            "-O ea_inode", "-O project,quota", "-O verity", "-b 8192", "-r 0 -t ext2"}) {
    SCOPED_TRACE(shape);
    Image image(32, shape);
    EXPECT_EQ(error_of_mount(image), Error::NotSupported);
  }
}

TEST(Mount, RefusesOtherDisks) {
  Image image(8);
  {
    std::ofstream file(image.path(), std::ios::binary | std::ios::trunc);
    file << std::string(8 << 20, '\0');
  }
  EXPECT_EQ(error_of_mount(image), Error::Malformed);
  std::filesystem::resize_file(image.path(), 512);
  EXPECT_EQ(error_of_mount(image), Error::Malformed);
}

TEST(Mount, ReadOnly) {
  Image image(16, "", [](const std::string& folder) { std::ofstream(folder + "/file") << "contents"; });
  const auto before = image.bytes();
  {
    FileStore store(image.path());
    store.set_read_only(true);
    auto fs = must(FileSystem::mount(store, {}, test_time));
    EXPECT_TRUE(fs->read_only());
    const auto file = must(fs->lookup(fs->root(), "file")).file;
    std::string text(8, ' ');
    EXPECT_EQ(must(fs->read(file, 0, std::as_writable_bytes(std::span(text)))), 8u);
    EXPECT_EQ(text, "contents");
    const storage::Request request{.now = test_time};
    EXPECT_EQ(error_of(fs->write(file, 0, std::as_bytes(std::span(text)), request)), Error::ReadOnly);
    EXPECT_EQ(error_of(fs->unlink(fs->root(), "file", request)), Error::ReadOnly);
    EXPECT_EQ(error_of(fs->create(fs->root(), "x", {.mode = storage::mode::regular}, request)), Error::ReadOnly);
    must(fs->unmount());
  }
  EXPECT_TRUE(image.bytes() == before);
}

TEST(Mount, WhatMke2fsPutThereIsThere) {
  const std::string large(3'000'000, 'L');
  Image image(32, "", [&](const std::string& folder) {
    std::ofstream(folder + "/large") << large;
    std::filesystem::create_directories(folder + "/bin/deep/deeper");
    std::ofstream(folder + "/bin/deep/deeper/file") << "found";
    std::filesystem::create_symlink("bin/deep", folder + "/link");
  });
  Mounted fs(image);
  EXPECT_EQ(fs.read(must(fs->lookup(fs.root(), "large")).file, 0, 4'000'000), large);
  auto at = fs.root();
  for (const char* name : {"bin", "deep", "deeper", "file"}) at = must(fs->lookup(at, name)).file;
  EXPECT_EQ(fs.read(at), "found");
  must(fs->rename(fs.root(), "large", fs.root(), "larger", storage::RenameMode::Replace, fs.request));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

constexpr const char* no_journal = "-O ^has_journal";

TEST(Crash, WhatWasSyncedIsOnTheDisk) {
  Image image(32, no_journal);
  Mounted fs(image);
  const auto directory = fs.make_directory(fs.root(), "d");
  const auto file = fs.make(directory, "file");
  fs.write(file, 0, "durable");
  const std::uint64_t flushes = fs.store.flushes;
  must(fs->sync(file, storage::SyncScope::Data));
  EXPECT_GT(fs.store.flushes, flushes);
  EXPECT_EQ(image.debugfs("cat /d/file"), "durable");  // the file system is still mounted
  EXPECT_NE(image.debugfs("stats").find("not clean"), std::string::npos);
  must(fs->unlink(directory, "file", fs.request));
  EXPECT_EQ(image.debugfs("cat /d/file"), "durable") << "not synced";
}

TEST(Crash, WhatWasSyncedIsInTheJournal) {
  Image image(32);
  Mounted fs(image);
  const auto directory = fs.make_directory(fs.root(), "d");
  const auto file = fs.make(directory, "file");
  fs.write(file, 0, "durable");
  must(fs->sync(file, storage::SyncScope::Data));
  EXPECT_NE(image.debugfs("stats").find("needs_recovery"), std::string::npos);
  EXPECT_EQ(image.debugfs("cat /d/file"), "durable") << "in its place as well";
  must(fs->unlink(directory, "file", fs.request));
  must(fs->write_back());
  EXPECT_EQ(image.debugfs("cat /d/file"), "durable") << "its place is for later";
  const std::uint64_t flushes = fs.store.flushes;
  must(fs->sync({}, storage::SyncScope::Everything));
  EXPECT_EQ(fs.store.flushes, flushes) << "nothing is left to be flushed";
  fs.make(directory, "not synced");
  const std::string list = image.debugfs_after_replay("ls -p /d");
  EXPECT_EQ(list.find("file"), std::string::npos) << list;
  EXPECT_EQ(list.find("not synced"), std::string::npos) << list;
}

TEST(Unnamed, AFileMayGetANameOrEnd) {
  Image image(32);
  std::uint64_t free_blocks = 0, free_inodes = 0;
  {
    Mounted fs(image);
    free_blocks = must(fs->statistics()).blocks_free;
    free_inodes = must(fs->statistics()).inodes_free;
    const storage::NewFile plain{.mode = storage::mode::regular | 0600u};
    const auto linked = must(fs->create_unnamed(fs.root(), plain, true, fs.request));
    EXPECT_EQ(linked.links, 0u);
    fs.write(linked.file, 0, "text");
    EXPECT_EQ(must(fs->link(linked.file, fs.root(), "name", fs.request)).links, 1u);
    must(fs->release(linked.file, 1, fs.request));
    EXPECT_EQ(fs.read(must(fs->lookup(fs.root(), "name")).file), "text");
    must(fs->hold(linked.file));
    must(fs->unlink(fs.root(), "name", fs.request));
    EXPECT_EQ(error_of(fs->link(linked.file, fs.root(), "again", fs.request)), Error::NotFound);
    must(fs->release(linked.file, 1, fs.request));
    const auto never = must(fs->create_unnamed(fs.root(), plain, false, fs.request));
    EXPECT_EQ(error_of(fs->link(never.file, fs.root(), "never", fs.request)), Error::NotFound);
    fs.write(never.file, 0, std::string(50'000, 'x'));
    must(fs->sync({}, storage::SyncScope::Everything));
    // No unmount: the component dies here.
  }
  Mounted fs(image);
  EXPECT_EQ(must(fs->statistics()).blocks_free, free_blocks);
  EXPECT_EQ(must(fs->statistics()).inodes_free, free_inodes);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

class Orphaned : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Orphaned, ::testing::Values("-b 4096", no_journal));

TEST_P(Orphaned, AreFreedByTheNextMount) {
  Image image(32, GetParam());
  std::uint64_t free_blocks = 0;
  {
    Mounted fs(image);
    free_blocks = must(fs->statistics()).blocks_free;
    for (int i = 0; i < 5; ++i) {
      const std::string name = "file" + std::to_string(i);
      const auto file = fs.make(fs.root(), name);
      fs.write(file, 0, std::string(100'000, 'x'));
      must(fs->hold(file));
      must(fs->unlink(fs.root(), name, fs.request));
    }
    const auto directory = fs.make_directory(fs.root(), "d");
    must(fs->hold(directory));
    must(fs->remove_directory(fs.root(), "d", fs.request));
    EXPECT_EQ(error_of(fs->create(directory, "x", {.mode = storage::mode::regular}, fs.request)), Error::NotFound);
    must(fs->sync({}, storage::SyncScope::Everything));
    // No unmount: the component dies here.
  }
  Mounted fs(image);
  EXPECT_EQ(must(fs->statistics()).blocks_free, free_blocks);
  fs.unmount();
  EXPECT_EQ(image.debugfs("stats").find("not clean") != std::string::npos, GetParam() == no_journal)
      << "without a journal nobody has looked for more";
  EXPECT_EQ(image.check(), "");
}

TEST_P(Orphaned, AreFreedByLinuxToo) {
  Image image(32, GetParam());
  {
    Mounted fs(image);
    const auto first = fs.make(fs.root(), "first"), second = fs.make(fs.root(), "second"),
               third = fs.make(fs.root(), "third");
    for (const auto file : {first, second, third}) must(fs->hold(file));
    for (const char* name : {"first", "second", "third"}) must(fs->unlink(fs.root(), name, fs.request));
    must(fs->release(second, 1, fs.request));  // from the middle of the list
    must(fs->sync({}, storage::SyncScope::Everything));
  }
  const auto result = run_command("e2fsck -fy " + image.path() + " 2>&1");
  EXPECT_NE(result.output.find("Clearing orphaned inode"), std::string::npos) << result.output;
  EXPECT_EQ(image.check(), "");
}

TEST(Crash, HoldersThatAreGoneHoldNothing) {
  Image image(32);
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "file"), other = fs.make(fs.root(), "other");
  must(fs->hold(file));
  must(fs->hold(other));
  must(fs->unlink(fs.root(), "file", fs.request));
  must(fs->release_all(fs.request));
  EXPECT_EQ(error_of(fs->attributes(file)), Error::Stale);
  EXPECT_EQ(error_of(fs->release(other, 1, fs.request)), Error::InvalidArgument);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Space, AFullDiskCanBeEmptied) {
  Image image(8, "-O ^has_journal");
  Mounted fs(image);
  const auto before = must(fs->statistics());
  std::vector<std::string> names;
  for (Error error = Error::None; error == Error::None;) {
    names.push_back("file" + std::to_string(names.size()));
    const auto file = fs.make(fs.root(), names.back());
    const std::string bytes(300'000, 'x');
    error = error_of(fs->write(file, 0, std::as_bytes(std::span(bytes)), fs.request));
    if (error != Error::None) {
      EXPECT_EQ(error, Error::NoSpace);
      EXPECT_EQ(must(fs->attributes(file)).size, 0u);
      EXPECT_EQ(must(fs->attributes(file)).blocks, 0u);
    }
  }
  EXPECT_LT(must(fs->statistics()).blocks_free, 500u);
  for (const std::string& name : names) must(fs->unlink(fs.root(), name, fs.request));
  EXPECT_EQ(must(fs->statistics()).blocks_free, before.blocks_free);
  EXPECT_EQ(must(fs->statistics()).inodes_free, before.inodes_free);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Space, RootsReserve) {
  Image image(8, "-m 20 -O ^has_journal");
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "file");
  const std::string bytes(100'000, 'x');
  storage::Request anyone = fs.request;
  anyone.may_use_reserve = false;
  std::uint64_t offset = 0;
  while (fs->write(file, offset, std::as_bytes(std::span(bytes)), anyone)) offset += bytes.size();
  EXPECT_LT(must(fs->statistics()).blocks_available, 99u);
  EXPECT_GT(must(fs->statistics()).blocks_free, 300u);
  EXPECT_EQ(error_of(fs->write(file, offset, std::as_bytes(std::span(bytes)), fs.request)), Error::None);
}

// What was reserved can be written when nothing else can, however scattered the writing is.
TEST(Space, AReservationHolds) {
  Image image(16, "-b 1024 -O ^has_journal");
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "file"), filler = fs.make(fs.root(), "filler");
  must(fs->reserve(file, 0, 2'000'000, fs.request));
  const std::string block(1024, 'x');
  for (std::uint64_t at = 0; fs->write(filler, at, std::as_bytes(std::span(block)), fs.request);) at += 1024;
  EXPECT_EQ(error_of(fs->reserve(file, 2'100'000, 100'000, fs.request)), Error::NoSpace);
  for (std::uint64_t at = 0; at < 60; ++at) fs.write(file, at * 32'000, "sparse");
  fs.write(file, 0, std::string(2'000'000, 'y'));
  EXPECT_EQ(fs.read(file, 1'999'990, 100), std::string(10, 'y'));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Space, FilesBeyondFourGibibytes) {
  Image image(6000);
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "huge");
  const std::uint64_t far = 5'000'000'000;
  fs.write(file, far, "at the far end");
  fs.write(file, (std::uint64_t{1} << 32) - 3, "across");
  EXPECT_EQ(fs.read(file, far - 2, 100), std::string(2, '\0') + "at the far end");
  EXPECT_EQ(fs.read(file, (std::uint64_t{1} << 32) - 3, 6), "across");
  const std::string byte = "x";
  const std::uint64_t end = std::uint64_t{4096} * 0xffffffff;
  EXPECT_EQ(error_of(fs->write(file, end, std::as_bytes(std::span(byte)), fs.request)), Error::TooBig);
  EXPECT_EQ(error_of(fs->write(file, ~0ull, std::as_bytes(std::span(byte)), fs.request)), Error::TooBig);
  EXPECT_EQ(error_of(fs->set_attributes(file, {.set_size = true, .size = 1ull << 61}, fs.request)), Error::TooBig);
  must(fs->set_attributes(file, {.set_size = true, .size = std::uint64_t{1} << 40}, fs.request));
  must(fs->reserve(file, std::uint64_t{2} << 30, std::uint64_t{1} << 30, fs.request));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
  fs.mount();
  EXPECT_EQ(must(fs->lookup(fs.root(), "huge")).size, std::uint64_t{1} << 40);
  must(fs->unlink(fs.root(), "huge", fs.request));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

class Scattered : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Scattered, ::testing::Values("-b 1024", "-b 1024 -O ^metadata_csum", "-b 4096"));

// Blocks written in a random order, none beside another: a tree of several levels, which is then filled in, cut and
// freed.
TEST_P(Scattered, TreesOfSeveralLevels) {
  Image image(96, GetParam());
  Mounted fs(image, 64);
  const std::uint64_t free_blocks = must(fs->statistics()).blocks_free;
  const std::uint64_t block = must(fs->statistics()).block_bytes;
  const std::uint64_t count = block == 1024 ? 9'000 : 3'000;
  const auto file = fs.make(fs.root(), "file");
  std::vector<std::uint64_t> order(count);
  for (std::uint64_t i = 0; i < count; ++i) order[i] = i;
  base::Random random(7);
  for (std::uint64_t i = count - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  for (const std::uint64_t i : order) fs.write(file, i * 2 * block, std::to_string(i));
  for (std::uint64_t i = 0; i < count; i += 97)
    ASSERT_EQ(fs.read(file, i * 2 * block, std::to_string(i).size()), std::to_string(i));
  must(fs->sync({}, storage::SyncScope::Everything));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
  fs.mount(64);
  const auto again = must(fs->lookup(fs.root(), "file")).file;
  for (std::uint64_t i = 0; i < 500; ++i) fs.write(again, (i * 2 + 1) * block, "between");
  must(fs->set_attributes(again, {.set_size = true, .size = count * block + 77}, fs.request));
  ASSERT_EQ(fs.read(again, 999 * block, 7), "between");
  fs.unmount();
  EXPECT_EQ(image.check(), "");
  fs.mount(64);
  must(fs->unlink(fs.root(), "file", fs.request));
  EXPECT_EQ(must(fs->statistics()).blocks_free, free_blocks);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

// Written in order, and in pieces that a page cache would send, a file is in few pieces on the disk.
TEST(Layout, SequentialFilesAreContiguous) {
  Image image(64);
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "file");
  for (std::uint64_t at = 0; at < 8'000'000; at += 16'384) fs.write(file, at, std::string(16'384, 'x'));
  fs.unmount();
  const auto extents = image.debugfs("ex /file");
  EXPECT_LE(std::count(extents.begin(), extents.end(), '\n'), 4) << extents;
  EXPECT_EQ(image.check(), "");
}

}  // namespace
}  // namespace ext4::testing
