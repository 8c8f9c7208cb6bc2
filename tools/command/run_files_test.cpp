// SPDX-License-Identifier: Apache-2.0
// Disks of each kind of --root, the key, kept logs and the counters' file.
#include "tools/command/run_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tools/rootfs/ext4_image.h"
#include "tools/rootfs/make_image.h"
#include "tools/support/child.h"
#include "tools/support/failure.h"

namespace command {
namespace {

namespace fs = std::filesystem;

class RunFiles : public testing::Test {
 protected:
  RunFiles() {
    char name[] = "/tmp/run_files_test.XXXXXX";
    folder_ = mkdtemp(name);
    fs::create_directory(folder_ / "run");
    std::ofstream(folder_ / "input") << "words";
    options_.files = {{folder_ / "input", "/words.txt"}};
    options_.copy_out = {{"/words.txt", folder_ / "output"}};
  }
  ~RunFiles() override { fs::remove_all(folder_); }
  Disks prepare() { return prepare_disks(options_, folder_ / "run", folder_ / "cache"); }
  std::string read(const fs::path& path) const {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  void expect_clean(const fs::path& image) {
    const auto checked = support::run_captured({"e2fsck", "-fn", image});
    EXPECT_EQ(checked.status, 0) << checked.output;
  }
  fs::path folder_;
  RunOptions options_;
};

TEST_F(RunFiles, TheMinimalRootIsACopyWithTheUsersFiles) {
  options_.rack.storages = 2;
  const Disks disks = prepare();
  ASSERT_EQ(disks.paths.size(), 2u);
  EXPECT_EQ(disks.root_use, rack::DiskUse::Copy);
  copy_out(options_, disks.paths[0]);
  EXPECT_EQ(read(folder_ / "output"), "words");
  expect_clean(disks.paths[0]);
  expect_clean(disks.paths[1]);
  // The cached image is as it was.
  options_.files.clear();
  const fs::path cached = rootfs::default_image(folder_ / "cache");
  EXPECT_THROW(copy_out(options_, cached), support::Failure);
}

TEST_F(RunFiles, WhatIsCopiedOutIsKeptOnTheDisk) {
  EXPECT_EQ(kept_on_disk(options_), 0u);
  const auto kept = [&](const char* guest) {
    options_.copy_out = {{guest, folder_ / "output"}};
    return kept_on_disk(options_);
  };
  EXPECT_EQ(kept("/tmp/deep/file"), 1u);
  EXPECT_EQ(kept("/var/../tmp"), 1u);
  EXPECT_EQ(kept("/run/"), 2u);
  EXPECT_EQ(kept("/"), 3u);
  EXPECT_EQ(kept("/tmpfile"), 0u);
}

TEST_F(RunFiles, ChangesPersistInAnImageUnlessItSaysOtherwise) {
  fs::create_directories(folder_ / "root/etc");
  const auto kept_in_image = [&](const char* fstab) {
    std::ofstream(folder_ / "root/etc/fstab") << fstab;
    options_.root = folder_ / "image";
    rootfs::make_image(folder_ / "root", options_.root, 1 << 20);
    return kept_on_disk(options_);
  };
  EXPECT_EQ(kept_in_image("# none /tmp tmpfs\nproc /proc proc defaults 0 0\n"), 3u);
  EXPECT_EQ(kept_in_image("tmpfs  /tmp  tmpfs  defaults  0 0\n"), 2u);
  options_.root = folder_ / "root";
  EXPECT_EQ(kept_on_disk(options_), 0u);
}

TEST_F(RunFiles, LargeFilesMakeTheRootLarger) {
  const fs::path large = folder_ / "large";
  std::ofstream(large) << "x";
  fs::resize_file(large, 300 << 20);  // sparse
  const std::uint64_t usual = fs::file_size(rootfs::default_image(folder_ / "cache"));
  options_.files = {{large, "/large"}};
  const Disks disks = prepare();
  EXPECT_GE(fs::file_size(disks.paths[0]), usual + (300 << 20));
  expect_clean(disks.paths[0]);
}

TEST_F(RunFiles, AFolderIsCopied) {
  fs::create_directories(folder_ / "root/etc");
  options_.root = folder_ / "root";
  const Disks disks = prepare();
  EXPECT_EQ(disks.root_use, rack::DiskUse::Copy);
  copy_out(options_, disks.paths[0]);
  EXPECT_EQ(read(folder_ / "output"), "words");
}

TEST_F(RunFiles, AnImageIsUsedItselfAndByOneRackOnly) {
  const fs::path image = folder_ / "image";
  fs::create_directories(folder_ / "root/etc");
  rootfs::make_image(folder_ / "root", image, 32 << 20);
  options_.root = image;
  {
    const Disks disks = prepare();
    EXPECT_EQ(disks.paths[0], image);
    EXPECT_EQ(disks.root_use, rack::DiskUse::Own);
    EXPECT_THROW(prepare(), support::Failure);
  }
  const Disks again = prepare();
  expect_clean(image);
}

TEST_F(RunFiles, WhatIsNoRootIsSaid) {
  options_.root = folder_ / "input";
  EXPECT_THROW(prepare(), support::Failure);
  options_.root = folder_ / "missing";
  EXPECT_THROW(prepare(), support::Failure);
  options_.root.clear();
  options_.files = {{folder_ / "missing", "/x"}};
  EXPECT_THROW(prepare(), support::Failure);
}

TEST_F(RunFiles, KeysArePrivateAndDiffer) {
  write_rack_key(folder_ / "a");
  write_rack_key(folder_ / "b");
  EXPECT_EQ(read(folder_ / "a").size(), 64u);
  EXPECT_NE(read(folder_ / "a"), read(folder_ / "b"));
  EXPECT_EQ(fs::status(folder_ / "a").permissions(), fs::perms(0600));
  EXPECT_THROW(write_rack_key(folder_ / "a"), support::Failure);
}

TEST_F(RunFiles, LogsOfTheLastFailuresAreKept) {
  fs::create_directory(folder_ / "logs");
  std::ofstream(folder_ / "logs/p0.log") << "panic";
  const fs::path kept = folder_ / "kept";
  for (int i = 0; i < 15; ++i)
    fs::create_directories(kept / ("00000000000" + std::to_string(i % 10) + "-" + std::to_string(i)));
  const fs::path newest = keep_logs(folder_ / "logs", kept);
  EXPECT_EQ(read(newest / "p0.log"), "panic");
  EXPECT_EQ(std::distance(fs::directory_iterator(kept), fs::directory_iterator()), 10);
}

TEST_F(RunFiles, CountersBecomeOneDocument) {
  RunOutcome outcome;
  outcome.status = 3;
  outcome.program = console::ProgramEnd{.code = 3, .why = {}, .wall_ns = 5, .user_ns = 6, .system_ns = 7};
  outcome.stats = {{"p0", R"({"excache":{"faults":9}})"}, {"gmm", "{}"}};
  write_stats(folder_ / "stats", outcome);
  const auto document = nlohmann::json::parse(read(folder_ / "stats"));
  EXPECT_EQ(document["components"]["p0"]["excache"]["faults"], 9);
  EXPECT_TRUE(document["components"].contains("gmm"));
  EXPECT_EQ(document["program"]["status"], 3);
  EXPECT_EQ(document["program"]["system_ns"], 7);
  outcome.stats["p0"] = "{cut";
  EXPECT_THROW(write_stats(folder_ / "stats", outcome), support::Failure);
  EXPECT_THROW(check_writable("/nonexistent/x"), support::Failure);
}

}  // namespace
}  // namespace command
