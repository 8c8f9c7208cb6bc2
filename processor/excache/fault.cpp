// SPDX-License-Identifier: Apache-2.0
// The miss path: what a fault finds, and what it does about it. decide() looks with both locks held and names one step;
// perform() does that step without a lock; then everything starts over from the VMA.
#include "processor/excache/step.h"

namespace excache {
namespace {

bool permits(const vma::Vma& vma, Access access) {
  switch (access) {
    case Access::Read:
      return vma.protection != vma::Protection::None;  // x86 cannot map what is only written or executed
    case Access::Write:
      return vma::has(vma.protection, vma::Protection::Write);
    case Access::Execute:
      return vma::has(vma.protection, vma::Protection::Execute);
  }
  return false;
}

constexpr std::uint64_t page_of(base::UserVa address) { return address.value() >> base::page_shift; }
constexpr base::UserVa page_start(base::UserVa address) {
  return base::UserVa(base::round_down(address.value(), base::page_bytes));
}

}  // namespace

FaultOutcome ExCache::handle_fault(Space& space, const Fault& fault, FaultContext& context, base::Waiter& waiter) {
  Work work = Work::None;
  for (;;) {
    Step step = decide(space, fault, context, waiter);
    if (step.action != Step::Action::Finish) perform(step);
    work = work | step.work();
    if (step.action == Step::Action::Finish || step.waits()) {
      if (step.prefetch.count > 0) prefetch(step.prefetch);
      step.outcome.work = work;
      if (step.waits() && step.action != Step::Action::Finish) step.outcome.asked = step.home;
      return step.outcome;
    }
  }
}

ExCache::Step ExCache::decide(Space& space, const Fault& fault, FaultContext& context, base::Waiter& waiter) {
  const base::SpinGuard space_guard(space.lock);
  const base::SpinGuard guard(lock_);
  begin_fault(context, fault);
  Step step;
  const vma::Vma* vma = space.vmas.find(fault.address);
  if (vma == nullptr) {
    const bool grows = space.vmas.stack_growth(fault.address, space.stack_limit).has_value();
    step = done(grows ? FaultKind::GrowStack : FaultKind::NotMapped);
  } else if (!permits(*vma, fault.access)) {
    step = done(FaultKind::NotPermitted);
  } else {
    step = decide_mapped(space, *vma, fault, context, waiter);
    plan_prefetch(space, *vma, context, fault.address, step);
  }
  if (step.action == Step::Action::Finish && step.outcome.kind != FaultKind::Wait) {
    context.in_fault_ = false;
    wake_line_waiters();
  }
  return step;
}

ExCache::Step ExCache::decide_mapped(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context,
                                     base::Waiter& waiter) {
  const base::UserVa page = page_start(fault.address);
  if (space.frozen(page_of(page))) return wait_on(space.waiters_, waiter);
  const PageEntry entry = space.table.read(page);
  if (entry.present || entry.mark == Mark::Cached) {
    Tag* tag = find_tag({space.id.value(), page_of(page)});
    LEGO_ASSERT(tag != nullptr && tag->mapped == entry.present);
    if (tag->kind == TagKind::Private) return use_private(space, vma, fault, context, *tag, waiter);
    return use_object(space, vma, fault, context, tag, waiter);
  }
  if (entry.mark == Mark::Content) return fill_private(space, fault, context, true, waiter);
  if (!vma.object) return fill_private(space, fault, context, false, waiter);
  return use_object(space, vma, fault, context, nullptr, waiter);
}

ExCache::Step ExCache::done(FaultKind kind, base::Error error) {
  Step step;
  step.outcome = {kind, error};
  return step;
}

ExCache::Step ExCache::wait_on(base::WaitQueue& queue, base::Waiter& waiter) {
  queue.add(waiter);
  return done(FaultKind::Wait);
}

// A fill that another thread or a prefetch began.
ExCache::Step ExCache::join_fill(Line& line, FaultContext& context, base::Waiter& waiter) {
  if (!context.filled_) ++counters_.joined_fills;
  context.filled_ = true;
  touch_prefetched(line);
  return wait_on(line.waiters, waiter);
}

// The home cannot give what this line was to hold. The next who asks tries again.
ExCache::Step ExCache::lost(Line& line) {
  const base::Error error = line.error;
  drop_line(line);
  return done(FaultKind::Lost, error);
}

ExCache::Step ExCache::use_private(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context,
                                   Tag& tag, base::Waiter& waiter) {
  Line& line = *tag.line;
  if (tag.busy) return wait_on(line.waiters, waiter);
  if (line.state == LineState::Filling) return join_fill(line, context, waiter);
  if (line.state == LineState::Failed) return lost(line);
  const bool write = fault.access == Access::Write;
  if (write && line.state == LineState::WritingBack) return wait_on(line.waiters, waiter);
  if (write && line.private_tags > 1) return make_copy(space, fault, context, line, &tag, waiter);
  const bool writable = vma::has(vma.protection, vma::Protection::Write) && line.private_tags == 1 &&
                        line.state != LineState::WritingBack;
  map(tag, {writable, vma::has(vma.protection, vma::Protection::Execute)}, context);
  return done(FaultKind::Resolved);
}

// A page of the object behind the VMA; `mapper`: the tag of this space for it, if there is one.
ExCache::Step ExCache::use_object(Space& space, const vma::Vma& vma, const Fault& fault, FaultContext& context,
                                  Tag* mapper, base::Waiter& waiter) {
  if (mapper != nullptr && mapper->busy) return wait_on(mapper->line->waiters, waiter);
  Object* object = find_object_locked(vma.object);
  if (object == nullptr) return done(FaultKind::Lost, base::Error::Stale);
  const std::uint64_t page = vma.object_page(page_start(fault.address));
  if (object->frozen(page)) return wait_on(object->waiters_, waiter);
  if (page >= object->pages()) return done(FaultKind::BeyondObject);
  Tag* held = find_tag({object->id.value(), page});
  if (held == nullptr) return fill_object(*object, page, &space, fault.from_kernel, context, waiter);
  Line& line = *held->line;
  LEGO_ASSERT(mapper == nullptr || mapper->line == &line);
  if (line.state == LineState::Filling) return join_fill(line, context, waiter);
  if (line.state == LineState::Failed) return lost(line);
  const bool write = fault.access == Access::Write;
  if (write && !vma.shared()) return make_copy(space, fault, context, line, mapper, waiter);
  if (write) {
    Step step;
    if (!may_write_object(*object, line, waiter, step)) return step;
  }
  if (mapper == nullptr) {
    if (!space.table.prepare(page_start(fault.address))) return done(FaultKind::NoMemory);
    mapper = take_tag({space.id.value(), page_of(fault.address)}, line, TagKind::Mapper, &space);
    if (mapper == nullptr) return wait_for_tag(fault.from_kernel, waiter);
  }
  const bool writable = vma.shared() && vma::has(vma.protection, vma::Protection::Write) &&
                        line.state != LineState::WritingBack &&
                        (object->kind == ObjectKind::Anonymous || line.notified);
  map(*mapper, {writable, vma::has(vma.protection, vma::Protection::Execute)}, context);
  return done(FaultKind::Resolved);
}

// Whether a shared line may be stored to now. The home of a file is told first, once until the page is clean again.
bool ExCache::may_write_object(Object& object, Line& line, base::Waiter& waiter, Step& step) {
  if (line.state == LineState::WritingBack || line.notifying) {
    step = wait_on(line.waiters, waiter);
    return false;
  }
  if (object.kind == ObjectKind::Anonymous || line.notified) return true;
  if (line.error != base::Error::None) {  // the home refused
    step = done(FaultKind::BeyondObject, line.error);
    line.error = base::Error::None;
    return false;
  }
  if (dirty_lines() >= configuration_.dirty_file_lines) {
    kick_evictors();
    step = wait_on(dirty_waiters_, waiter);
    return false;
  }
  if (line.state == LineState::Victim) set_resident(line);
  line.notifying = true;
  ++line.pins;
  step = wait_on(line.waiters, waiter);
  step.action = Step::Action::Notify;
  step.line = &line;
  step.home = &object.home;
  step.key = object_tag(line)->key;
  return false;
}

void ExCache::map(Tag& tag, PageRights rights, FaultContext& context) {
  Line& line = *tag.line;
  Space& space = *tag.space;
  if (line.state == LineState::Victim) {
    ++counters_.rescues;
    set_resident(line);
  }
  if (line.evicting) {  // being written back; it is not freed afterwards
    line.evicting = false;
    --freeing_;
  }
  if (tag.mapped) {
    space.table.protect(tag.address(), rights);
  } else {
    if (!context.filled_) ++counters_.shared_hits;
    space.table.install(tag.address(), memory_.frame(index_of(line)), rights);
    tag.mapped = true;
    space.count_mapped();
  }
  touch_prefetched(line);
  pin(context, line);
}

void ExCache::perform(Step& step) {
  switch (step.action) {
    case Step::Action::Finish:
      return;
    case Step::Action::Zero:
      memory_.zero(index_of(*step.line));
      return finish_fill(*step.line);
    case Step::Action::Copy: {
      if (step.flush) step.space->table.shoot_down({&step.page, 1});
      memory_.copy(index_of(*step.line), index_of(*step.source));
      return finish_copy(step);
    }
    case Step::Action::Fetch:
      return step.home->fetch(*step.line, step.key, false);
    case Step::Action::AskFrames:
      return step.home->reserve_frames(*step.space, frames_per_request);
    case Step::Action::Notify:
      return step.home->notify_write(*step.line, step.key);
  }
}

}  // namespace excache
