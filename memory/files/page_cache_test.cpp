// SPDX-License-Identifier: Apache-2.0
// The page cache between random writers, readers and truncations above and a slow disk below, against a byte model.
#include "memory/files/page_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "kernel/base/random.h"

namespace {

using base::page_bytes;
using base::Result;
using base::Task;
using memory::FileObject;
using memory::FramePiece;

struct ManualClock : base::Clock {
  std::uint64_t now_ns() const override { return now; }
  std::uint64_t now = 0;
};

class SlowDisk final : public memory::FileStorage {
 public:
  SlowDisk(base::EventLoop& loop, base::Random& random) : loop_(loop), random_(random) {
    for (auto& buffer : buffers_) {
      buffer.resize(max_read_bytes);
      free_.push_back(buffer);
    }
  }
  Task<std::uint32_t> read(memory::StoredFile, std::uint64_t offset, std::span<std::byte> target) override {
    ++reads;
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    if (offset >= content.size()) co_return std::uint32_t{0};
    const auto bytes = std::min<std::uint64_t>(target.size(), content.size() - offset);
    std::memcpy(target.data(), content.data() + offset, bytes);
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    co_return static_cast<std::uint32_t>(bytes);
  }
  Task<> write(memory::StoredFile, std::uint64_t offset, std::span<const FramePiece> pieces) override {
    if (fail_writes) co_return base::fail(base::Error::IoError);
    std::size_t total = 0;
    for (const auto& piece : pieces) total += piece.bytes;
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    content.resize(std::max<std::size_t>(content.size(), offset + total));
    for (const auto& piece : pieces) {
      std::memcpy(content.data() + offset, piece.data, piece.bytes);
      offset += piece.bytes;
      co_await base::Sleep(loop_, loop_.now_ns() + random_.below(20));
    }
    co_return {};
  }
  Task<> set_size(memory::StoredFile, std::uint64_t bytes, std::uint64_t) override {
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    content.resize(bytes);
    co_return {};
  }
  Task<> punch(memory::StoredFile, std::uint64_t offset, std::uint64_t bytes) override {
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    const auto at = [this](std::uint64_t place) {
      return content.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(place, content.size()));
    };
    std::fill(at(offset), at(offset + bytes), std::byte{0});
    co_return {};
  }
  // A page of zeros is a hole.
  Task<Extent> extent(memory::StoredFile, std::uint64_t offset) override {
    co_await base::Sleep(loop_, loop_.now_ns() + random_.below(50));
    const std::uint64_t start = offset / page_bytes * page_bytes;
    bool data = false;
    for (std::uint64_t at = start; at < std::min<std::uint64_t>(start + page_bytes, content.size()); ++at)
      data = data || content[at] != std::byte{0};
    co_return Extent{data, start + page_bytes};
  }
  Task<> sync(memory::StoredFile) override {
    synced = content;
    co_return {};
  }
  std::span<std::byte> take_staging() override {
    if (free_.empty()) return {};
    const auto staging = free_.back();
    free_.pop_back();
    return staging;
  }
  void give_staging(std::span<std::byte> staging) override { free_.push_back(staging); }

  std::vector<std::byte> content, synced;
  bool fail_writes = false;
  int reads = 0;

 private:
  base::EventLoop& loop_;
  base::Random& random_;
  std::vector<std::byte> buffers_[2];
  std::vector<std::span<std::byte>> free_;
};

class NoOtherHomes : public memory::HolderSource {
 public:
  base::Result<memory::PageHolder*> adopt(std::uint64_t, base::VNodeId) override {
    return base::fail(base::Error::Stale);
  }
};

class PageCacheTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr std::uint32_t frames = 40;
  PageCacheTest()
      : random(GetParam()),
        loop(clock),
        memory_(frames * page_bytes),
        holders(1),
        disk(loop, random),
        cache(loop, store, holders, disk),
        write_back(store, holders, cache, no_other_homes_) {
    EXPECT_TRUE(store.add_slab(memory_.data(), frames, 1));
    store.set_reserve(8);
  }
  FileObject& open(std::uint64_t bytes) {
    disk.content.resize(bytes);
    for (auto& byte : disk.content) byte = static_cast<std::byte>(random.next());
    return static_cast<FileObject&>(holders.add(base::make<FileObject>(
        holders.new_id(), base::VNodeId(1), store, loop, memory::StoredFile{nullptr, base::FileId(7)}, bytes)));
  }
  template <typename T>
  Result<T> run(Task<T> task) {
    std::optional<Result<T>> result;
    base::spawn(std::move(task), [&](Result<T> value) { result.emplace(std::move(value)); });
    while (!result) step();
    return std::move(*result);
  }
  void step() {
    if (loop.run_ready() || loop.next_deadline_ns() == base::never_ns) return;
    clock.now = std::max(clock.now, loop.next_deadline_ns());
  }
  void write_page(FileObject& file, std::uint64_t page, std::span<const std::byte> content, std::uint64_t bytes) {
    std::vector<std::byte> tail(sizeof(messages::WriteBackEntry) + sizeof(messages::PageTag) + page_bytes);
    const messages::WriteBackEntry entry{.tag_count = 1u, .object_bytes = bytes};
    const messages::PageTag tag{file.id(), page};
    std::memcpy(tail.data(), &entry, sizeof entry);
    std::memcpy(tail.data() + sizeof entry, &tag, sizeof tag);
    std::memcpy(tail.data() + sizeof entry + sizeof tag, content.data(), page_bytes);
    messages::PageWriteBackRequest request;
    request.page_count = 1u;
    request.tag_count = 1u;
    ASSERT_TRUE(write_back.apply(base::VNodeId(1), request, tail));
  }

  base::Random random;
  ManualClock clock;
  base::EventLoop loop;
  std::vector<std::byte> memory_;
  memory::FrameStore store;
  memory::PageHolders holders;
  SlowDisk disk;
  memory::PageCache cache;
  NoOtherHomes no_other_homes_;
  memory::WriteBack write_back;
};

TEST_P(PageCacheTest, ReadsSequentiallyWithReadAhead) {
  FileObject& file = open(16 * page_bytes + 100);
  for (std::uint64_t page = 0; page < 17; ++page) {
    const auto frame = run(cache.get(file, page));
    ASSERT_TRUE(frame);
    const std::size_t bytes = std::min<std::size_t>(page_bytes, disk.content.size() - page * page_bytes);
    ASSERT_EQ(std::memcmp(frame->data(), disk.content.data() + page * page_bytes, bytes), 0);
    for (std::size_t i = bytes; i < page_bytes; ++i) ASSERT_EQ(frame->data()[i], std::byte{0});
  }
  EXPECT_LE(disk.reads, 3);
  EXPECT_EQ(run(cache.get(file, 17)).error(), base::Error::OutOfRange);
}

TEST_P(PageCacheTest, ManyWaitForOneRead) {
  FileObject& file = open(page_bytes);
  int done = 0;
  for (int i = 0; i < 5; ++i)
    base::spawn(cache.get(file, 0), [&](Result<memory::FrameRef> frame) { done += frame.has_value(); });
  while (done < 5) step();
  EXPECT_EQ(disk.reads, 1);
}

TEST_P(PageCacheTest, AWriteErrorIsToldAndNothingIsLost) {
  FileObject& file = open(0);
  const std::vector<std::byte> content(page_bytes, std::byte{5});
  write_page(file, 0, content, 10);
  disk.fail_writes = true;
  EXPECT_EQ(run(cache.sync(file)).error(), base::Error::IoError);
  EXPECT_EQ(cache.dirty_pages(), 1u);
  disk.fail_writes = false;
  ASSERT_TRUE(run(cache.sync(file)));
  EXPECT_EQ(disk.synced, std::vector<std::byte>(10, std::byte{5}));
}

