// SPDX-License-Identifier: Apache-2.0
// An mComponent for tests of the ExCache: keeps pages by tag, shared copy-on-write by fork, answers late and in any
// order, and checks what an mComponent must be able to rely on: what it is sent does not change until it has answered,
// and nothing that names a page is under way when it is told about that page's range.
#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "processor/testing/machine.h"

namespace testing_support {

class FakeHome final : public excache::Home {
 public:
  using Page = std::array<std::byte, base::page_bytes>;
  FakeHome(Scheduler& scheduler) : scheduler_(scheduler) {}

  excache::ExCache* cache = nullptr;
  std::set<std::uint64_t> files;  // ids whose missing pages are zeros
  unsigned failures_per_million = 0;
  bool dead = false;
  bool out_of_frames = false;
  std::uint64_t fetches = 0, prefetches = 0, write_backs = 0, notices = 0, frame_requests = 0;

  void fetch(excache::Line& line, excache::PageKey key, bool prefetch) override {
    ++(prefetch ? prefetches : fetches);
    pending_.push_back({.kind = Kind::Fetch, .line = &line, .key = key, .prefetch = prefetch});
  }
  void write_back(excache::WriteBack& pages) override {
    ++write_backs;
    Pending pending{.kind = Kind::WriteBack, .message = &pages};
    for (unsigned i = 0; i < pages.page_count; ++i) pending.sent.push_back(bytes_of(*pages.pages[i].line));
    pending_.push_back(std::move(pending));
  }
  void reserve_frames(excache::Space& space, std::uint32_t frames) override {
    ++frame_requests;
    pending_.push_back({.kind = Kind::Frames, .space = &space, .frames = frames});
  }
  void notify_write(excache::Line& line, excache::PageKey key) override {
    ++notices;
    pending_.push_back({.kind = Kind::Notify, .line = &line, .key = key});
  }

  bool idle() const { return pending_.empty(); }
  std::size_t pages() const { return pages_.size(); }
  bool has(excache::PageKey key) const { return pages_.contains({key.id, key.page}); }
  Page page(excache::PageKey key) const {
    auto found = pages_.find({key.id, key.page});
    return found == pages_.end() ? Page{} : *found->second;
  }
  bool only_files_left() const {
    return std::all_of(pages_.begin(), pages_.end(),
                       [&](const auto& entry) { return files.contains(entry.first.first); });
  }
  void put(excache::PageKey key, const Page& page) { pages_[{key.id, key.page}] = std::make_shared<Page>(page); }

  // One thing happens to one request.
  bool step() {
    if (pending_.empty()) return false;
    const std::size_t chosen = scheduler_.random.below(pending_.size());
    Pending& pending = pending_[chosen];
    if (!pending.served) {
      serve(pending);
      pending.served = true;
      return true;
    }
    Pending answered = std::move(pending);
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(chosen));
    answer(answered);
    return true;
  }

  void fork(std::uint64_t parent, std::uint64_t child) {
    check_quiet(parent, 0, ~std::uint64_t{0});
    std::vector<std::pair<std::uint64_t, std::shared_ptr<Page>>> found;
    for (const auto& [key, page] : pages_)
      if (key.first == parent) found.emplace_back(key.second, page);
    for (auto& [number, page] : found) pages_[{child, number}] = page;
  }
  void forget(std::uint64_t id, std::uint64_t first, std::uint64_t count) {
    check_quiet(id, first, count);
    std::erase_if(pages_, [&](const auto& entry) {
      return entry.first.first == id && entry.first.second >= first && entry.first.second - first < count;
    });
  }
  void move(std::uint64_t id, std::uint64_t from, std::uint64_t to, std::uint64_t count) {
    check_quiet(id, from, count);
    check_quiet(id, to, count);
    for (std::uint64_t i = 0; i < count; ++i) {
      pages_.erase({id, to + i});
      auto node = pages_.extract({id, from + i});
      if (node.empty()) continue;
      node.key().second = to + i;
      pages_.insert(std::move(node));
    }
  }

