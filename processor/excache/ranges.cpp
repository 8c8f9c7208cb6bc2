// SPDX-License-Identifier: Apache-2.0
// Operations on ranges of an address space: munmap, DONTNEED, mremap, mprotect, exit. While a range is frozen nothing
// new begins in it; quiesce() waits until what was under way has ended and, to unmap, takes the pages out of page
// tables and TLBs. Then no message names them, and the home may be told whatever is to happen; nothing depends on the
// order of messages. If the home refuses, the pages are still here.
#include <algorithm>

#include "processor/excache/excache.h"

namespace excache {

void ExCache::freeze(Space& space, vma::Range range) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(space.frozen_count_ < space.frozen_.size());
  space.frozen_[space.frozen_count_++] = range;
}

void ExCache::thaw(Space& space) {
  const base::SpinGuard guard(lock_);
  space.frozen_count_ = 0;
  space.waiters_.wake_all();
  kick_evictors_if_short();
}

void ExCache::hold(Space& space, vma::Range range) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(space.held_count_ < space.held_.size());
  space.held_[space.held_count_++] = range;
}

void ExCache::let_go(Space& space, unsigned ranges) {
  if (ranges == 0) return;
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(ranges <= space.held_count_);
  std::copy(space.held_.begin() + ranges, space.held_.begin() + space.held_count_, space.held_.begin());
  space.held_count_ -= ranges;
  kick_evictors_if_short();
}

void ExCache::let_go_of_last(Space& space) {
  const base::SpinGuard guard(lock_);
  LEGO_ASSERT(space.held_count_ > 0);
  --space.held_count_;
  kick_evictors_if_short();
}

// A visitor of entries that knows the ExCache and stops looking once it is told to.
struct ExCache::Visit : PageVisitor {
  Visit(ExCache& excache, Space& visited) : cache(excache), space(visited) {}
  ExCache& cache;
  Space& space;

  Tag* tag_of(base::UserVa page) const { return cache.find_tag({space.id.value(), page.value() >> base::page_shift}); }
};

Progress ExCache::quiesce(Space& space, Quiesce& state, base::Waiter& waiter) {
  struct Quiescer final : Visit {
    Quiescer(ExCache& excache, Space& visited, Quiesce& quiesce_state)
        : Visit(excache, visited), state(quiesce_state) {}
    Quiesce& state;
    FlushBatch batch;
    Line* blocked_by = nullptr;
    base::UserVa blocked_at;

    void visit(base::UserVa page, const PageEntry& entry) override {
      if (blocked_by != nullptr) return;
      if (!entry.present && entry.mark == Mark::Content) {
        state.home_content = true;
        return;
      }
      Tag* tag = tag_of(page);
      LEGO_ASSERT(tag != nullptr);
      if (cache.under_way(*tag->line, *tag)) {
        blocked_by = tag->line;
        blocked_at = page;
        return;
      }
      if (tag->kind == TagKind::Private && tag->content) state.home_content = true;
      if (!entry.present || state.unmapping == Unmapping::Keep) return;
      cache.unmap(*tag, Mark::Cached);
      batch.add(*tag);
    }
  };
  while (state.position < state.range.end) {
    Quiescer quiescer(*this, space, state);
    {
      const base::SpinGuard guard(lock_);
      state.position = space.table.visit({state.position, state.range.end}, visit_pages, quiescer);
      if (quiescer.blocked_by != nullptr) {
        state.position = quiescer.blocked_at;
        quiescer.blocked_by->waiters.add(waiter);
      }
    }
    if (!quiescer.batch.empty()) {
      shoot_down(quiescer.batch);
      const base::SpinGuard guard(lock_);
      settle(quiescer.batch);
    }
    if (quiescer.blocked_by != nullptr) return Progress::Wait;
  }
  return Progress::Done;
}

