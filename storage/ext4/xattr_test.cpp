// SPDX-License-Identifier: Apache-2.0
// Extended attributes as they are on the disk: in the inode and in a block, through remounts and crashes, for e2fsck's
// and debugfs's eyes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/ext4/testing/image.h"
#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;
using storage::XattrMode;

std::string get(Mounted& fs, base::FileId file, const std::string& name) {
  const auto bytes = fs->get_xattr(file, name, {});
  if (!bytes) return std::string(base::error_name(bytes.error()));
  std::string value(*bytes, '\0');
  if (*bytes > 0) must(fs->get_xattr(file, name, std::as_writable_bytes(std::span(value))));
  return value;
}
base::Result<> set(Mounted& fs, base::FileId file, const std::string& name, const std::string& value,
                   XattrMode mode = XattrMode::Set) {
  return fs->set_xattr(file, name, std::as_bytes(std::span(value)), mode, fs.request);
}

class Xattrs : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, Xattrs,
                         ::testing::Values("-b 4096", "-b 1024", "-O ^metadata_csum", "-O ^has_journal"));

TEST_P(Xattrs, AreInTheInodeAndInABlock) {
  Image image(32, GetParam());
  std::uint64_t free_blocks = 0;
  {
    Mounted fs(image);
    free_blocks = must(fs->statistics()).blocks_free;
    const auto file = fs.make(fs.root(), "file");
    must(set(fs, file, "user.small", "in the inode"));
    EXPECT_EQ(must(fs->attributes(file)).blocks, 0u);
    must(set(fs, file, "user.large", std::string(700, 'b')));
    EXPECT_GT(must(fs->attributes(file)).blocks, 0u) << "a block of its own";
    must(set(fs, file, "user.empty", ""));
    must(set(fs, file, "trusted.t", "t", XattrMode::Create));
    EXPECT_EQ(set(fs, file, "trusted.t", "u", XattrMode::Create).error(), Error::Exists);
    EXPECT_EQ(set(fs, file, "user.none", "u", XattrMode::Replace).error(), Error::NotFound);
    EXPECT_EQ(set(fs, file, "system.posix_acl_access", "u").error(), Error::NotSupported);
    EXPECT_EQ(set(fs, file, "user.huge", std::string(5000, 'h')).error(), Error::NoSpace);
    EXPECT_EQ(get(fs, file, "user.huge"), base::error_name(Error::NotFound)) << "what failed left nothing";
    fs.unmount();
  }
  EXPECT_EQ(image.check(), "");
  EXPECT_NE(image.debugfs("ea_get /file user.small").find("in the inode"), std::string::npos);
  {
    Mounted fs(image);
    const auto file = must(fs->lookup(fs.root(), "file")).file;
    EXPECT_EQ(get(fs, file, "user.small"), "in the inode");
    EXPECT_EQ(get(fs, file, "user.large"), std::string(700, 'b'));
    EXPECT_EQ(get(fs, file, "user.empty"), "");
    EXPECT_EQ(set(fs, file, "user.empty", "", XattrMode::Create).error(), Error::Exists);
    must(fs->remove_xattr(file, "user.large", fs.request));
    // libext2fs keeps the block with the file, empty or not.
    EXPECT_EQ(fs->remove_xattr(file, "user.large", fs.request).error(), Error::NotFound);
    must(set(fs, file, "user.large", std::string(800, 'c')));
    must(fs->unlink(fs.root(), "file", fs.request));
    EXPECT_EQ(must(fs->statistics()).blocks_free, free_blocks) << "the block goes with the file";
    fs.unmount();
  }
  EXPECT_EQ(image.check(), "");
}

TEST(XattrCrash, WhatWasSyncedIsInTheJournal) {
  Image image(32);
  {
    Mounted fs(image);
    const auto file = fs.make(fs.root(), "file");
    must(set(fs, file, "user.small", "kept"));
    must(set(fs, file, "user.large", std::string(700, 'b')));
    must(fs->sync(file, storage::SyncScope::Everything));
    must(set(fs, file, "user.large", std::string(600, 'x')));
    // No unmount: the component dies here.
  }
  Mounted fs(image);
  const auto file = must(fs->lookup(fs.root(), "file")).file;
  EXPECT_EQ(get(fs, file, "user.small"), "kept");
  EXPECT_EQ(get(fs, file, "user.large"), std::string(700, 'b'));
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

}  // namespace
}  // namespace ext4::testing
