// SPDX-License-Identifier: Apache-2.0
// The tree of a file system in memory: Linux's rules one by one, then random changes held against a plain model.
#include "memory/tmpfs/tree.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace memory {
namespace {

using base::Error;
using messages::FileType;

constexpr std::uint64_t now = 1000;

class TreeTest : public testing::Test {
 protected:
  std::uint64_t root() const { return tree_->root().value(); }

  base::Result<std::uint64_t> make(std::uint64_t directory, const std::string& name, FileType type, bool held = false) {
    messages::FileCreateRequest request{};
    request.directory = directory;
    request.mode = static_cast<std::uint32_t>(type) | 0644;
    request.hold = held ? 1 : 0;
    const auto made = tree_->create_file(request, name, {}, now);
    if (!made) return base::fail(made.error());
    return made->file.get();
  }
  std::uint64_t make_unnamed(std::uint64_t in, messages::NewFileHold hold) {
    messages::FileCreateRequest request{};
    request.directory = in;
    request.mode = static_cast<std::uint32_t>(FileType::Regular) | 0600;
    request.hold = static_cast<std::uint32_t>(hold);
    const auto made = tree_->create_file(request, {}, {}, now);
    EXPECT_TRUE(made);
    return made ? made->file.get() : 0;
  }
  std::uint64_t directory(std::uint64_t in, const std::string& name) { return *make(in, name, FileType::Directory); }
  std::uint64_t file(std::uint64_t in, const std::string& name) { return *make(in, name, FileType::Regular); }

  Error rename(std::uint64_t from, const std::string& name, std::uint64_t to, const std::string& new_name,
               std::uint32_t flags = 0) {
    messages::FileRenameRequest request{};
    request.old_directory = from;
    request.new_directory = to;
    request.flags = flags;
    const auto done = tree_->rename(request, name, new_name, now);
    return done ? Error::None : done.error();
  }
  Error unlink(std::uint64_t in, const std::string& name, bool remove_directory = false) {
    const auto done = tree_->unlink(in, name, remove_directory, now);
    return done ? Error::None : done.error();
  }
  std::vector<std::string> list(std::uint64_t directory, std::size_t buffer_bytes = 64) {
    std::vector<std::string> names;
    std::vector<std::byte> buffer(buffer_bytes);
    for (std::uint64_t cookie = 0;;) {
      const auto read = tree_->read_directory(directory, cookie, buffer);
      if (!read) {
        ADD_FAILURE() << base::error_name(read.error());
        return names;
      }
      for (std::size_t at = 0; at < read->bytes;) {
        messages::DirectoryEntry entry;
        std::memcpy(static_cast<void*>(&entry), buffer.data() + at, sizeof entry);
        names.emplace_back(reinterpret_cast<const char*>(buffer.data() + at + sizeof entry), entry.name_bytes);
        cookie = entry.cookie;
        at += entry.entry_bytes;
      }
      if (read->end == 1) return names;
    }
  }
  std::uint32_t links(std::uint64_t id) { return tree_->attributes(id)->links; }