std::optional<base::UserVa> ExCache::first_touched(Space& space, vma::Range range, bool only_private) {
  struct Finder final : Visit {
    using Visit::Visit;
    bool only_private = false;
    std::optional<base::UserVa> found;
    void visit(base::UserVa page, const PageEntry& entry) override {
      if (found) return;
      const bool of_home = !entry.present && entry.mark == Mark::Content;
      if (of_home || !only_private || tag_of(page)->kind == TagKind::Private) found = page;
    }
  };
  for (base::UserVa position = range.start; position < range.end;) {
    const base::SpinGuard guard(lock_);
    Finder finder(*this, space);
    finder.only_private = only_private;
    position = space.table.visit({position, range.end}, visit_pages, finder);
    if (finder.found) return finder.found;
  }
  return {};
}

void ExCache::discard(Space& space, vma::Range range) {
  struct Discarder final : Visit {
    using Visit::Visit;
    void visit(base::UserVa page, const PageEntry& entry) override {
      if (!entry.present && entry.mark == Mark::Content) return space.table.set_mark(page, Mark::None);
      Tag* tag = tag_of(page);
      LEGO_ASSERT(tag != nullptr && !cache.under_way(*tag->line, *tag));
      if (entry.present) cache.unmap(*tag, Mark::None);  // a space that no processor has used
      space.table.set_mark(page, Mark::None);
      Line& line = *tag->line;
      cache.drop_tag(*tag);
      cache.release_if_unused(line);
    }
  };
  for (base::UserVa position = range.start; position < range.end;) {
    const base::SpinGuard guard(lock_);
    Discarder discarder(*this, space);
    position = space.table.visit({position, range.end}, visit_pages, discarder);
  }
}

base::Result<> ExCache::prepare_move(Space& space, vma::Range from, base::UserVa to) {
  struct Preparer final : Visit {
    using Visit::Visit;
    base::UserVa from;
    base::UserVa to;
    bool failed = false;
    void visit(base::UserVa page, const PageEntry&) override {
      if (!failed && !space.table.prepare(to + (page - from))) failed = true;
    }
  };
  for (base::UserVa position = from.start; position < from.end;) {
    const base::SpinGuard guard(lock_);
    Preparer preparer(*this, space);
    preparer.from = from.start;
    preparer.to = to;
    position = space.table.visit({position, from.end}, visit_pages, preparer);
    if (preparer.failed) return base::fail(base::Error::NoMemory);
  }
  return {};
}

void ExCache::move(Space& space, vma::Range from, base::UserVa to) {
  struct Mover final : Visit {
    using Visit::Visit;
    base::UserVa from;
    base::UserVa to;
    void visit(base::UserVa page, const PageEntry& entry) override {
      LEGO_ASSERT(!entry.present);
      const base::UserVa target = to + (page - from);
      space.table.set_mark(page, Mark::None);
      if (entry.mark == Mark::Content) return space.table.set_mark(target, Mark::Content);
      Tag* tag = tag_of(page);
      LEGO_ASSERT(tag != nullptr && !cache.under_way(*tag->line, *tag));
      if (tag->kind == TagKind::Mapper) {  // found again by its object at the next touch
        cache.drop_tag(*tag);
        return;
      }
      cache.tags_.erase(cache.tags_.iterator_to(*tag));
      tag->key.page = target.value() >> base::page_shift;
      cache.tags_.insert(*tag);
      space.table.set_mark(target, Mark::Cached);
    }
  };
  for (base::UserVa position = from.start; position < from.end;) {
    const base::SpinGuard guard(lock_);
    Mover mover(*this, space);
    mover.from = from.start;
    mover.to = to;
    position = space.table.visit({position, from.end}, visit_pages, mover);
  }
}

