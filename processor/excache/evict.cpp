// SPDX-License-Identifier: Apache-2.0
// Evictors: they free lines ahead of demand. Victims are chosen by a clock over all lines (second chance by accessed
// bits; prefetched lines that nobody asked for go first), unmapped in a batch, and flushed from TLBs by one shootdown
// per address space in the batch. Then clean ones are dropped and dirty ones written back, several to a message.
// Nothing here runs in a faulting thread.
#include <algorithm>

#include "processor/excache/evict_batch.h"

namespace excache {
namespace {

// Lines looked at with the lock held once.
constexpr std::size_t scan_lines = 256;
// Victims that could not be written back yet after which looking on waits for write-backs to end: otherwise each answer
// of a busy home, good for 16 lines, would be followed by a walk over all lines of a cache full of stores.
constexpr unsigned refused_lines = 64;

}  // namespace

ExCache::EvictResult ExCache::evict(bool in_fault) {
  EvictResult result;
  EvictBatch batch;
  {
    const base::SpinGuard guard(lock_);
    result.events = events_;
    if (!configuration_.evictors) return result;
    expire_pins();
    select_victims(batch);
    if (batch.line_count == 0) clean_some(batch);
    if (batch.line_count == 0 && !batch.scanning && batch.refused < refused_lines && somebody_waits_for_line()) {
      result.progress = break_pins();
      if (!result.progress && !contexts_.empty())
        result.retry_at_ns = contexts_.front().last_fault_ns_ + pin_lifetime_ns + 1;
    }
    result.retry_at_ns = std::min(result.retry_at_ns, ageing_at_ns_);
    if (in_fault) counters_.evictions_by_faulting_thread += batch.line_count;
  }
  result.progress |= batch.line_count > 0 || batch.scanning;
  finish_batch(batch);
  return result;
}

void ExCache::finish_batch(EvictBatch& batch) {
  WriteBackBuilder builder;
  shoot_down(batch.flush);
  {
    const base::SpinGuard guard(lock_);
    settle(batch.flush);
    for (unsigned i = 0; i < batch.line_count; ++i)
      if (batch.lines[i]->batch == &batch) settle_line(*batch.lines[i], builder);  // else somebody touched it: it stays
  }
  submit(builder);
}

Progress ExCache::wait_for_work(std::uint64_t events, base::Waiter& waiter) {
  const base::SpinGuard guard(lock_);
  if (events_ != events) return Progress::Done;
  evictors_.add(waiter);
  return Progress::Wait;
}

std::size_t ExCache::lines_wanted() {
  const std::size_t coming = free_.size() + freeing_;
  if (coming <= configuration_.low_water) evicting_ = true;
  if (coming >= configuration_.high_water) evicting_ = false;
  if (evicting_) return configuration_.high_water - coming;
  return tags_wanted_ > free_tags_.size() ? tags_wanted_ - free_tags_.size() : 0;
}

void ExCache::select_victims(EvictBatch& batch) {
  const std::size_t wanted = std::min<std::size_t>(lines_wanted(), max_victims);
  // Young prefetched lines still have their chance.
  for (auto position = prefetched_.begin(); position != prefetched_.end();) {
    Line& line = *position++;
    if (batch.line_count >= wanted || prefetched_.size() <= configuration_.high_water / 2) break;
    try_victim(line, batch);
  }
  if (batch.line_count >= wanted) return;
  // Twice round without a victim: once to take away accessed bits, once to find who has not been used since.
  for (std::size_t looked = 0; batch.line_count < wanted; ++looked) {
    if (barren_ >= 2 * lines_.size()) {
      // A small cache has come round in one go: what this batch flushes could not be a victim yet.
      batch.scanning = !batch.flush.empty();
      barren_ = batch.scanning ? lines_.size() : 0;
      return;
    }
    if (batch.refused >= refused_lines) return;
    if (looked == scan_lines || batch.flush.room() <= FlushBatch::capacity / 2) {
      batch.scanning = true;
      return;
    }
    Line& line = lines_[hand_];
    hand_ = hand_ + 1 == lines_.size() ? 0 : hand_ + 1;
    ++barren_;
    ++counters_.lines_scanned;
    if (evictable(line) && !was_used(line, batch) && try_victim(line, batch)) barren_ = 0;
  }
}

bool ExCache::frozen(const Line& line) {
  if (line.object != nullptr && line.object->frozen(line.tags.front().key.page)) return true;
  for (const Tag& tag : line.tags)
    if (tag.space != nullptr && (tag.space->frozen(tag.key.page) || tag.space->held(tag.key.page))) return true;
  return false;
}

bool ExCache::evictable(const Line& line) {
  if (line.state != LineState::Resident && line.state != LineState::Failed) return false;
  if (line.pins > 0 || line.soft_pins > 0 || line.tags.empty() || frozen(line)) return false;
  for (const Tag& tag : line.tags)
    if (tag.busy || tag.flushing > 0) return false;
  return true;
}

// Second chance: whether anybody used it since the hand passed last. Forgets that, in TLBs as well: a translation that
// stays in a TLB sets no accessed bit.
bool ExCache::was_used(Line& line, EvictBatch& batch) {
  bool used = line.referenced;
  line.referenced = false;
  for (Tag& tag : line.tags) {
    if (!tag.mapped || !tag.space->table.clear_accessed(tag.address())) continue;
    used = true;
    if (batch.flush.room() > 0) batch.flush.add(tag);
  }
  return used;
}

// The first tag that its home has not the newest page for; asks the page table about stores, too.
Tag* ExCache::first_unsaved(Line& line) {
  for (Tag& tag : line.tags) {
    if (tag.unsaved) return &tag;
    if (tag.mapped && tag.space->table.read(tag.address()).dirty)
      return tag.kind == TagKind::Private ? &tag : &line.tags.front();
  }
  return nullptr;
}

// Unmaps the line if it can be a victim now.
bool ExCache::try_victim(Line& line, EvictBatch& batch) {
  if (!evictable(line) || batch.full()) return false;
  if (Tag* unsaved = first_unsaved(line)) {
    if (line.object != nullptr && !line.object->prepare_content(unsaved->key.page)) return false;
    if (!reserve_write_back(home_of(*unsaved), batch)) return false;
  }
  for (Tag& tag : line.tags) {
    if (!tag.mapped) continue;
    if (batch.flush.room() == 0) return false;  // very many have it mapped: the rest next time
    unmap(tag, Mark::Cached);
    batch.flush.add(tag);
  }
  line.state = LineState::Victim;
  line.batch = &batch;
  batch.lines[batch.line_count++] = &line;
  return true;
}

// No processor has a translation of the line any more (or none that may store to it).
void ExCache::settle_line(Line& line, WriteBackBuilder& builder) {
  if (line.state == LineState::WritingBack) return settle_cleaned(line, builder);
  LEGO_ASSERT(line.state == LineState::Victim);
  line.batch = nullptr;
  if (frozen(line)) return set_resident(line);
  if (first_unsaved(line) == nullptr) {
    ++counters_.evictions;
    return drop_line(line);
  }
  if (!add_to_write_back(line, builder)) return set_resident(line);
  line.state = LineState::WritingBack;
  line.evicting = true;
  ++freeing_;
  settled(line);
}

}  // namespace excache