  base::Own<MemoryTree> tree_ = std::move(*MemoryTree::create(01777, 64, now));
};

TEST_F(TreeTest, ExtendedAttributes) {
  const std::uint64_t id = file(root(), "file");
  const auto set = [&](const std::string& name, const std::string& value,
                       messages::XattrChange change = messages::XattrChange::Set) {
    messages::FileSetXattrRequest request{};
    request.file = id;
    request.change = static_cast<std::uint32_t>(change);
    const auto done = tree_->set_xattr(request, name, std::as_bytes(std::span(value)), now);
    return done ? Error::None : done.error();
  };
  const auto all = [&] {
    std::string text;
    std::span<const std::byte> rest = *tree_->xattrs(id);
    while (const auto each = messages::take_xattr(rest))
      text += std::string(each->name) + "=" + std::to_string(each->value.size()) + " ";
    EXPECT_TRUE(rest.empty());
    return text;
  };
  using messages::XattrChange;
  EXPECT_EQ(all(), "");
  EXPECT_EQ(set("user.a", "one", XattrChange::Replace), Error::NotFound);
  EXPECT_EQ(set("user.a", "one", XattrChange::Create), Error::None);
  EXPECT_EQ(set("user.a", "one", XattrChange::Create), Error::Exists);
  EXPECT_EQ(set("user.b", ""), Error::None);
  EXPECT_EQ(all(), "user.a=3 user.b=0 ");
  EXPECT_EQ(set("user.a", "longer", XattrChange::Replace), Error::None);
  EXPECT_EQ(all(), "user.b=0 user.a=6 ");
  EXPECT_EQ(set("user.huge", std::string(messages::max_xattr_list_bytes, 'h')), Error::NoSpace);
  EXPECT_EQ(set("user.b", "", XattrChange::Remove), Error::None);
  EXPECT_EQ(set("user.b", "", XattrChange::Remove), Error::NotFound);
  EXPECT_EQ(all(), "user.a=6 ");
}

// With the set-group bit, to what is made in it; to directories with the bit itself.
TEST_F(TreeTest, ADirectoryMayHandItsGroupOn) {
  const auto made = [&](std::uint64_t in, const std::string& name, FileType type, std::uint32_t permissions,
                        messages::NewFileHold hold = messages::NewFileHold{}) {
    messages::FileCreateRequest request{};
    request.directory = in;
    request.mode = static_cast<std::uint32_t>(type) | permissions;
    request.uid = 5;
    request.gid = 6;
    request.hold = static_cast<std::uint32_t>(hold);
    return *tree_->create_file(request, name, {}, now);
  };
  const auto plain = made(root(), "plain", FileType::Directory, 0755);
  EXPECT_EQ(plain.gid, 6u);
  messages::FileCreateRequest request{};
  request.directory = root();
  request.mode = static_cast<std::uint32_t>(FileType::Directory) | 02775;
  request.gid = 77;
  const std::uint64_t shared = tree_->create_file(request, "shared", {}, now)->file.get();
  const auto file = made(shared, "file", FileType::Regular, 0644);
  EXPECT_EQ(file.gid, 77u);
  EXPECT_EQ(file.uid, 5u);
  EXPECT_EQ(file.mode, static_cast<std::uint32_t>(FileType::Regular) | 0644);
  const auto folder = made(shared, "folder", FileType::Directory, 0755);
  EXPECT_EQ(folder.gid, 77u);
  EXPECT_EQ(folder.mode, static_cast<std::uint32_t>(FileType::Directory) | 02755);
  EXPECT_EQ(made(folder.file, "file", FileType::Regular, 0600).gid, 77u);
  EXPECT_EQ(made(shared, "", FileType::Regular, 0600, messages::NewFileHold::Unnamed).gid, 77u);
}

TEST_F(TreeTest, AFileWithoutANameMayGetOneOrEnd) {
  const std::uint64_t before = tree_->files();
  const std::uint64_t unnamed = make_unnamed(root(), messages::NewFileHold::Unnamed);
  EXPECT_EQ(tree_->attributes(unnamed)->links, 0u);
  EXPECT_TRUE(list(root()).size() == 2);
  EXPECT_EQ(tree_->link(unnamed, root(), "name", now)->links, 1u);
  EXPECT_TRUE(tree_->release(unnamed));
  EXPECT_EQ(tree_->look_up(root(), "name")->file, unnamed);
  const std::uint64_t never = make_unnamed(root(), messages::NewFileHold::UnnamedForever);
  EXPECT_EQ(tree_->link(never, root(), "never", now).error(), Error::NotFound);
  EXPECT_TRUE(tree_->release(never));
  EXPECT_EQ(tree_->files(), before + 1);
}

TEST_F(TreeTest, RootIsADirectoryWithItsPermissions) {
  const auto attributes = tree_->attributes(root());
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->mode, 041777U);
  EXPECT_EQ(attributes->links, 2U);
  EXPECT_EQ(list(root()), (std::vector<std::string>{".", ".."}));
  EXPECT_EQ(tree_->look_up(root(), "..")->file, root());
}

