// SPDX-License-Identifier: Apache-2.0
// Images are judged by e2fsck and debugfs, not by the code that made them.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "kernel/base/random.h"
#include "tools/rootfs/ext4_image.h"
#include "tools/rootfs/make_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace rootfs {
namespace {

namespace fs = std::filesystem;

class RootFs : public testing::Test {
 protected:
  RootFs() {
    char name[] = "/tmp/rootfs_test.XXXXXX";
    folder_ = mkdtemp(name);
    image_ = folder_ / "image";
    umask(022);
  }
  ~RootFs() override { fs::remove_all(folder_); }

  void write(const fs::path& path, const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
  std::string read(const fs::path& path) const {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void expect_clean() const {
    const auto checked = support::run_captured({"e2fsck", "-fn", image_});
    EXPECT_EQ(checked.status, 0) << checked.output;
  }
  std::string debugfs(const std::string& request) const {
    return support::run_captured({"debugfs", "-R", request, image_}).output;
  }
  void make_small() {
    fs::create_directories(folder_ / "small/etc");
    write(folder_ / "small/etc/motd", "hello\n");
    make_image(folder_ / "small", image_, 64 << 20);
  }

  fs::path folder_;
  fs::path image_;
};

TEST_F(RootFs, AFolderBecomesAnImageOwnedByRoot) {
  const fs::path root = folder_ / "root";
  fs::create_directories(root / "a/b");
  write(root / "a/b/file", "content");
  fs::create_symlink("b/file", root / "a/link");
  if (geteuid() == 0) {
    ASSERT_EQ(chown((root / "a/b/file").c_str(), 1000, 70000), 0);
    ASSERT_EQ(chown((root / "a").c_str(), 65536, 5), 0);
  }
  chmod((root / "a/b/file").c_str(), 04711);
  make_image(root, image_, 32 << 20);
  expect_clean();
  const std::string file = debugfs("stat /a/b/file");
  EXPECT_NE(file.find("User:     0   Group:     0"), file.npos) << file;
  EXPECT_NE(file.find("Mode:  04711"), file.npos) << file;
  EXPECT_NE(debugfs("stat /a").find("User:     0   Group:     0"), std::string::npos);
  EXPECT_NE(debugfs("stat /a/link").find("b/file"), std::string::npos);
  EXPECT_LT(fs::file_size(image_), 200u << 20);
  struct stat status;
  ASSERT_EQ(stat(image_.c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 20 << 20) << "the image is not sparse";
}

TEST_F(RootFs, TheDefaultRootHasBusyboxAndIsMadeOnce) {
  const fs::path made = default_image(folder_ / "cache");
  struct stat first;
  ASSERT_EQ(stat(made.c_str(), &first), 0);
  EXPECT_EQ(default_image(folder_ / "cache"), made);
  struct stat second;
  ASSERT_EQ(stat(made.c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ / "cache"), fs::directory_iterator()), 1);
  copy_sparse(made, image_);
  expect_clean();
  EXPECT_NE(debugfs("stat /bin/sh").find("Mode:  0755"), std::string::npos);
  EXPECT_NE(debugfs("stat /usr/bin/sort").find("Type: regular"), std::string::npos);
  EXPECT_NE(debugfs("stat /tmp").find("Mode:  01777"), std::string::npos);
  EXPECT_NE(debugfs("cat /etc/passwd").find("root:x:0:0:"), std::string::npos);
  struct stat copy;
  ASSERT_EQ(stat(image_.c_str(), &copy), 0);
  EXPECT_EQ(copy.st_size, first.st_size);
  EXPECT_LE(copy.st_blocks, first.st_blocks + 64);
}

TEST_F(RootFs, PlacedFilesKeepContentAndMode) {
  make_small();
  base::Random random(8);
  std::string big(5'000'001, 0);
  for (char& byte : big) byte = static_cast<char>(random.next());
  write(folder_ / "big", big);
  write(folder_ / "empty", "");
  chmod((folder_ / "big").c_str(), 0751);
  {
    Ext4Image image(image_, Ext4Image::Access::Write);
    image.place_file(folder_ / "big", "/new/deep er/\"quoted\" name");
    image.place_file(folder_ / "empty", "/etc");       // a folder: under its own name
    image.place_file(folder_ / "big", "/etc/motd");    // replaces
    image.place_file(folder_ / "empty", "/etc/motd");  // and again
    image.close();
  }
  expect_clean();
  Ext4Image image(image_, Ext4Image::Access::Read);
  image.copy_out("/new/deep er/\"quoted\" name", folder_ / "out");
  EXPECT_EQ(read(folder_ / "out"), big);
  EXPECT_EQ(fs::status(folder_ / "out").permissions(), fs::perms(0751));
  image.copy_out("/etc/motd", folder_ / "out");
  EXPECT_EQ(read(folder_ / "out"), "");
  EXPECT_NE(debugfs("stat /etc/empty").find("Type: regular"), std::string::npos);
}

TEST_F(RootFs, ManyFilesInOneFolder) {
  make_small();
  write(folder_ / "file", "x");
  Ext4Image image(image_, Ext4Image::Access::Write);
  for (int i = 0; i < 600; ++i)
    image.place_file(folder_ / "file", "/many/with a rather long name " + std::to_string(i));
  image.close();
  expect_clean();
  EXPECT_NE(debugfs("stat \"/many/with a rather long name 599\"").find("Type: regular"), std::string::npos);
}

TEST_F(RootFs, WhatCannotBePlacedIsSaid) {
  make_small();
  write(folder_ / "file", "x");
  Ext4Image image(image_, Ext4Image::Access::Write);
  EXPECT_THROW(image.place_file(folder_ / "missing", "/x"), support::Failure);
  EXPECT_THROW(image.place_file(folder_, "/x"), support::Failure);
  EXPECT_THROW(image.place_file(folder_ / "file", "relative"), support::Failure);
  EXPECT_THROW(image.place_file(folder_ / "file", ""), support::Failure);
  EXPECT_THROW(image.place_file(folder_ / "file", "/etc/motd/x"), support::Failure);
  EXPECT_THROW(image.place_file(folder_ / "file", "/" + std::string(300, 'n')), support::Failure);
  EXPECT_THROW(image.copy_out("/missing", folder_ / "out"), support::Failure);
}

TEST_F(RootFs, AFullImageIsSaid) {
  make_small();
  {
    std::ofstream file(folder_ / "huge", std::ios::binary);
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 200; ++i) file << piece;
  }
  Ext4Image image(image_, Ext4Image::Access::Write);
  EXPECT_THROW(image.place_file(folder_ / "huge", "/huge"), support::Failure);
}

TEST_F(RootFs, FoldersComeOutWhole) {
  const fs::path root = folder_ / "root";
  fs::create_directories(root / "d/sub");
  write(root / "d/one", "1");
  write(root / "d/sub/two", std::string(100000, '2'));
  fs::create_symlink("/etc/passwd", root / "d/link");
  fs::create_symlink(std::string(200, 'l'), root / "d/long");
  chmod((root / "d/sub").c_str(), 0711);
  ASSERT_EQ(mkfifo((root / "d/fifo").c_str(), 0644), 0);
  const int sparse = open((root / "d/sparse").c_str(), O_WRONLY | O_CREAT, 0644);
  ASSERT_EQ(pwrite(sparse, "end", 3, 20 << 20), 3);
  close(sparse);
  make_image(root, image_, 64 << 20);
  Ext4Image image(image_, Ext4Image::Access::Read);
  EXPECT_EQ(image.copy_out("/d", folder_ / "out"), 0u);
  EXPECT_EQ(read(folder_ / "out/one"), "1");
  EXPECT_EQ(read(folder_ / "out/sub/two"), std::string(100000, '2'));
  EXPECT_EQ(fs::read_symlink(folder_ / "out/link"), "/etc/passwd");
  EXPECT_EQ(fs::read_symlink(folder_ / "out/long"), std::string(200, 'l'));
  EXPECT_EQ(fs::status(folder_ / "out/sub").permissions(), fs::perms(0711));
  EXPECT_TRUE(fs::is_fifo(folder_ / "out/fifo"));
  EXPECT_EQ(fs::file_size(folder_ / "out/sparse"), (20u << 20) + 3);
  struct stat status;
  ASSERT_EQ(stat((folder_ / "out/sparse").c_str(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
  // Into a folder that is there: under its own name; twice is refused rather than mixed.
  fs::create_directory(folder_ / "there");
  image.copy_out("/d/", folder_ / "there");
  EXPECT_EQ(read(folder_ / "there/d/one"), "1");
  EXPECT_THROW(image.copy_out("/d", folder_ / "there"), support::Failure);
}

TEST_F(RootFs, OtherFilesAreNoImages) {
  write(image_, std::string(100000, 'x'));
  EXPECT_THROW(Ext4Image(image_, Ext4Image::Access::Read), support::Failure);
  EXPECT_THROW(Ext4Image("/nonexistent", Ext4Image::Access::Read), support::Failure);
}

// Damaged images: an error or garbage in the copy, never a crash (the sanitizers watch).
TEST_F(RootFs, DamagedImagesDoNoHarm) {
  fs::create_directories(folder_ / "root/d/e");
  for (int i = 0; i < 50; ++i) write(folder_ / "root/d" / std::to_string(i), std::string(9000, 'd'));
  make_image(folder_ / "root", folder_ / "good", 16 << 20);
  const std::string good = read(folder_ / "good");
  std::vector<off_t> used;  // what is zero everywhere is never read
  for (std::size_t at = 1024; at < good.size(); ++at) {
    if (good[at] != 0) used.push_back(static_cast<off_t>(at));
  }
  base::Random random(17);
  unsigned failures = 0;
  for (int round = 0; round < 60; ++round) {
    copy_sparse(folder_ / "good", image_);
    const int fd = open(image_.c_str(), O_WRONLY);
    for (int i = 0; i < 100; ++i) {
      const char byte = static_cast<char>(random.next());
      ASSERT_EQ(pwrite(fd, &byte, 1, used[random.below(round % 2 == 0 ? used.size() : used.size() / 10)]), 1);
    }
    close(fd);
    try {
      Ext4Image image(image_, Ext4Image::Access::Read);
      image.copy_out("/d", folder_ / ("out" + std::to_string(round)));
    } catch (const support::Failure&) {
      ++failures;
    }
  }
  EXPECT_GT(failures, 5u);
}

}  // namespace
}  // namespace rootfs
