// SPDX-License-Identifier: Apache-2.0
// How many tags there are: blocks are added as forks need them, up to the configured limit, and given back when no tag
// of theirs is in use.
#include <algorithm>

#include "processor/excache/excache.h"

namespace excache {

base::Result<> ExCache::add_tags(std::size_t wanted) {
  while (free_tags_.size() < wanted) {
    if (tag_count_ >= configuration_.max_tags) return base::fail(base::Error::NoMemory);
    Block<Tag> block = TRY(Block<Tag>::create(configuration_.tags_per_block));
    auto place = std::find_if(tag_blocks_.begin(), tag_blocks_.end(),
                              [](const TagBlock& known) { return known.tags.size() == 0; });
    if (place == tag_blocks_.end()) {
      TRY(tag_blocks_.push_back(TagBlock()));
      place = tag_blocks_.end() - 1;
    }
    const auto number = static_cast<std::uint32_t>(place - tag_blocks_.begin()) + 1;
    for (Tag& tag : block) {
      tag.block = number;
      free_tags_.push_back(tag);
    }
    place->tags = std::move(block);
    tag_count_ += configuration_.tags_per_block;
  }
  tags_came_free();
  return {};
}

void ExCache::tag_came_free(Tag& tag) {
  free_tags_.push_front(tag);
  if (tag.block > 0) {
    TagBlock& block = tag_blocks_[tag.block - 1];
    const std::size_t spare = std::max<std::size_t>(2 * configuration_.initial_tags, tags_wanted_);
    if (--block.used == 0 && free_tags_.size() >= spare + configuration_.tags_per_block) give_back(block);
  }
  tags_came_free();
}

void ExCache::give_back(TagBlock& block) {
  for (Tag& tag : block.tags) free_tags_.erase(free_tags_.iterator_to(tag));
  tag_count_ -= block.tags.size();
  block.tags = {};
}

void ExCache::tags_came_free() {
  if (tags_wanted_ == 0 || free_tags_.size() < tags_wanted_) return;
  tags_wanted_ = 0;
  tag_waiters_.wake_all();
  wake_line_waiters();  // they may have wanted a tag
}

std::size_t ExCache::tag_count() const {
  const base::SpinGuard guard(lock_);
  return tag_count_;
}

Progress ExCache::provide_tags(std::size_t wanted, base::Waiter& waiter) {
  const base::SpinGuard guard(lock_);
  wanted += 2 * visit_pages;  // which fork keeps free
  if (add_tags(wanted)) return Progress::Done;
  // There will not be more of them than there are now; and half of them are not to be had from others.
  wanted = std::min(wanted, tag_count_ / 2);
  if (free_tags_.size() >= wanted) return Progress::Done;
  tags_wanted_ = std::max(tags_wanted_, wanted);
  kick_evictors();
  tag_waiters_.add(waiter);
  return Progress::Wait;
}

}  // namespace excache
