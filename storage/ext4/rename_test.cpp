// SPDX-License-Identifier: Apache-2.0
// Every kind of file over every kind of file, in all three modes, within a directory and between two.
#include <gtest/gtest.h>

#include "storage/ext4/testing/mounted.h"

namespace ext4::testing {
namespace {

using base::Error;
using storage::RenameMode;

enum class What { Nothing, File, Link, Directory, FullDirectory };
constexpr What all[] = {What::Nothing, What::File, What::Link, What::Directory, What::FullDirectory};

bool is_directory(What what) { return what == What::Directory || what == What::FullDirectory; }

void put(Mounted& fs, base::FileId parent, const std::string& name, What what) {
  switch (what) {
    case What::Nothing:
      return;
    case What::File:
      fs.write(fs.make(parent, name), 0, name);
      return;
    case What::Link:
      must(fs->create(parent, name, {.mode = storage::mode::symlink | 0777, .target = "there"}, fs.request));
      return;
    case What::Directory:
      fs.make_directory(parent, name);
      return;
    case What::FullDirectory:
      fs.make(fs.make_directory(parent, name), "inside");
      return;
  }
}

Error expected(What from, What to, RenameMode mode) {
  if (from == What::Nothing) return Error::NotFound;
  if (mode == RenameMode::NoReplace) return to == What::Nothing ? Error::None : Error::Exists;
  if (mode == RenameMode::Exchange) return to == What::Nothing ? Error::NotFound : Error::None;
  if (to == What::Nothing) return Error::None;
  if (is_directory(from) && !is_directory(to)) return Error::NotDirectory;
  if (!is_directory(from) && is_directory(to)) return Error::IsDirectory;
  return to == What::FullDirectory ? Error::NotEmpty : Error::None;
}

TEST(Rename, EveryKindOverEveryKind) {
  Image image(16);
  Mounted fs(image);
  const auto a = fs.make_directory(fs.root(), "a"), b = fs.make_directory(fs.root(), "b");
  int number = 0;
  for (const What from : all)
    for (const What to : all)
      for (const RenameMode mode : {RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange})
        for (const auto target : {a, b}) {
          const std::string old_name = "from" + std::to_string(number), new_name = "to" + std::to_string(number);
          ++number;
          put(fs, a, old_name, from);
          put(fs, target, new_name, to);
          const auto before = fs->lookup(a, old_name), over = fs->lookup(target, new_name);
          const Error error = error_of(fs->rename(a, old_name, target, new_name, mode, fs.request));
          ASSERT_EQ(error, expected(from, to, mode))
              << static_cast<int>(from) << " over " << static_cast<int>(to) << " mode " << static_cast<int>(mode);
          const auto left = fs->lookup(a, old_name), now = fs->lookup(target, new_name);
          if (error != Error::None) {
            EXPECT_EQ(error_of(left), error_of(before));
            EXPECT_EQ(error_of(now), error_of(over));
            continue;
          }
          EXPECT_EQ(now->file, before->file);
          if (mode == RenameMode::Exchange) {
            EXPECT_EQ(left->file, over->file);
          } else {
            EXPECT_EQ(error_of(left), Error::NotFound);
          }
          if (is_directory(from)) {
            EXPECT_EQ(must(fs->lookup(now->file, "..")).file, target);
          }
        }
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Rename, NoDirectoryIntoItself) {
  Image image(16);
  Mounted fs(image);
  const auto a = fs.make_directory(fs.root(), "a"), b = fs.make_directory(a, "b"), c = fs.make_directory(b, "c");
  for (const RenameMode mode : {RenameMode::Replace, RenameMode::NoReplace}) {
    EXPECT_EQ(error_of(fs->rename(fs.root(), "a", a, "x", mode, fs.request)), Error::InvalidArgument);
    EXPECT_EQ(error_of(fs->rename(fs.root(), "a", c, "x", mode, fs.request)), Error::InvalidArgument);
  }
  EXPECT_EQ(error_of(fs->rename(b, "c", fs.root(), "a", RenameMode::Replace, fs.request)), Error::NotEmpty);
  EXPECT_EQ(error_of(fs->rename(b, "c", fs.root(), "a", RenameMode::Exchange, fs.request)), Error::InvalidArgument);
  EXPECT_EQ(error_of(fs->rename(fs.root(), "a", b, "c", RenameMode::Exchange, fs.request)), Error::InvalidArgument);
  EXPECT_EQ(error_of(fs->rename(a, ".", b, "x", RenameMode::Replace, fs.request)), Error::Busy);
  EXPECT_EQ(error_of(fs->rename(a, "b", b, "..", RenameMode::Replace, fs.request)), Error::Busy);
  must(fs->rename(a, "b", a, "b", RenameMode::Replace, fs.request));
  EXPECT_EQ(error_of(fs->rename(a, "b", a, "b", RenameMode::NoReplace, fs.request)), Error::Exists);
  must(fs->rename(b, "c", fs.root(), "c", RenameMode::Replace, fs.request));
  must(fs->rename(fs.root(), "a", c, "a", RenameMode::Replace, fs.request));
  EXPECT_EQ(must(fs->attributes(fs.root())).links, 4u);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

TEST(Rename, TwoNamesOfOneFileStay) {
  Image image(16);
  Mounted fs(image);
  const auto file = fs.make(fs.root(), "one");
  must(fs->link(file, fs.root(), "two", fs.request));
  EXPECT_FALSE(must(fs->rename(fs.root(), "one", fs.root(), "two", RenameMode::Replace, fs.request)));
  EXPECT_EQ(must(fs->attributes(file)).links, 2u);
  EXPECT_EQ(fs.error_of_lookup(fs.root(), "one"), Error::None);
}

TEST(Rename, OverAHeldFile) {
  Image image(16);
  Mounted fs(image);
  const auto victim = fs.make(fs.root(), "victim");
  fs.write(victim, 0, "still here");
  must(fs->hold(victim));
  fs.make(fs.root(), "new");
  const auto replaced = must(fs->rename(fs.root(), "new", fs.root(), "victim", RenameMode::Replace, fs.request));
  EXPECT_TRUE(replaced && replaced->file == victim && replaced->links == 0);
  EXPECT_EQ(fs.read(victim), "still here");
  must(fs->release(victim, 1, fs.request));
  EXPECT_EQ(error_of(fs->attributes(victim)), Error::Stale);
  fs.unmount();
  EXPECT_EQ(image.check(), "");
}

}  // namespace
}  // namespace ext4::testing
