// SPDX-License-Identifier: Apache-2.0
// Prefetch by fault history: when a thread's faults (hits on prefetched lines included) are a constant number of pages
// apart, the next ones are asked for, more the longer that goes on. Only lines that are free beyond the evictors' mark
// are used; the wire puts demand first (rpc::Priority). What is not touched soon is evicted before anything else.
#include <algorithm>

#include "processor/excache/step.h"

namespace excache {
namespace {

constexpr unsigned runs_before_prefetch = 2;
constexpr unsigned most_ahead = 16;  // pages

}  // namespace

void ExCache::note_history(FaultContext& context, std::uint64_t page) {
  const auto stride = static_cast<std::int64_t>(page - context.last_page_);
  context.last_page_ = page;
  if (stride == 0) return;  // the same page again, for another access
  if (stride == context.stride_) {
    ++context.run_;
    return;
  }
  context.stride_ = stride;
  context.run_ = 0;
  context.ahead_ = 0;
}

// How many pages beyond the ones asked for already, and remembers that they are asked for.
unsigned ExCache::pages_ahead(FaultContext& context) const {
  if (!configuration_.prefetch || context.run_ < runs_before_prefetch) return 0;
  if (context.ahead_ > 0) --context.ahead_;  // one of them is being used now
  const unsigned wanted = std::min(context.run_ * 2, most_ahead);
  // In clusters: asking for one page at each fault would cost a message's overhead each time.
  if (context.ahead_ * 2 > wanted) return 0;
  return wanted - static_cast<unsigned>(context.ahead_);
}

void ExCache::plan_prefetch(Space& space, const vma::Vma& vma, FaultContext& context, base::UserVa address,
                            Step& step) const {
  const bool resolved = step.action == Step::Action::Finish && step.outcome.kind == FaultKind::Resolved;
  if (!resolved && step.action != Step::Action::Fetch) return;
  const unsigned count = pages_ahead(context);
  if (count == 0) return;
  const std::uint64_t page = address.value() >> base::page_shift;
  const std::uint64_t first_page = vma.range.start.value() >> base::page_shift;
  const std::uint64_t end_page = vma.range.end.value() >> base::page_shift;
  // As signed numbers: user pages are far below 2^63.
  const std::int64_t skipped = static_cast<std::int64_t>(context.ahead_) + 1;
  const std::int64_t from = static_cast<std::int64_t>(page) + context.stride_ * skipped;
  unsigned inside = 0;
  for (; inside < count; ++inside) {
    const std::int64_t candidate = from + context.stride_ * inside;
    if (candidate < static_cast<std::int64_t>(first_page) || candidate >= static_cast<std::int64_t>(end_page)) break;
  }
  if (inside == 0) return;
  context.ahead_ += inside;
  step.prefetch = {.count = inside,
                   .stride = context.stride_,
                   .space = &space,
                   .page = static_cast<std::uint64_t>(from),
                   .object = vma.object};
  if (vma.object)
    step.prefetch.object_page = vma.object_page(vma.range.start) + static_cast<std::uint64_t>(from) - first_page;
}

void ExCache::plan_object_prefetch(const Object& object, std::uint64_t page, FaultContext& context, Step& step) const {
  note_history(context, page);
  if (context.stride_ != 1) return;
  const unsigned count = pages_ahead(context);
  if (count == 0) return;
  step.prefetch = {.count = count, .object = object.id, .object_page = page + context.ahead_ + 1};
  context.ahead_ += count;
}

// Takes a line for the page and says what to fetch into it; nullptr: nothing to do.
Line* ExCache::prefetch_line(const PrefetchPlan& plan, std::uint64_t page, std::uint64_t object_page, PageKey& key,
                             Home*& home) {
  if (free_.size() <= configuration_.low_water || free_tags_.empty()) return nullptr;
  if (plan.space != nullptr) {
    Space& space = *plan.space;
    const base::UserVa address(page << base::page_shift);
    if (space.frozen(page)) return nullptr;
    const PageEntry entry = space.table.read(address);
    if (entry.present || entry.mark == Mark::Cached) return nullptr;
    if (entry.mark == Mark::Content) {
      home = owner_locked(space, address);
      if (home == nullptr) return nullptr;
      key = {space.id.value(), page};
      Line* line = take_line(false);
      take_tag(key, *line, TagKind::Private, &space)->content = true;
      space.table.set_mark(address, Mark::Cached);
      return line;
    }
  }
  Object* object = plan.object ? find_object_locked(plan.object) : nullptr;
  if (object == nullptr || object_page >= object->pages() || object->frozen(object_page)) return nullptr;
  key = {object->id.value(), object_page};
  if (!object->has_content(object_page) || find_tag(key) != nullptr) return nullptr;
  home = &object->home;
  Line* line = take_line(false);
  take_object_line(*object, *line, key, true);
  return line;
}

void ExCache::prefetch(const PrefetchPlan& plan) {
  for (unsigned i = 0; i < plan.count; ++i) {
    const auto offset = static_cast<std::uint64_t>(plan.stride * i);
    PageKey key;
    Home* home = nullptr;
    Line* line = nullptr;
    {
      const base::SpinGuard guard(lock_);
      line = prefetch_line(plan, plan.page + offset, plan.object_page + offset, key, home);
      if (line == nullptr) continue;
      line->prefetched = true;
      ++counters_.prefetch_issued;
    }
    home->fetch(*line, key, true);
  }
}

}  // namespace excache
