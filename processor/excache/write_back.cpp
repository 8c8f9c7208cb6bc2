// SPDX-License-Identifier: Apache-2.0
// Write-backs: dirty lines go home, several to a message, each with all the tags that share it. Between the shootdown
// and the answer a line is WritingBack: nobody can store to it, readers may map it, its tags stay. Also cleaning: dirty
// lines of files are written back while they stay, so that they remain few and none on disk stays dirty for long.
#include <utility>

#include "processor/excache/evict_batch.h"

namespace excache {
namespace {

// Errors after which the page is still here and worth another try; after others its home is taken as gone.
bool may_retry(base::Error error) {
  switch (error) {
    case base::Error::Again:
    case base::Error::Busy:
    case base::Error::Exhausted:
    case base::Error::NoMemory:
    case base::Error::TimedOut:
    case base::Error::Interrupted:
      return true;
    default:
      return false;
  }
}

}  // namespace

Home* ExCache::home_of(const Tag& tag) {
  return tag.kind == TagKind::Object ? &tag.line->object->home : owner_locked(*tag.space, tag.address());
}

// Whether one more dirty line of the batch finds room in messages to its home.
bool ExCache::reserve_write_back(Home* home, EvictBatch& batch) const {
  if (home == nullptr) return false;
  unsigned messages = 0;
  EvictBatch::Share* share = nullptr;
  for (EvictBatch::Share& candidate : batch.shares) {
    if (share == nullptr && (candidate.home == home || candidate.home == nullptr)) share = &candidate;
    messages += (candidate.pages + max_write_back_pages - 1) / max_write_back_pages;
  }
  if (share == nullptr) return false;
  if (share->pages % max_write_back_pages == 0) {
    const unsigned of_home = share->pages / max_write_back_pages + 1;
    if (messages + 1 > free_write_back_count_ || of_home + home->write_backs_ > max_write_backs_per_home) {
      ++batch.refused;
      return false;
    }
  }
  share->home = home;
  ++share->pages;
  return true;
}

WriteBack* ExCache::open_message(Home& home, unsigned tags, WriteBackBuilder& builder) {
  for (unsigned i = 0; i < builder.count; ++i) {
    WriteBack& message = *builder.messages[i];
    if (message.home == &home && message.page_count < max_write_back_pages &&
        message.tag_count + tags <= max_write_back_tags)
      return &message;
  }
  if (free_write_backs_ == nullptr || home.write_backs_ >= max_write_backs_per_home) return nullptr;
  WriteBack& message = *free_write_backs_;
  free_write_backs_ = message.next_free;
  --free_write_back_count_;
  message.home = &home;
  message.page_count = 0;
  message.tag_count = 0;
  ++home.write_backs_;
  ++counters_.write_backs;
  builder.messages[builder.count++] = &message;
  return &message;
}

// Names the unsaved tags of one home, as many as a message holds; others remain unsaved and go another time.
bool ExCache::add_to_write_back(Line& line, WriteBackBuilder& builder) {
  Tag* first = first_unsaved(line);
  Home* home = home_of(*first);
  if (home == nullptr) return false;
  unsigned wanted = 0;
  for (const Tag& tag : line.tags)
    if (tag.unsaved && home_of(tag) == home && wanted < max_write_back_tags) ++wanted;
  WriteBack* message = open_message(*home, wanted, builder);
  if (message == nullptr) return false;
  WriteBack::Page& page = message->pages[message->page_count++];
  page.line = &line;
  page.tag_count = wanted;
  page.object_bytes = line.object != nullptr && line.object->kind == ObjectKind::File ? line.object->bytes_ : 0;
  for (Tag& tag : line.tags) {
    if (wanted == 0) break;
    if (!tag.unsaved || home_of(tag) != home) continue;
    tag.in_flight = true;
    message->tags[message->tag_count++] = tag.key;
    --wanted;
  }
  counters_.bytes_written_back += base::page_bytes;
  return true;
}

void ExCache::submit(WriteBackBuilder& builder) {
  for (unsigned i = 0; i < builder.count; ++i) {
    WriteBack& message = *builder.messages[i];
    message.home->write_back(message);
  }
}

void ExCache::write_back_done(WriteBack& message, base::Error error) {
  const base::SpinGuard guard(lock_);
  for (unsigned i = 0; i < message.page_count; ++i) {
    Line& line = *message.pages[i].line;
    if (error == base::Error::None && line.object != nullptr) {
      Object& object = *line.object;
      object.home_bytes_ = std::max(object.home_bytes_, message.pages[i].object_bytes);
    }
    settle_written(line, error);
  }
  --message.home->write_backs_;
  message.next_free = free_write_backs_;
  free_write_backs_ = &message;
  ++free_write_back_count_;
  write_back_waiters_.wake_all();
  kick_evictors();
}

void ExCache::settle_written(Line& line, base::Error error) {
  LEGO_ASSERT(line.state == LineState::WritingBack && line.batch == nullptr);
  bool mapped = false;
  for (Tag& tag : line.tags) {
    mapped |= tag.mapped;
    if (!tag.in_flight) continue;
    tag.in_flight = false;
    if (error != base::Error::None && may_retry(error)) continue;
    if (error != base::Error::None) {  // who asks the home for it will be told, and so will the next fsync
      ++counters_.lost_pages;
      if (line.object != nullptr) line.object->write_error_ = error;
    }
    tag.unsaved = false;
    tag.content = true;
    if (tag.kind == TagKind::Object) line.object->set_content(tag.key.page);
  }
  const bool saved = first_unsaved(line) == nullptr;
  if (saved) {
    line.notified = false;
    set_dirty_listed(line, false);
  }
  if (line.evicting && saved && !mapped && line.waiters.empty() && line.pins == 0 && !frozen(line)) {
    set_resident(line);
    ++counters_.evictions;
    drop_line(line);
    return;
  }
  set_resident(line);
}

// Once in a period what was dirty at the end of the last one becomes old.
void ExCache::grow_old() {
  const std::uint64_t now_ns = clock_.now_ns();
  if (now_ns < ageing_at_ns_) return;
  old_until_ = std::exchange(old_next_, dirty_sequence_);
  ageing_at_ns_ = dirty_on_disk_.empty() ? base::never_ns : now_ns + configuration_.ageing_period_ns;
}

// Of what is dirty without need: all if it is very much, else what is old.
void ExCache::clean_some(EvictBatch& batch) {
  grow_old();
  const bool all = must_clean();
  select_cleaning(dirty_on_disk_, batch, nullptr, all ? dirty_sequence_ : old_until_);
  if (all) select_cleaning(dirty_in_memory_, batch, nullptr, dirty_sequence_);
}

void ExCache::select_cleaning(DirtyLines& lines, EvictBatch& batch, const Object* object, std::uint64_t upto) {
  for (Line& line : lines) {
    if (line.dirty_since > upto || batch.line_count >= 2 * max_write_back_pages) return;
    if (object == nullptr || line.object == object) try_clean(line, batch);
  }
}

// What keeps a dirty line from being cleaned now; nullptr: nothing.
base::WaitQueue* ExCache::cleaning_waits_for(Line& line) {
  if (line.object->frozen(line.tags.front().key.page)) return &line.object->waiters_;
  if (line.state != LineState::Resident || line.writers > 0 || line.notifying) return &line.waiters;
  for (const Tag& tag : line.tags)
    if (tag.busy || tag.flushing > 0) return &line.waiters;
  return nullptr;
}

// Takes the right to store from all who map the line, and what they stored into account.
bool ExCache::try_clean(Line& line, EvictBatch& batch) {
  if (batch.full() || cleaning_waits_for(line) != nullptr) return false;
  if (first_unsaved(line) != nullptr && !reserve_write_back(&line.object->home, batch)) return false;
  for (Tag& tag : line.tags) {
    if (!tag.mapped) continue;
    PageTable& table = tag.space->table;
    const PageEntry entry = table.read(tag.address());
    if (entry.writable && batch.flush.room() == 0) return false;  // very many may store to it: the rest next time
    const PageEntry old = table.protect_and_clean(tag.address(), {false, entry.executable});
    if (old.dirty) object_tag(line)->unsaved = true;
    if (old.writable) batch.flush.add(tag);
  }
  line.state = LineState::WritingBack;
  line.batch = &batch;
  batch.lines[batch.line_count++] = &line;
  return true;
}

void ExCache::settle_cleaned(Line& line, WriteBackBuilder& builder) {
  line.batch = nullptr;
  if (first_unsaved(line) != nullptr) {
    if (!add_to_write_back(line, builder)) set_resident(line);
    return;
  }
  line.notified = false;
  set_dirty_listed(line, false);
  set_resident(line);
}

Progress ExCache::flush(Object& object, std::uint64_t& upto, base::Waiter& waiter) {
  for (;;) {
    EvictBatch batch;
    {
      const base::SpinGuard guard(lock_);
      if (upto == ~std::uint64_t{0}) upto = dirty_sequence_;
      select_cleaning(dirty_list(object), batch, &object, upto);
      if (batch.line_count == 0 && batch.flush.empty()) {
        Line* left = oldest_dirty(object);
        if (left == nullptr || left->dirty_since > upto) return Progress::Done;
        base::WaitQueue* queue = cleaning_waits_for(*left);
        (queue != nullptr ? *queue : write_back_waiters_).add(waiter);
        return Progress::Wait;
      }
    }
    finish_batch(batch);
  }
}

Line* ExCache::oldest_dirty(const Object& object) {
  for (Line& line : dirty_list(object))
    if (line.object == &object) return &line;
  return nullptr;
}

std::uint64_t ExCache::dirty_file_lines() {
  const base::SpinGuard guard(lock_);
  return dirty_lines();
}

}  // namespace excache
