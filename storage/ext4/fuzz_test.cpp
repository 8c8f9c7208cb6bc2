// SPDX-License-Identifier: Apache-2.0
// Damaged images: bits flipped by a seed, mostly in metadata, in images without checksums (where damage goes deep) and
// with them. Whatever the file system answers, it must answer, and with sanitizers silent. A failing seed is named.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

#include "kernel/base/log.h"
#include "storage/ext4/testing/mounted.h"
#include "storage/memory_store.h"

namespace ext4::testing {
namespace {

// Something of everything: directories with and without a hash tree, deep extent trees, links, attributes, devices.
void fill(const Image& image) {
  Mounted fs(image);
  const auto directory = fs.make_directory(fs.root(), "directory");
  for (int i = 0; i < 150; ++i) fs.make(directory, "a-file-with-a-long-name-" + std::to_string(i));
  const auto scattered = fs.make(fs.root(), "scattered");
  for (std::uint64_t i = 0; i < 400; ++i) fs.write(scattered, (i * 37 % 400) * 2048, "data");
  const auto plain = fs.make(fs.root(), "plain");
  fs.write(plain, 0, std::string(100'000, 'p'));
  must(fs->reserve(plain, 200'000, 100'000, fs.request));
  const std::string value(700, 'v');
  for (const char* name : {"user.a", "user.b", "trusted.c"})
    must(fs->set_xattr(plain, name, std::as_bytes(std::span(value.data(), name[0] == 't' ? 20u : 200u)),
                       storage::XattrMode::Set, fs.request));
  for (const std::size_t length : {10u, 500u})
    must(fs->create(fs.root(), "link" + std::to_string(length),
                    {.mode = storage::mode::symlink | 0777, .target = std::string_view(value).substr(0, length)},
                    fs.request));
  must(fs->create(fs.root(), "device", {.mode = storage::mode::block_device | 0600, .device = 0x801}, fs.request));
  fs.make_directory(fs.make_directory(directory, "deep"), "deeper");
  fs.unmount();
}

// Blocks in use that are no file's data, as far as looking tells: metadata is rarely a single repeated byte.
std::vector<std::size_t> interesting_blocks(const std::vector<std::byte>& bytes, std::size_t block_bytes) {
  std::vector<std::size_t> blocks;
  for (std::size_t at = 0; at + block_bytes <= bytes.size(); at += block_bytes) {
    const auto* data = bytes.data() + at;
    if (std::memcmp(data, data + 1, block_bytes - 1) != 0) blocks.push_back(at);
  }
  return blocks;
}

void damage(base::Array<std::byte>& bytes, const std::vector<std::size_t>& blocks, std::size_t block_bytes,
            base::Random& random) {
  const std::uint64_t flips = 1 + random.below(12);
  for (std::uint64_t i = 0; i < flips; ++i) {
    const std::size_t block = blocks[random.below(blocks.size())];
    std::size_t offset = 0;
    for (int attempt = 0; attempt < 20; ++attempt) {  // where something is, most of the time
      offset = block + random.below(block_bytes);
      if (bytes[offset] != std::byte{0}) break;
    }
    switch (random.below(3)) {
      case 0:
        bytes[offset] ^= std::byte{1} << static_cast<int>(random.below(8));
        break;
      case 1:
        bytes[offset] = static_cast<std::byte>(random.next());
        break;
      default:
        bytes[offset] = random.chance(500'000) ? std::byte{0xff} : std::byte{0};
        break;
    }
  }
}

class Explorer {
 public:
  Explorer(FileSystem& system, base::Random& random) : fs_(system), random_(random) {}

  void look(base::FileId id, int depth) {
    const auto attributes = fs_.attributes(id);
    if (!attributes || ++looked_ > 400) return;
    found_.push_back(id);
    std::vector<char> text(storage::max_link_target_bytes);
    std::vector<std::byte> data(70'000);
    (void)fs_.read_link(id, text);
    (void)fs_.list_xattrs(id, text);
    (void)fs_.get_xattr(id, "user.b", data);
    (void)fs_.read(id, 0, data);
    (void)fs_.read(id, attributes->size - std::min<std::uint64_t>(attributes->size, 5'000), data);
    Names names;
    names.most = 300;
    (void)fs_.read_directory(id, 0, names);
    if (depth > 5) return;
    for (const std::string& name : names.names)
      if (const auto child = fs_.lookup(id, name); child && name != "." && name != "..") look(child->file, depth + 1);
  }

  void change() {
    for (int i = 0; i < 120; ++i) change_once(any(), any());
  }

 private:
  base::FileId any() { return found_.empty() ? fs_.root() : found_[random_.below(found_.size())]; }

  void change_once(base::FileId a, base::FileId b) {
    const storage::Request request{.now = test_time};
    const std::string name = "n" + std::to_string(random_.below(20));
    const std::string old_name = "a-file-with-a-long-name-" + std::to_string(random_.below(150));
    const std::vector<std::byte> data(100 + random_.below(20'000), std::byte{'w'});
    switch (random_.below(12)) {
      case 0:
        (void)fs_.create(a, name, {.mode = storage::mode::regular | 0644}, request);
        break;
      case 1:
        (void)fs_.create(a, name, {.mode = storage::mode::directory | 0755}, request);
        break;
      case 2:
        (void)fs_.unlink(a, old_name, request);
        break;
      case 3:
        (void)fs_.remove_directory(a, name, request);
        break;
      case 4:
        (void)fs_.rename(a, old_name, b, name, static_cast<storage::RenameMode>(random_.below(3)), request);
        break;
      case 5:
        (void)fs_.write(a, random_.below(1'000'000), data, request);
        break;
      case 6:
        (void)fs_.set_attributes(a, {.set_size = true, .size = random_.below(500'000)}, request);
        break;
      case 7:
        (void)fs_.link(a, b, name, request);
        break;
      case 8:
        (void)fs_.set_xattr(a, "user.new", std::span(data).first(100), storage::XattrMode::Set, request);
        break;
      case 9:
        (void)fs_.remove_xattr(a, "user.b", request);
        break;
      case 10:
        (void)fs_.reserve(a, random_.below(500'000), 50'000, request);
        break;
      default:
        if (fs_.hold(a)) (void)fs_.release(a, 1, request);
        break;
    }
  }

  FileSystem& fs_;
  base::Random& random_;
  std::vector<base::FileId> found_;
  int looked_ = 0;
};

class DamagedImages : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, DamagedImages,
                         ::testing::Values("-b 1024 -O ^metadata_csum,^has_journal", "-b 1024 -O ^has_journal",
                                           "-t ext2 -b 1024", "-b 4096 -O ^metadata_csum,^has_journal"));

// Mounts what a seed has damaged, looks at all of it and changes it. Returns how many could be mounted.
template <typename Damage>
std::uint64_t mount_damaged(std::uint64_t& rounds, const Damage& damage) {
  const char* wanted = std::getenv("LEGO_SEED");
  const std::uint64_t first = wanted != nullptr ? std::strtoull(wanted, nullptr, 0) : 1;
  if (const char* count = std::getenv("LEGO_ROUNDS")) rounds = std::strtoull(count, nullptr, 0);
  std::uint64_t mounted = 0;
  for (std::uint64_t seed = first; seed < first + rounds; ++seed) {
    SCOPED_TRACE("LEGO_SEED=" + std::to_string(seed));
    base::Random random(seed);
    storage::MemoryStore store;
    damage(store.bytes(), random);
    auto system = FileSystem::mount(store, {.cache_blocks = 64, .first_generation = 77}, test_time);
    if (!system) continue;
    ++mounted;
    Explorer explorer(**system, random);
    explorer.look((*system)->root(), 0);
    explorer.change();
    explorer.look((*system)->root(), 0);
    (void)(*system)->unmount();
  }
  return mounted;
}

TEST_P(DamagedImages, AreAnsweredWithErrors) {
  base::set_log_level(base::LogLevel::Error);
  Image image(4, GetParam());
  fill(image);
  const bool large_blocks = std::string_view(GetParam()).find("4096") != std::string_view::npos;
  const std::size_t block_bytes = large_blocks ? 4096 : 1024;
  if (!large_blocks) run_command("e2fsck -fyD " + image.path() + " 2>&1");  // gives the large directory a hash tree
  const auto intact = image.bytes();
  const auto blocks = interesting_blocks(intact, block_bytes);
  std::uint64_t rounds = 40;
  const std::uint64_t mounted = mount_damaged(rounds, [&](base::Array<std::byte>& bytes, base::Random& random) {
    must(bytes.append(intact));
    damage(bytes, blocks, block_bytes, random);
  });
  EXPECT_GT(mounted, rounds / 10);
}

class DamagedJournals : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Shapes, DamagedJournals,
                         ::testing::Values("-b 1024 -O ^metadata_csum", "-b 1024 -O ^metadata_csum,^64bit", "-b 1024",
                                           "-t ext3 -b 1024"));

// A journal that has to be replayed, damaged where something is in it: its superblock, descriptors, revocations, what
// is logged. Without checksums much of that is believed.
TEST_P(DamagedJournals, AreAnsweredWithErrors) {
  base::set_log_level(base::LogLevel::Error);
  constexpr std::size_t block_bytes = 1024;
  Image image(6, GetParam());
  fill(image);
  {
    Mounted fs(image);  // and never unmounted
    for (int i = 0; i < 30; ++i) {
      const std::string name = "new" + std::to_string(i);
      fs.write(fs.make(fs.make_directory(fs.root(), name), "file"), 0, std::string(3'000, 'n'));
      if (i % 3 == 2) must(fs->unlink(must(fs->lookup(fs.root(), name)).file, "file", fs.request));
      if (i % 3 == 2) must(fs->remove_directory(fs.root(), name, fs.request));
      must(fs->sync({}, storage::SyncScope::Everything));
    }
  }
  const auto intact = image.bytes();
  std::vector<std::size_t> own, all;  // blocks that begin as the journal's own do; those and what is between them
  for (std::size_t at = 0; at < intact.size(); at += block_bytes)
    if (std::memcmp(intact.data() + at, "\xc0\x3b\x39\x98", 4) == 0) own.push_back(at);
  ASSERT_GT(own.size(), 30u);
  for (std::size_t at = own.front(); at <= own.back(); at += block_bytes) all.push_back(at);
  std::uint64_t rounds = 40;
  const std::uint64_t mounted = mount_damaged(rounds, [&](base::Array<std::byte>& bytes, base::Random& random) {
    must(bytes.append(intact));
    damage(bytes, random.chance(700'000) ? own : all, block_bytes, random);
  });
  EXPECT_GT(mounted, rounds / 10);
  EXPECT_LT(mounted, rounds);
}

}  // namespace
}  // namespace ext4::testing
