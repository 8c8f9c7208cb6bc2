// SPDX-License-Identifier: Apache-2.0
// Filling lines: with zeros, with a copy, or from a home. The line is Filling and has its tag meanwhile, so that others
// join. See fault.cpp for what comes before and after.
#include <algorithm>

#include "processor/excache/step.h"

namespace excache {

ExCache::Step ExCache::wait_for_free(bool from_kernel, base::Waiter& waiter) {
  wait_for_line(waiter, from_kernel);
  return done(FaultKind::Wait);
}

ExCache::Step ExCache::wait_for_tag(bool from_kernel, base::Waiter& waiter) {
  // Tags come free as lines do.
  tags_wanted_ = std::max<std::size_t>(tags_wanted_, visit_pages);
  return wait_for_free(from_kernel, waiter);
}

// While the home is low on memory, each page made here needs a frame promised there.
bool ExCache::frame_granted(Space& space, Home* home, base::Waiter& waiter, Step& step) {
  if (home == nullptr || !home->low_) return true;
  if (space.granted_frames_ > 0) {
    --space.granted_frames_;
    return true;
  }
  if (space.frames_denied_) {
    space.frames_denied_ = false;
    step = done(FaultKind::NoMemory, base::Error::NoMemory);
    return false;
  }
  step = wait_on(space.waiters_, waiter);
  if (space.asking_frames_) return false;
  space.asking_frames_ = true;
  step.action = Step::Action::AskFrames;
  step.home = home;
  step.space = &space;
  return false;
}

void ExCache::frames_reserved(Space& space, std::uint32_t frames, base::Error error) {
  const base::SpinGuard guard(lock_);
  space.asking_frames_ = false;
  if (error == base::Error::None) {
    space.granted_frames_ += frames;
  } else {
    space.frames_denied_ = true;
  }
  space.waiters_.wake_all();
}

void ExCache::set_low_memory(Home& home, bool low) {
  const base::SpinGuard guard(lock_);
  home.low_ = low;
}

ExCache::Step ExCache::fill_private(Space& space, const Fault& fault, FaultContext& context, bool content,
                                    base::Waiter& waiter) {
  const base::UserVa page(base::round_down(fault.address.value(), base::page_bytes));
  const PageKey key{space.id.value(), page.value() >> base::page_shift};
  Home* home = owner_locked(space, page);
  if (content && home == nullptr) return done(FaultKind::Lost, base::Error::NotFound);
  if (!space.table.prepare(page)) return done(FaultKind::NoMemory);
  Step step;
  if (!content && !frame_granted(space, home, waiter, step)) return step;
  if (free_tags_.empty()) return wait_for_tag(fault.from_kernel, waiter);
  Line* line = take_line(fault.from_kernel);
  if (line == nullptr) return wait_for_free(fault.from_kernel, waiter);
  Tag* tag = take_tag(key, *line, TagKind::Private, &space);
  tag->content = content;
  space.table.set_mark(page, Mark::Cached);
  pin(context, *line);
  context.filled_ = true;
  return start_fill(*line, key, content ? home : nullptr, waiter);
}

// `space`: who asks, for frames of a home that is low; nullptr: a file is read or written.
ExCache::Step ExCache::fill_object(Object& object, std::uint64_t page, Space* space, bool from_kernel,
                                   FaultContext& context, base::Waiter& waiter) {
  const bool content = object.has_content(page);
  Step step;
  if (!content && space != nullptr && object.kind == ObjectKind::Anonymous &&
      !frame_granted(*space, &object.home, waiter, step))
    return step;
  if (free_tags_.empty()) return wait_for_tag(from_kernel, waiter);
  Line* line = take_line(from_kernel);
  if (line == nullptr) return wait_for_free(from_kernel, waiter);
  const PageKey key{object.id.value(), page};
  take_object_line(object, *line, key, content);
  if (space != nullptr) pin(context, *line);
  context.filled_ = true;
  return start_fill(*line, key, content ? &object.home : nullptr, waiter);
}

void ExCache::take_object_line(Object& object, Line& line, const PageKey& key, bool content) {
  take_tag(key, line, TagKind::Object, nullptr)->content = content;
  line.object = &object;
  object.lines_.push_back(line);
}

ExCache::Step ExCache::start_fill(Line& line, const PageKey& key, Home* home, base::Waiter& waiter) {
  Step step;
  step.line = &line;
  step.key = key;
  step.home = home;
  if (home == nullptr) {
    ++counters_.zero_fills;
    step.action = Step::Action::Zero;
    return step;
  }
  ++counters_.remote_fills;
  step.action = Step::Action::Fetch;
  step.outcome.kind = FaultKind::Wait;
  line.waiters.add(waiter);
  return step;
}

void ExCache::finish_fill(Line& line) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(line.state == LineState::Filling);
  line.state = LineState::Resident;
  settled(line);
  release_if_unused(line);
}

void ExCache::fetch_done(Line& line, base::Error error) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(line.state == LineState::Filling);
  if (error == base::Error::None) {
    line.state = LineState::Resident;
    if (line.prefetched) prefetched_.push_back(line);
    settled(line);
    return;
  }
  if (line.prefetched || error == base::Error::Again) {  // nobody waits for it, or they ask again themselves
    drop_line(line);
    return;
  }
  line.state = LineState::Failed;
  line.error = error;
  settled(line);
}

// A store to a page that others share. `tag`: what this space has for the page now.
ExCache::Step ExCache::make_copy(Space& space, const Fault& fault, FaultContext& context, Line& source, Tag* tag,
                                 base::Waiter& waiter) {
  const base::UserVa page(base::round_down(fault.address.value(), base::page_bytes));
  if (!space.table.prepare(page)) return done(FaultKind::NoMemory);
  Step step;
  if (!frame_granted(space, owner_locked(space, page), waiter, step)) return step;
  if (tag == nullptr && free_tags_.empty()) return wait_for_tag(fault.from_kernel, waiter);
  Line* line = take_line(fault.from_kernel);
  if (line == nullptr) return wait_for_free(fault.from_kernel, waiter);
  if (source.state == LineState::Victim) set_resident(source);
  touch_prefetched(source);
  source.referenced = true;
  ++source.pins;
  pin(context, *line);
  context.filled_ = true;
  ++counters_.cow_faults;
  step.action = Step::Action::Copy;
  step.line = line;
  step.source = &source;
  step.tag = tag;
  step.space = &space;
  step.page = page;
  if (tag == nullptr) {
    take_tag({space.id.value(), page.value() >> base::page_shift}, *line, TagKind::Private, &space);
    space.table.set_mark(page, Mark::Cached);
    return step;
  }
  tag->busy = true;
  // A translation may also be left over from a mapping that is just being flushed.
  step.flush = tag->mapped || tag->flushing > 0;
  if (tag->mapped) unmap(*tag, Mark::Cached);
  return step;
}

void ExCache::finish_copy(Step& step) {
  const base::SpinGuard guard(lock_);
  Line& source = *step.source;
  Line& line = *step.line;
  --source.pins;
  if (step.tag != nullptr) {
    Tag& tag = *step.tag;
    detach(tag);
    if (tag.kind == TagKind::Mapper) {
      tag.kind = TagKind::Private;
      tag.content = false;
      tag.unsaved = false;
    }
    tag.busy = false;
    attach(tag, line);
  }
  settled(source);
  release_if_unused(source);
  line.state = LineState::Resident;
  settled(line);
}

}  // namespace excache