 private:
  enum class Kind { Fetch, WriteBack, Frames, Notify };
  struct Pending {
    Kind kind;
    excache::Line* line = nullptr;
    excache::PageKey key;
    bool prefetch = false;
    excache::WriteBack* message = nullptr;
    excache::Space* space = nullptr;
    std::uint32_t frames = 0;
    std::vector<Page> sent;
    bool served = false;
    Page fetched{};
    base::Error error = base::Error::None;
  };

  Page bytes_of(const excache::Line& line) const {
    Page page;
    std::memcpy(page.data(), cache->bytes_of(line), page.size());
    return page;
  }

  void serve(Pending& pending) {
    if (dead) {
      pending.error = base::Error::PeerDead;
      return;
    }
    switch (pending.kind) {
      case Kind::Fetch: {
        if (pending.prefetch && scheduler_.random.below(8) == 0) {
          pending.error = base::Error::Again;
          return;
        }
        auto found = pages_.find({pending.key.id, pending.key.page});
        if (found != pages_.end()) {
          pending.fetched = *found->second;
        } else if (!files.contains(pending.key.id)) {
          pending.error = base::Error::NotFound;
        }
        return;
      }
      case Kind::WriteBack:
        if (scheduler_.random.chance(failures_per_million)) pending.error = base::Error::Again;
        // Even what ends with an error may have been done.
        if (pending.error == base::Error::None || scheduler_.random.below(2) == 0) apply(pending);
        return;
      case Kind::Frames:
        if (out_of_frames) pending.error = base::Error::NoMemory;
        return;
      case Kind::Notify:
        return;
    }
  }

  void apply(const Pending& pending) {
    unsigned tag = 0;
    for (unsigned i = 0; i < pending.message->page_count; ++i) {
      const auto& entry = pending.message->pages[i];
      require(bytes_of(*entry.line) == pending.sent[i], "a line changed while it was written back");
      require(entry.tag_count > 0, "a page without a tag");
      std::vector<std::pair<std::uint64_t, std::uint64_t>> keys;
      for (unsigned n = 0; n < entry.tag_count; ++n, ++tag)
        keys.emplace_back(pending.message->tags[tag].id, pending.message->tags[tag].page);
      auto first = pages_.find(keys[0]);
      bool all_share = first != pages_.end();
      for (const auto& key : keys) {
        auto found = pages_.find(key);
        all_share = all_share && found != pages_.end() && found->second == first->second;
      }
      if (all_share && first->second.use_count() == static_cast<long>(keys.size())) {
        *first->second = pending.sent[i];
        continue;
      }
      auto page = std::make_shared<Page>(pending.sent[i]);
      for (const auto& key : keys) pages_[key] = page;
    }
  }

  void answer(Pending& pending) {
    switch (pending.kind) {
      case Kind::Fetch:
        if (pending.error == base::Error::None)
          std::memcpy(cache->bytes_of(*pending.line), pending.fetched.data(), pending.fetched.size());
        return cache->fetch_done(*pending.line, pending.error);
      case Kind::WriteBack:
        for (unsigned i = 0; i < pending.message->page_count; ++i)
          require(bytes_of(*pending.message->pages[i].line) == pending.sent[i], "a line changed before the answer");
        return cache->write_back_done(*pending.message, pending.error);
      case Kind::Frames:
        return cache->frames_reserved(*pending.space, pending.frames, pending.error);
      case Kind::Notify:
        return cache->write_notified(*pending.line, pending.error);
    }
  }

  void check_quiet(std::uint64_t id, std::uint64_t first, std::uint64_t count) const {
    const auto names = [&](const excache::PageKey& key) {
      return key.id == id && key.page >= first && key.page - first < count;
    };
    for (const Pending& pending : pending_) {
      if (pending.kind == Kind::Fetch) require(!names(pending.key), "a fetch is under way in a range that is changed");
      if (pending.kind != Kind::WriteBack) continue;
      for (unsigned i = 0; i < pending.message->tag_count; ++i)
        require(!names(pending.message->tags[i]), "a write-back is under way in a range that is changed");
    }
  }

  Scheduler& scheduler_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::shared_ptr<Page>> pages_;
  std::vector<Pending> pending_;
};

}  // namespace testing_support
