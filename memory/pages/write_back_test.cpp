// SPDX-License-Identifier: Apache-2.0
// Write-backs into spaces that share frames by fork: everybody reads the last value written to their own page.
#include "memory/pages/write_back.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <vector>

#include "kernel/base/random.h"

namespace {

using base::page_bytes;
using base::VNodeId;
using messages::PageTag;
using messages::PageWriteBackRequest;
using messages::WriteBackEntry;

class NoFiles : public memory::FilePageSink {
 public:
  void written(memory::PageHolder&, std::uint64_t page, std::uint64_t bytes) override {
    last_page = page;
    last_bytes = bytes;
  }
  std::uint64_t last_page = 0, last_bytes = 0;
};

struct Message {
  PageWriteBackRequest request;
  std::vector<std::byte> tail, pages;
  void add(const std::vector<PageTag>& tags, std::byte fill, std::uint64_t object_bytes = 0) {
    const WriteBackEntry entry{.tag_count = static_cast<std::uint32_t>(tags.size()), .object_bytes = object_bytes};
    append(&entry, sizeof entry);
    append(tags.data(), tags.size() * sizeof(PageTag));
    pages.insert(pages.end(), page_bytes, fill);
    request.page_count = request.page_count + 1;
    request.tag_count = request.tag_count + static_cast<std::uint32_t>(tags.size());
  }
  std::vector<std::byte> bytes() const {
    auto all = tail;
    all.insert(all.end(), pages.begin(), pages.end());
    return all;
  }

 private:
  void append(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::byte*>(data);
    tail.insert(tail.end(), from, from + size);
  }
};

class NoOtherHomes : public memory::HolderSource {
 public:
  base::Result<memory::PageHolder*> adopt(std::uint64_t, VNodeId) override { return base::fail(base::Error::Stale); }
};

class WriteBackTest : public testing::Test {
 protected:
  static constexpr std::uint32_t frames = 512;
  WriteBackTest()
      : memory_(frames * page_bytes), holders_(100), write_back_(store_, holders_, files_, no_other_homes_) {
    EXPECT_TRUE(store_.add_slab(memory_.data(), frames, 1));
  }
  memory::PageHolder& space(VNodeId vnode = VNodeId(1), memory::HolderKind kind = memory::HolderKind::Space) {
    return holders_.add(base::make<memory::PageHolder>(holders_.new_id(), vnode, kind, store_));
  }
  std::byte first_byte(memory::PageHolder& holder, std::uint64_t page) {
    const auto frame = holder.pages.find(page);
    return frame == memory::no_frame ? std::byte{0} : store_.data(frame)[0];
  }
  std::vector<std::byte> memory_;
  memory::FrameStore store_;
  memory::PageHolders holders_;
  NoFiles files_;
  NoOtherHomes no_other_homes_;
  memory::WriteBack write_back_;
};

TEST_F(WriteBackTest, ForkedSpacesKeepTheirOwnPages) {
  auto& parent = space();
  auto& child = space();
  Message first;
  first.add({{parent.id(), 5}}, std::byte{1});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), first.request, first.bytes()));
  ASSERT_TRUE(parent.pages.share_with(child.pages));
  Message second;
  second.add({{child.id(), 5}}, std::byte{2});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), second.request, second.bytes()));
  EXPECT_EQ(first_byte(parent, 5), std::byte{1});
  EXPECT_EQ(first_byte(child, 5), std::byte{2});
}

TEST_F(WriteBackTest, AllSharersTogetherOverwriteTheFrame) {
  auto& parent = space();
  auto& child = space();
  Message message;
  message.add({{parent.id(), 5}, {child.id(), 5}}, std::byte{1});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), message.request, message.bytes()));
  EXPECT_EQ(store_.anonymous(), 1u);
  Message again;
  again.add({{child.id(), 5}, {parent.id(), 5}}, std::byte{7});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), again.request, again.bytes()));
  EXPECT_EQ(write_back_.counters().overwritten, 1u);
  EXPECT_EQ(store_.anonymous(), 1u);
  EXPECT_EQ(first_byte(parent, 5), std::byte{7});
}

TEST_F(WriteBackTest, AFrameThatIsBeingSentIsNotOverwritten) {
  auto& holder = space();
  Message message;
  message.add({{holder.id(), 1}}, std::byte{1});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), message.request, message.bytes()));
  const auto sending = memory::FrameRef::share(store_, holder.pages.find(1));
  Message newer;
  newer.add({{holder.id(), 1}}, std::byte{2});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), newer.request, newer.bytes()));
  EXPECT_EQ(sending.data()[0], std::byte{1});
  EXPECT_EQ(first_byte(holder, 1), std::byte{2});
}

