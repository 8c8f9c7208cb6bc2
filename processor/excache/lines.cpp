// SPDX-License-Identifier: Apache-2.0
// Lines and tags: taking and freeing them, the hash, and who waits for them. Everything here is called with the lock
// held.
#include "processor/excache/excache.h"

namespace excache {

std::size_t ExCache::HashTag::operator()(const PageKey& key) const {
  // Pages in a row, and the same page of spaces in a row, should spread: multiply by odd constants, use the high half.
  const std::uint64_t mixed = (key.page + key.id * 0x9e37'79b9'7f4a'7c15) * 0xbf58'476d'1ce4'e5b9;
  return static_cast<std::size_t>(mixed >> 32);
}

Line* ExCache::take_line(bool from_kernel) {
  if (free_.size() <= (from_kernel ? 0 : configuration_.kernel_reserve)) {
    kick_evictors();
    return nullptr;
  }
  Line& line = free_.front();
  free_.pop_front();
  LEGO_ASSERT(line.state == LineState::Free && line.tags.empty() && line.pins == 0 && line.waiters.empty());
  line.state = LineState::Filling;
  line.referenced = false;
  line.prefetched = false;
  line.evicting = false;
  line.notified = false;
  line.notifying = false;
  line.error = base::Error::None;
  if (lines_short()) kick_evictors();
  return &line;
}

void ExCache::wait_for_line(base::Waiter& waiter, bool from_kernel) {
  ++counters_.waits_for_line;
  (from_kernel ? kernel_line_waiters_ : line_waiters_).add(waiter);
  kick_evictors();
}

// Something that was under way with the line has ended: for who waits for that, and for evictors that found too little.
void ExCache::settled(Line& line) {
  line.waiters.wake_all();
  if (evicting_) kick_evictors();
}

void ExCache::free_line(Line& line) {
  LEGO_ASSERT(line.tags.empty() && line.pins == 0 && line.object == nullptr && !line.dirty_hook.is_linked());
  if (line.prefetched && line.queue_hook.is_linked()) prefetched_.erase(prefetched_.iterator_to(line));
  line.prefetched = false;
  line.state = LineState::Free;
  free_.push_back(line);
  line.waiters.wake_all();
  wake_line_waiters();
}

// As many as can be served. One who was woken and no longer needs a line passes it on by calling this again.
void ExCache::wake_line_waiters() {
  std::size_t available = free_.size();
  for (; available > 0 && !kernel_line_waiters_.empty(); --available) kernel_line_waiters_.wake_one();
  for (; available > configuration_.kernel_reserve && !line_waiters_.empty(); --available) line_waiters_.wake_one();
}

void ExCache::kick_evictors() {
  ++events_;
  evictors_.wake_all();
}

Tag* ExCache::take_tag(const PageKey& key, Line& line, TagKind kind, Space* space) {
  if (free_tags_.empty()) return nullptr;
  Tag& tag = free_tags_.front();
  free_tags_.pop_front();
  if (tag.block > 0) ++tag_blocks_[tag.block - 1].used;
  tag.key = key;
  tag.space = space;
  tag.kind = kind;
  tag.mapped = tag.content = tag.unsaved = tag.in_flight = tag.busy = false;
  tag.flushing = 0;
  attach(tag, line);
  const bool inserted = tags_.insert(tag).second;
  LEGO_ASSERT(inserted);
  if (space != nullptr) ++space->tags_;
  return &tag;
}

void ExCache::attach(Tag& tag, Line& line) {
  tag.line = &line;
  // The object's tag stays first.
  line.tags.push_back(tag);
  if (tag.kind == TagKind::Private) ++line.private_tags;
}

void ExCache::detach(Tag& tag) {
  Line& line = *tag.line;
  line.tags.erase(line.tags.iterator_to(tag));
  if (tag.kind == TagKind::Private) --line.private_tags;
}

void ExCache::drop_tag(Tag& tag) {
  LEGO_ASSERT(!tag.mapped && !tag.busy && tag.flushing == 0 && !tag.in_flight);
  detach(tag);
  tags_.erase(tags_.iterator_to(tag));
  if (tag.space != nullptr && --tag.space->tags_ == 0) tag.space->waiters_.wake_all();
  tag_came_free(tag);
}

Tag* ExCache::find_tag(const PageKey& key) {
  auto found = tags_.find(key);
  return found == tags_.end() ? nullptr : &*found;
}

Tag* ExCache::object_tag(Line& line) {
  LEGO_ASSERT(line.object != nullptr && line.tags.front().kind == TagKind::Object);
  return &line.tags.front();
}

void ExCache::unmap(Tag& tag, Mark mark) {
  const PageEntry entry = tag.space->table.remove(tag.address(), mark);
  LEGO_ASSERT(tag.mapped && entry.present);
  tag.mapped = false;
  --tag.space->mapped_pages_;
  if (!entry.dirty) return;
  if (tag.kind == TagKind::Private) {
    tag.unsaved = true;
  } else {
    object_tag(*tag.line)->unsaved = true;
  }
}

// The line is not mapped, and what it holds is saved or not wanted any more.
void ExCache::drop_line(Line& line) {
  set_dirty_listed(line, false);
  while (!line.tags.empty()) {
    Tag& tag = line.tags.back();
    if (tag.space != nullptr) {
      const bool content = tag.kind == TagKind::Private && tag.content;
      tag.space->table.set_mark(tag.address(), content ? Mark::Content : Mark::None);
    }
    drop_tag(tag);
  }
  if (line.object != nullptr) {
    line.object->lines_.erase(line.object->lines_.iterator_to(line));
    line.object = nullptr;
  }
  free_line(line);
}

void ExCache::release_if_unused(Line& line) {
  if (line.tags.empty() && line.pins == 0 && (line.state == LineState::Resident || line.state == LineState::Failed))
    drop_line(line);
}

bool ExCache::under_way(const Line& line, const Tag& tag) {
  if (tag.busy || tag.flushing > 0) return true;
  return tag.kind == TagKind::Private &&
         (line.state == LineState::Filling || line.state == LineState::Victim || line.state == LineState::WritingBack);
}

void ExCache::set_resident(Line& line) {
  if (line.evicting) --freeing_;
  line.evicting = false;
  line.batch = nullptr;
  line.state = LineState::Resident;
  settled(line);
}

void ExCache::touch_prefetched(Line& line) {
  if (!line.prefetched) return;
  line.prefetched = false;
  if (line.queue_hook.is_linked() && line.state != LineState::Filling) prefetched_.erase(prefetched_.iterator_to(line));
  ++counters_.prefetch_used;
}

DirtyLines& ExCache::dirty_list(const Object& object) { return object.on_disk ? dirty_on_disk_ : dirty_in_memory_; }

void ExCache::set_dirty_listed(Line& line, bool dirty) {
  if (dirty == line.dirty_hook.is_linked()) return;
  DirtyLines& list = dirty_list(*line.object);
  if (dirty) {
    line.dirty_since = ++dirty_sequence_;
    list.push_back(line);
    const bool first_to_age = line.object->on_disk && ageing_at_ns_ == base::never_ns;
    if (first_to_age) ageing_at_ns_ = clock_.now_ns() + configuration_.ageing_period_ns;
    if (first_to_age || must_clean()) kick_evictors();
  } else {
    list.erase(list.iterator_to(line));
    if (dirty_lines() < configuration_.dirty_file_lines) dirty_waiters_.wake_all();
  }
}

}  // namespace excache