void ExCache::apply_protection(Space& space, vma::Range range) {
  struct Protector final : Visit {
    using Visit::Visit;
    FlushBatch batch;
    void visit(base::UserVa page, const PageEntry& entry) override {
      if (!entry.present) return;
      const vma::Vma* vma = space.vmas.find(page);
      const auto allowed = vma != nullptr ? vma->protection : vma::Protection::None;
      Tag* tag = tag_of(page);
      if (allowed == vma::Protection::None) {
        cache.unmap(*tag, Mark::Cached);
        return batch.add(*tag);
      }
      // Rights that are gained come with the next fault.
      const PageRights rights{entry.writable && vma::has(allowed, vma::Protection::Write),
                              entry.executable && vma::has(allowed, vma::Protection::Execute)};
      if (rights == PageRights{entry.writable, entry.executable}) return;
      space.table.protect(page, rights);
      batch.add(*tag);
    }
  };
  for (base::UserVa position = range.start; position < range.end;) {
    Protector protector(*this, space);
    {
      const base::SpinGuard space_guard(space.lock);
      const base::SpinGuard guard(lock_);
      position = space.table.visit({position, range.end}, visit_pages, protector);
    }
    if (protector.batch.empty()) continue;
    shoot_down(protector.batch);
    const base::SpinGuard guard(lock_);
    settle(protector.batch);
  }
}

// After the parent was quiesced. Both map the same lines read-only from now on; the parent's processors have forgotten
// that they could write when this returns, and the child has not run yet.
base::Result<> ExCache::fork(Space& parent, Space& child) {
  struct Forker final : Visit {
    Forker(ExCache& excache, Space& visited, Space& new_space) : Visit(excache, visited), child(new_space) {}
    Space& child;
    FlushBatch batch;
    base::UserVa failed_at;
    bool failed = false;

    void visit(base::UserVa page, const PageEntry& entry) override {
      if (failed) return;
      if (!entry.present && entry.mark == Mark::Content) {
        if (child.table.prepare(page)) return child.table.set_mark(page, Mark::Content);
        return fail_at(page);
      }
      Tag* tag = tag_of(page);
      if (tag->kind == TagKind::Mapper) return;  // the child finds it by its object
      Line& line = *tag->line;
      if (line.state == LineState::Failed) {
        if (child.table.prepare(page)) return child.table.set_mark(page, Mark::Content);
        return fail_at(page);
      }
      Tag* copy = child.table.prepare(page)
                      ? cache.take_tag({child.id.value(), tag->key.page}, line, TagKind::Private, &child)
                      : nullptr;
      if (copy == nullptr) return fail_at(page);
      if (entry.present) share(*tag, *copy, entry);
      copy->content = tag->content;
      copy->unsaved = tag->unsaved;
      if (!entry.present) child.table.set_mark(page, Mark::Cached);
    }
    void share(Tag& tag, Tag& copy, const PageEntry& entry) {
      const base::UserVa page = tag.address();
      const PageRights rights{false, entry.executable};
      const PageEntry old = space.table.protect_and_clean(page, rights);
      if (old.dirty) tag.unsaved = true;
      if (old.writable) batch.add(tag);
      child.table.install(page, cache.memory_.frame(cache.index_of(*tag.line)), rights);
      copy.mapped = true;
      child.count_mapped();
    }
    void fail_at(base::UserVa page) {
      failed = true;
      failed_at = page;
    }
  };
  constexpr vma::Range everything{base::UserVa(0), base::UserVa(std::uint64_t{1} << 47)};
  for (base::UserVa position = everything.start; position < everything.end;) {
    Forker forker(*this, parent, child);
    {
      const base::SpinGuard guard(lock_);
      TRY(add_tags(2 * visit_pages));
      position = parent.table.visit({position, everything.end}, visit_pages, forker);
    }
    if (!forker.batch.empty()) {
      shoot_down(forker.batch);
      const base::SpinGuard guard(lock_);
      settle(forker.batch);
    }
    if (forker.failed) return base::fail(base::Error::NoMemory);
  }
  return {};
}

Progress ExCache::retire(Space& space, base::Waiter& waiter) {
  const base::SpinGuard guard(lock_);
  if (space.tags_ == 0 && !space.asking_frames_) return Progress::Done;
  space.waiters_.add(waiter);
  return Progress::Wait;
}

}  // namespace excache