TEST_F(WriteBackTest, OtherVNodesAndForgottenSpacesAreLeftAlone) {
  auto& other = space(VNodeId(2));
  Message message;
  message.add({{other.id(), 1}, {99999, 1}}, std::byte{1});
  ASSERT_TRUE(write_back_.apply(VNodeId(1), message.request, message.bytes()));
  EXPECT_EQ(write_back_.counters().stale_tags, 2u);
  EXPECT_EQ(other.pages.pages(), 0u);
}

TEST_F(WriteBackTest, FilesLearnOfTheirPages) {
  auto& file = space(VNodeId(1), memory::HolderKind::File);
  Message message;
  message.add({{file.id(), 3}}, std::byte{1}, 12345);
  ASSERT_TRUE(write_back_.apply(VNodeId(1), message.request, message.bytes()));
  EXPECT_EQ(files_.last_page, 3u);
  EXPECT_EQ(files_.last_bytes, 12345u);
  EXPECT_EQ(store_.page_cache(), 1u);
}

TEST_F(WriteBackTest, RefusesPagesThatNoFileCanHave) {
  auto& file = space(VNodeId(1), memory::HolderKind::File);
  for (const std::uint64_t page : {std::uint64_t{1} << 51, std::uint64_t{1} << 52, ~std::uint64_t{0}}) {
    Message message;
    message.add({{file.id(), page}}, std::byte{1}, 12345);
    EXPECT_EQ(write_back_.apply(VNodeId(1), message.request, message.bytes()).error(), base::Error::InvalidArgument);
  }
  EXPECT_EQ(file.pages.pages(), 0u);
}

TEST_F(WriteBackTest, RefusesWhatDoesNotAddUp) {
  auto& holder = space();
  Message message;
  message.add({{holder.id(), 1}}, std::byte{1});
  const auto bytes = message.bytes();
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_EQ(write_back_.apply(VNodeId(1), message.request, std::span(bytes).first(size)).error(),
              base::Error::Malformed);
  base::Random random(3);
  for (int round = 0; round < 5000; ++round) {
    auto damaged = bytes;
    damaged[random.below(sizeof(WriteBackEntry))] = static_cast<std::byte>(random.next());
    auto request = message.request;
    request.page_count = static_cast<std::uint32_t>(1 + random.below(8));
    request.tag_count = static_cast<std::uint32_t>(1 + random.below(256));
    if (request.validate()) (void)write_back_.apply(VNodeId(1), request, damaged);
  }
}

// Random forks, writes and exits of a family, with the rule that a write-back names all who share the value.
TEST_F(WriteBackTest, AFamilyReadsWhatItWrote) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    base::Random random(seed);
    constexpr std::uint64_t pages = 6;
    std::vector<memory::PageHolder*> family{&space()};
    std::map<std::pair<memory::PageHolder*, std::uint64_t>, std::byte> model;
    for (int step = 0; step < 300; ++step) {
      auto* one = family[random.below(family.size())];
      const std::uint64_t page = random.below(pages);
      switch (random.below(4)) {
        case 0:
          if (family.size() < 6) {
            family.push_back(&space());
            ASSERT_TRUE(one->pages.share_with(family.back()->pages));
            for (std::uint64_t p = 0; p < pages; ++p) model[{family.back(), p}] = model[{one, p}];
          }
          break;
        case 1:
          if (family.size() > 1) {
            std::erase(family, one);
            std::erase_if(model, [&](const auto& entry) { return entry.first.first == one; });
            holders_.remove(*one);
          }
          break;
        default: {
          Message message;
          const auto fill = static_cast<std::byte>(1 + random.below(250));
          std::vector<PageTag> tags;
          for (auto* member : family) {
            if (member != one && random.below(2) == 0) continue;
            tags.push_back({member->id(), page});
            model[{member, page}] = fill;
          }
          message.add(tags, fill);
          ASSERT_TRUE(write_back_.apply(VNodeId(1), message.request, message.bytes()));
        }
      }
      for (const auto& [where, value] : model) ASSERT_EQ(first_byte(*where.first, where.second), value);
    }
    for (auto* member : family) holders_.remove(*member);
    ASSERT_EQ(store_.free(), frames);
  }
}

}  // namespace
