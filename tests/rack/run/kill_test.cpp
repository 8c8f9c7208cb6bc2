// SPDX-License-Identifier: Apache-2.0
// A program writes and syncs files while one of its rack's processes is killed, or lego itself: what it said was synced
// is on the image after a replay of the journal, and nothing else is wrong with that. Each run but the first mounts
// what the last one left. LEGO_KILLS: how many; LEGO_SEED: whom and when.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <regex>
#include <sstream>

#include "tests/rack/programs/syncing.h"
#include "tests/rack/run/rack_run.h"

namespace {

namespace fs = std::filesystem;
using harness::Ended;
using harness::RackRun;

unsigned from_environment(const char* name, unsigned otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? static_cast<unsigned>(std::strtoul(value, nullptr, 0)) : otherwise;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

// A folder of the host with an image for a root.
class Root {
 public:
  Root() {
    std::string name = "/tmp/lego_kill_test.XXXXXX";
    folder_ = mkdtemp(name.data());
    fs::create_directories(folder_ / "root/bin");
    for (const char* empty : {"tmp", "proc", "dev", "etc"}) fs::create_directory(folder_ / "root" / empty);
    fs::copy_file("/bin/busybox", folder_ / "root/bin/busybox");
    fs::copy_file(std::string(GUEST_PROGRAMS) + "/syncing", folder_ / "root/bin/syncing");
    const Ended made = harness::run_here({"mke2fs", "-q", "-t", "ext4", "-d", folder_ / "root", image(), "64M"});
    if (made.status != 0) throw std::runtime_error(made.error);
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { fs::remove_all(folder_); }

  fs::path image() const { return folder_ / "root.ext4"; }
  // The files of a replayed copy, with which nothing but the replay has been to do.
  fs::path replayed() const {
    const fs::path copy = folder_ / "copy.ext4", files = folder_ / "files";
    fs::copy_file(image(), copy, fs::copy_options::overwrite_existing);
    const Ended replay = harness::run_here({"e2fsck", "-fy", "-E", "no_optimize_extents", copy});
    EXPECT_LE(replay.status, 1) << replay.out;
    EXPECT_FALSE(std::regex_search(replay.out, std::regex("\\? yes|FIXED|[Ii]nvalid|[Cc]orrupt|UNEXPECTED")))
        << replay.out;
    const Ended check = harness::run_here({"e2fsck", "-fn", copy});
    EXPECT_EQ(check.status, 0) << check.out;
    fs::remove_all(files);
    fs::create_directory(files);
    harness::run_here({"debugfs", "-R", "rdump / " + files.string(), copy});
    return files;
  }

 private:
  fs::path folder_;
};

// The last step that a program's output says was synced.
int last_synced(const std::string& output) {
  const std::size_t at = output.rfind("synced ");
  return at == std::string::npos ? 0 : std::atoi(output.c_str() + at + 7);
}

// More may be there than was acknowledged, but only of the steps that come after.
void expect_synced(const fs::path& folder, int step) {
  if (step == 0) return;
  std::string records;
  for (int i = 1; i <= step; ++i) records += "record " + std::to_string(i) + "\n";
  EXPECT_TRUE(read_file(folder / "log").starts_with(records)) << folder;
  const std::string current = read_file(folder / "current");
  const int there = current.starts_with("step ") ? std::atoi(current.c_str() + 5) : 0;
  EXPECT_GE(there, step) << folder;
  EXPECT_TRUE(current == content(there)) << folder;
  for (int i = 1; i <= step; ++i) {
    const fs::path file = folder / ("file" + std::to_string(i));
    if (i + 8 <= step) {
      EXPECT_FALSE(fs::exists(file)) << file;
    } else if (i + 8 > there) {
      EXPECT_TRUE(read_file(file) == content(i)) << file;
    }
    if (i % 4 != 0) continue;
    EXPECT_TRUE(fs::exists(folder / ("folder" + std::to_string(i)) / "empty")) << folder << i;
  }
}

TEST(Kills, LeaveWhatWasSynced) {
  const Root root;
  const unsigned kills = from_environment("LEGO_KILLS", 5), seed = from_environment("LEGO_SEED", 1);
  std::mt19937 random(seed);
  std::vector<int> synced;
  for (unsigned i = 0; i < kills; ++i) {
    const std::string victim = std::array{"s0", "p0", "m0", "lego"}[(seed + i) % 4];
    SCOPED_TRACE("LEGO_SEED=" + std::to_string(seed) + ", kill " + std::to_string(i) + " of " + victim);
    const std::string folder = "/run" + std::to_string(i);
    RackRun rack({"--root", root.image()}, {"/bin/syncing", folder});
    const std::string wanted = "synced " + std::to_string(1 + random() % 40) + "\n";
    ASSERT_TRUE(rack.wait_for(wanted)) << rack.wait(10).error;
    usleep(static_cast<unsigned>(random() % 100'000));
    kill(victim == "lego" ? rack.lego() : rack.process(victim), SIGKILL);
    const auto processes = rack.processes();
    const Ended ended = rack.wait(60);
    EXPECT_NE(ended.status, 0);
    for (const auto& [name, pid] : processes)
      while (harness::is_alive(pid)) usleep(10'000);  // a QEMU without its lego writes on until it is told
    synced.push_back(last_synced(ended.out));
    const fs::path files = root.replayed();
    for (std::size_t run = 0; run < synced.size(); ++run)
      expect_synced(files / ("run" + std::to_string(run)), synced[run]);
    if (testing::Test::HasFailure()) return;
  }
  // An orderly run leaves nothing to replay.
  RackRun rack({"--root", root.image()}, {"/bin/busybox", "sh", "-c", "echo x > /x; /bin/busybox sync"});
  const Ended ended = rack.wait(60);
  EXPECT_EQ(ended.status, 0) << ended.error;
  const auto journal = rack.stats().at("components").at("s0").at("journal");
  EXPECT_GE(journal.at("commits"), 1);
  EXPECT_GE(journal.at("blocks"), journal.at("commits"));
  EXPECT_GE(journal.at("checkpoints"), 1);
  const Ended check = harness::run_here({"e2fsck", "-fn", root.image()});
  EXPECT_EQ(check.status, 0) << check.out;
  EXPECT_EQ(check.out.find("ecovery"), std::string::npos) << check.out;
}

// As on Linux, what nobody synced goes to disk after half a minute, by way of the mComponent, which keeps it for a few
// seconds.
TEST(KillsLong, LeaveWhatWasWrittenAMinuteBefore) {
  const Root root;
  std::string text;
  for (unsigned i = 0; i < 40'000; ++i) text += std::to_string(i) + "\n";
  RackRun rack({"--root", root.image()},
               {"/bin/busybox", "sh", "-c", "busybox seq 0 39999 > /old; echo written; busybox sleep 1000"});
  ASSERT_TRUE(rack.wait_for("written\n")) << rack.wait(10).error;
  sleep(60);
  kill(rack.process("p0"), SIGKILL);
  EXPECT_NE(rack.wait(60).status, 0);
  EXPECT_TRUE(read_file(root.replayed() / "old") == text);
}

}  // namespace