TEST_F(TreeTest, FilesAreFoundAndListedInTheOrderOfTheirMaking) {
  const std::uint64_t b = file(root(), "b");
  file(root(), "a");
  EXPECT_EQ(tree_->look_up(root(), "b")->file, b);
  EXPECT_EQ(tree_->look_up(root(), "c").error(), Error::NotFound);
  EXPECT_EQ(make(root(), "a", FileType::Regular).error(), Error::Exists);
  EXPECT_EQ(make(b, "x", FileType::Regular).error(), Error::NotDirectory);
  EXPECT_EQ(list(root()), (std::vector<std::string>{".", "..", "b", "a"}));
}

TEST_F(TreeTest, ListingGoesOnWhileNamesComeAndGo) {
  for (int i = 0; i < 20; ++i) file(root(), "f" + std::to_string(i));
  std::vector<std::byte> buffer(32 * 5);
  const auto first = tree_->read_directory(root(), 0, buffer);
  ASSERT_EQ(first->bytes, 160U);  // ".", "..", f0, f1, f2
  unlink(root(), "f2");
  unlink(root(), "f3");
  const auto next = tree_->read_directory(root(), 5, buffer);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(buffer.data()) + sizeof(messages::DirectoryEntry), 2), "f4");
  EXPECT_EQ(next->end, 0U);
  EXPECT_EQ(tree_->read_directory(root(), 0, std::span(buffer).first(8)).error(), Error::InvalidArgument);
}

TEST_F(TreeTest, DirectoriesCountTheirLinks) {
  const std::uint64_t sub = directory(root(), "sub");
  directory(sub, "deep");
  EXPECT_EQ(links(root()), 3U);
  EXPECT_EQ(links(sub), 3U);
  EXPECT_EQ(unlink(root(), "sub", true), Error::NotEmpty);
  EXPECT_EQ(unlink(root(), "sub", false), Error::IsDirectory);
  EXPECT_EQ(unlink(sub, "deep", true), Error::None);
  EXPECT_EQ(unlink(root(), "sub", true), Error::None);
  EXPECT_EQ(links(root()), 2U);
  EXPECT_EQ(make(sub, "x", FileType::Regular).error(), Error::Stale);
}

TEST_F(TreeTest, AHeldFileOutlivesItsName) {
  const std::uint64_t held = *make(root(), "f", FileType::Regular, true);
  EXPECT_EQ(unlink(root(), "f"), Error::None);
  EXPECT_EQ(links(held), 0U);
  EXPECT_EQ(tree_->link(held, root(), "again", now).error(), Error::NotFound);
  EXPECT_TRUE(tree_->release(held));
  EXPECT_EQ(tree_->attributes(held).error(), Error::Stale);
}

TEST_F(TreeTest, RenameFollowsLinuxsRules) {
  const std::uint64_t a = directory(root(), "a"), b = directory(a, "b");
  file(root(), "f");
  EXPECT_EQ(rename(root(), "a", b, "x"), Error::InvalidArgument) << "into itself";
  EXPECT_EQ(rename(b, "none", root(), "x"), Error::NotFound);
  EXPECT_EQ(rename(root(), "f", root(), "a"), Error::IsDirectory);
  EXPECT_EQ(rename(root(), "a", root(), "f"), Error::NotDirectory);
  EXPECT_EQ(rename(a, "b", root(), "a"), Error::NotEmpty) << "its own parent";
  EXPECT_EQ(rename(root(), "f", root(), "a", 1), Error::Exists);
  EXPECT_EQ(rename(root(), "f", a, "b", 2), Error::None) << "exchanged";
  EXPECT_EQ(tree_->look_up(root(), "f")->file, b);
  EXPECT_EQ(links(root()), 4U);
  EXPECT_EQ(links(a), 2U);
  EXPECT_EQ(tree_->look_up(b, "..")->file, root());
}

TEST_F(TreeTest, WhatARenameReplacesIsTold) {
  const std::uint64_t old = file(root(), "old");
  file(root(), "new");
  messages::FileRenameRequest request{};
  request.old_directory = request.new_directory = root();
  const auto lost = tree_->rename(request, "new", "old", now);
  ASSERT_TRUE(lost);
  ASSERT_TRUE(lost->has_value());
  EXPECT_EQ((*lost)->file, old);
  EXPECT_EQ((*lost)->links, 0U);
  EXPECT_EQ(tree_->attributes(old).error(), Error::Stale);
}