// Files far larger than the frames there are.
TEST_P(PageCacheTest, ReadsGiveTheLastBytesWritten) {
  FileObject& file = open(random.below(60 * page_bytes));
  std::vector<std::byte> model = disk.content;
  int outstanding = 0;
  for (int i = 0; i < 400; ++i) {
    switch (random.below(9)) {
      case 8: {
        const std::uint64_t offset = random.below(60 * page_bytes), bytes = 1 + random.below(20 * page_bytes);
        ASSERT_TRUE(run(cache.punch(file, offset, bytes)));
        for (std::uint64_t at = offset; at < std::min<std::uint64_t>(offset + bytes, model.size()); ++at)
          model[at] = std::byte{0};
        break;
      }
      case 0: {
        const std::uint64_t bytes = random.below(60 * page_bytes);
        ASSERT_TRUE(run(cache.truncate(file, bytes)));
        model.resize(bytes);
        break;
      }
      case 1:
        ASSERT_TRUE(run(cache.sync(file)));
        ASSERT_EQ(disk.synced, model);
        break;
      case 2:
        ++outstanding;
        base::spawn(cache.flush(file), [&](Result<> done) {
          EXPECT_TRUE(done);
          --outstanding;
        });
        break;
      case 3:
      case 4: {
        if (cache.dirty_pages() > 16) {
          ASSERT_TRUE(run(cache.flush(file)));
        }
        // A pComponent writes back a page that it read, or one that it made anew.
        const std::uint64_t page = random.below(60), end = page * page_bytes + 1 + random.below(page_bytes);
        const std::uint64_t bytes = std::max<std::uint64_t>(model.size(), end);
        model.resize(bytes);
        for (std::uint64_t at = page * page_bytes; at < end; ++at) model[at] = static_cast<std::byte>(random.next());
        std::vector<std::byte> content(page_bytes);
        std::memcpy(content.data(), model.data() + page * page_bytes,
                    std::min<std::uint64_t>(page_bytes, bytes - page * page_bytes));
        write_page(file, page, content, bytes);
        break;
      }
      default: {
        if (model.empty()) break;
        const std::uint64_t page = random.below((model.size() + page_bytes - 1) / page_bytes);
        const auto frame = run(cache.get(file, page));
        ASSERT_TRUE(frame) << base::error_name(frame.error());
        const std::size_t bytes = std::min<std::size_t>(page_bytes, model.size() - page * page_bytes);
        ASSERT_EQ(std::memcmp(frame->data(), model.data() + page * page_bytes, bytes), 0) << "page " << page;
        for (std::size_t at = bytes; at < page_bytes; ++at) ASSERT_EQ(frame->data()[at], std::byte{0});
      }
    }
    for (std::uint64_t steps = random.below(4); steps > 0; --steps) step();
  }
  while (outstanding > 0) step();
  ASSERT_TRUE(run(cache.sync(file)));
  EXPECT_EQ(disk.synced, model);
  EXPECT_EQ(cache.dirty_pages(), 0u);
  holders.remove(file);
  EXPECT_EQ(store.free(), frames);
}

TEST_P(PageCacheTest, SeeksDataAndHoles) {
  using Seeks = memory::PageCache::Seeks;
  FileObject& file = open(10 * page_bytes);
  ASSERT_TRUE(run(cache.punch(file, 2 * page_bytes, 3 * page_bytes)));
  EXPECT_EQ(*run(cache.seek(file, 0, Seeks::Data)), 0u);
  EXPECT_EQ(*run(cache.seek(file, 5, Seeks::Hole)), 2 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 2 * page_bytes + 7, Seeks::Hole)), 2 * page_bytes + 7);
  EXPECT_EQ(*run(cache.seek(file, 2 * page_bytes, Seeks::Data)), 5 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 5 * page_bytes, Seeks::Hole)), 10 * page_bytes) << "the end";
  // Dirty pages are data before the disk knows it.
  const std::vector<std::byte> content(page_bytes, std::byte{5});
  write_page(file, 3, content, 10 * page_bytes);
  write_page(file, 20, content, 21 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 2 * page_bytes, Seeks::Data)), 3 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 3 * page_bytes, Seeks::Hole)), 4 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 10 * page_bytes, Seeks::Data)), 20 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 20 * page_bytes + 1, Seeks::Hole)), 21 * page_bytes);
  ASSERT_TRUE(run(cache.flush(file)));
  EXPECT_EQ(*run(cache.seek(file, 4 * page_bytes, Seeks::Data)), 5 * page_bytes);
  EXPECT_EQ(*run(cache.seek(file, 10 * page_bytes, Seeks::Data)), 20 * page_bytes);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PageCacheTest, testing::Range<std::uint64_t>(1, 31));

}  // namespace
