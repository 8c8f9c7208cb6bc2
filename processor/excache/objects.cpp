// SPDX-License-Identifier: Apache-2.0
// Shared objects: their pages as the kernel reads and writes them (files), truncation and release.
#include "processor/excache/step.h"

namespace excache {

void ExCache::add_object(Object& object) {
  const base::SpinGuard guard(lock_);
  const bool inserted = objects_.insert(object).second;
  LEGO_ASSERT(inserted);
}

void ExCache::remove_object(Object& object) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(object.lines_.empty() && object.waiters_.empty());
  objects_.erase(objects_.iterator_to(object));
}

Object* ExCache::find_object_locked(base::ObjectId id) {
  auto found = objects_.find(id);
  return found == objects_.end() ? nullptr : &*found;
}

std::uint64_t ExCache::object_bytes(const Object& object) {
  const base::SpinGuard guard(lock_);
  return object.bytes_;
}

void ExCache::resize_object(Object& object, std::uint64_t bytes) {
  const base::SpinGuard guard(lock_);
  // Beyond what was there before, the home has nothing but zeros, which need no message.
  object.home_bytes_ = std::min({object.home_bytes_, object.bytes_, bytes});
  object.bytes_ = bytes;
}

base::Error ExCache::take_write_error(Object& object) {
  const base::SpinGuard guard(lock_);
  return std::exchange(object.write_error_, base::Error::None);
}

PinOutcome ExCache::pin_page(Object& object, std::uint64_t page, PageUse use, FaultContext& history,
                             base::Waiter& waiter) {
  for (;;) {
    PinOutcome outcome;
    Step step = decide_pin(object, page, use, history, waiter, outcome);
    if (step.action != Step::Action::Finish) perform(step);
    if (step.prefetch.count > 0) prefetch(step.prefetch);
    if (step.waits()) return outcome;
  }
}

ExCache::Step ExCache::decide_pin(Object& object, std::uint64_t page, PageUse use, FaultContext& history,
                                  base::Waiter& waiter, PinOutcome& outcome) {
  const base::SpinGuard guard(lock_);
  Step step = pin_step(object, page, use, history, waiter);
  outcome.fault = step.outcome;
  if (use == PageUse::Read && (step.action == Step::Action::Fetch || step.outcome.kind == FaultKind::Resolved))
    plan_object_prefetch(object, page, history, step);
  if (step.action == Step::Action::Finish && step.outcome.kind == FaultKind::Resolved) {
    outcome.line = step.line;
    outcome.bytes = memory_.address(index_of(*step.line));
  }
  return step;
}

ExCache::Step ExCache::pin_step(Object& object, std::uint64_t page, PageUse use, FaultContext& history,
                                base::Waiter& waiter) {
  if (object.frozen(page)) return wait_on(object.waiters_, waiter);
  Tag* tag = find_tag({object.id.value(), page});
  Line* line = tag != nullptr ? tag->line : nullptr;
  const bool write = use != PageUse::Read;
  if (line != nullptr) {
    if (line->state == LineState::Filling) return join_fill(*line, history, waiter);
    if (line->state == LineState::Failed) return lost(*line);
    if (write && (line->state == LineState::WritingBack || line->notifying)) return wait_on(line->waiters, waiter);
  }
  if (write && (line == nullptr || !line->dirty_hook.is_linked()) && object.kind == ObjectKind::File &&
      dirty_lines() >= configuration_.dirty_file_lines) {
    kick_evictors();
    return wait_on(dirty_waiters_, waiter);
  }
  if (line == nullptr) {
    if (use != PageUse::Overwrite) return fill_object(object, page, nullptr, false, history, waiter);
    if (free_tags_.empty()) return wait_for_tag(false, waiter);
    line = take_line(false);
    if (line == nullptr) return wait_for_free(false, waiter);
    take_object_line(object, *line, {object.id.value(), page}, object.has_content(page));
  }
  if (line->state == LineState::Victim) set_resident(*line);
  touch_prefetched(*line);
  history.filled_ = false;
  line->referenced = true;
  ++line->pins;
  if (write) {
    ++line->writers;
    if (object.kind == ObjectKind::File) {
      line->notified = true;
      set_dirty_listed(*line, true);
    }
  }
  Step step;
  step.line = line;
  return step;
}