TEST_F(TreeTest, TheNumberOfFilesIsBounded) {
  for (int i = 1; i < 64; ++i) file(root(), "f" + std::to_string(i));
  EXPECT_EQ(make(root(), "more", FileType::Regular).error(), Error::NoSpace);
  unlink(root(), "f1");
  EXPECT_TRUE(make(root(), "more", FileType::Regular));
}

// Directories by id with what they hold; -1: the name of a plain file.
TEST_F(TreeTest, RandomChangesAgreeWithAModel) {
  std::mt19937 random(7);
  std::map<std::uint64_t, std::map<std::string, std::uint64_t>> directories{{root(), {}}};
  std::map<std::uint64_t, std::uint32_t> names;  // of plain files: how many
  // As nr_inodes counts: every directory, and every name of a plain file.
  const auto used = [&] {
    std::size_t count = directories.size();
    for (const auto& each : names) count += each.second;
    return count;
  };
  const auto pick = [&](auto& from) { return std::next(from.begin(), static_cast<long>(random() % from.size())); };
  for (int step = 0; step < 20000; ++step) {
    const std::uint64_t at = pick(directories)->first;
    const std::string name(1, static_cast<char>('a' + random() % 6));
    auto& entries = directories[at];
    const auto known = entries.find(name);
    switch (random() % 4) {
      case 0: {
        const bool is_directory = random() % 3 == 0;
        const auto made = make(at, name, is_directory ? FileType::Directory : FileType::Regular);
        if (known != entries.end()) {
          EXPECT_EQ(made.error(), Error::Exists);
        } else if (made) {
          entries[name] = *made;
          if (is_directory)
            directories[*made];
          else
            names[*made] = 1;
        } else {
          EXPECT_EQ(made.error(), Error::NoSpace);
          EXPECT_EQ(used(), 64U);
        }
        break;
      }
      case 1: {
        const bool remove_directory = known != entries.end() && directories.contains(known->second);
        const Error done = unlink(at, name, remove_directory);
        if (known == entries.end()) {
          EXPECT_EQ(done, Error::NotFound);
        } else if (remove_directory && !directories[known->second].empty()) {
          EXPECT_EQ(done, Error::NotEmpty);
        } else {
          EXPECT_EQ(done, Error::None);
          if (remove_directory)
            directories.erase(known->second);
          else if (--names[known->second] == 0)
            names.erase(known->second);
          directories[at].erase(name);
        }
        break;
      }
      case 2: {
        if (names.empty()) break;
        const auto linked = pick(names);
        const auto done = tree_->link(linked->first, at, name, now);
        EXPECT_EQ(done.has_value(), known == entries.end() && used() < 64U);
        if (done) ++linked->second, entries[name] = linked->first;
        break;
      }
      default: {
        const std::uint64_t to = pick(directories)->first;
        const std::string new_name(1, static_cast<char>('a' + random() % 6));
        if (rename(at, name, to, new_name) != Error::None) break;
        const std::uint64_t moved = entries.at(name);
        auto& target = directories[to];
        if (const auto taken = target.find(new_name); taken != target.end()) {
          if (taken->second == moved) break;
          directories.erase(taken->second);
          if (const auto left = names.find(taken->second); left != names.end() && --left->second == 0)
            names.erase(left);
        }
        directories[to][new_name] = moved;
        directories[at].erase(name);
        break;
      }
    }
    ASSERT_EQ(tree_->files(), directories.size() + names.size()) << "step " << step;
    ASSERT_EQ(tree_->used_files(), used()) << "step " << step;
  }
  for (const auto& [id, entries] : directories) {
    std::set<std::string> expected{".", ".."};
    for (const auto& [name, file] : entries) {
      expected.insert(name);
      EXPECT_EQ(tree_->look_up(id, name)->file, file);
    }
    const auto listed = list(id);
    EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), expected);
    EXPECT_EQ(tree_->attributes(id)->size, 20 * entries.size());
  }
  for (const auto& [id, count] : names) EXPECT_EQ(links(id), count);
}

}  // namespace
}  // namespace memory