void ExCache::unpin_page(Line& line, PageUse use, std::uint64_t object_bytes) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(line.pins > 0);
  --line.pins;
  if (use != PageUse::Read) {
    LEGO_ASSERT(line.writers > 0);
    --line.writers;
    object_tag(line)->unsaved = true;
    line.object->bytes_ = std::max(line.object->bytes_, object_bytes);
    if (line.state == LineState::Filling) line.state = LineState::Resident;  // all of it was written
  }
  settled(line);
}

std::uint64_t ExCache::first_clean_page(Object& object, std::uint64_t first_page, std::uint64_t end_page) {
  const base::SpinGuard guard(lock_);
  for (std::uint64_t page = first_page; page < end_page; ++page) {
    Tag* tag = find_tag({object.id.value(), page});
    if (tag == nullptr || !tag->line->notified) return page;
  }
  return end_page;
}

void ExCache::write_notified(Line& line, base::Error error) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(line.notifying && line.pins > 0);
  line.notifying = false;
  --line.pins;
  line.error = error;
  if (error == base::Error::None) {
    line.notified = true;
    set_dirty_listed(line, true);
  }
  settled(line);
}

void ExCache::freeze_object(Object& object, std::uint64_t from_page, std::uint64_t end_page) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(!object.any_frozen());
  object.frozen_from_ = from_page;
  object.frozen_to_ = end_page;
}

void ExCache::thaw_object(Object& object) {
  const base::SpinGuard guard(lock_);
  object.frozen_from_ = object.frozen_to_ = 0;
  object.waiters_.wake_all();
  kick_evictors();
}

// Unmaps the frozen pages of an object from everybody, when nothing is under way with them any more.
Progress ExCache::quiesce_object(Object& object, base::Waiter& waiter) {
  for (;;) {
    FlushBatch batch;
    {
      const base::SpinGuard guard(lock_);
      Line* blocked = nullptr;
      for (Line& line : object.lines_) {
        if (!object.frozen(line.tags.front().key.page)) continue;
        if (line.state != LineState::Resident && line.state != LineState::Failed) blocked = &line;
        if (line.pins > 0) blocked = &line;
        for (Tag& tag : line.tags) {
          if (tag.busy || tag.flushing > 0) blocked = &line;
          if (!tag.mapped || blocked == &line || batch.room() == 0) continue;
          unmap(tag, Mark::Cached);
          batch.add(tag);
        }
        if (blocked != nullptr || batch.room() == 0) break;
      }
      if (batch.empty()) {
        if (blocked == nullptr) return Progress::Done;
        blocked->waiters.add(waiter);
        return Progress::Wait;
      }
    }
    shoot_down(batch);
    const base::SpinGuard guard(lock_);
    settle(batch);
  }
}

void ExCache::drop_pages(Object& object, std::uint64_t from_page, std::uint64_t end_page) {
  const base::SpinGuard guard(lock_);
  for (auto position = object.lines_.begin(); position != object.lines_.end();) {
    Line& line = *position++;
    const std::uint64_t page = line.tags.front().key.page;
    if (page >= from_page && page < end_page) drop_line(line);
  }
}

void ExCache::clear_part(Object& object, std::uint64_t offset, std::uint64_t bytes) {
  if (bytes == 0) return;
  const base::SpinGuard guard(lock_);
  Tag* tag = find_tag({object.id.value(), offset / base::page_bytes});
  if (tag == nullptr || tag->line->state != LineState::Resident) return;
  std::byte* memory = memory_.address(index_of(*tag->line)) + offset % base::page_bytes;
  std::fill(memory, memory + bytes, std::byte{0});
}

}  // namespace excache
