// SPDX-License-Identifier: Apache-2.0
// Objects that become shorter, and holes in them. See shared_object.h.
#include <algorithm>

#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"

namespace processor {

using base::Error;
using base::page_bytes;
using base::Result;

namespace {

// Until nothing is under way with the frozen pages.
Result<> quiesce(SharedObject& object, Sleeper& sleeper) {
  excache::ExCache& cache = object.cache();
  while (cache.quiesce_object(object.object(), sleeper) == excache::Progress::Wait) {
    if (sleeper.sleep()) continue;
    cache.cancel_wait(sleeper);
    return base::fail(Error::Interrupted);
  }
  return {};
}

template <typename Visit>
void for_each_space(SharedObject& object, Visit visit) {
  MonitorCore& monitor = object.monitor();
  for (Reference<AddressSpace> space = monitor.next_space(base::SpaceId(0)); space;
       space = monitor.next_space(space->id()))
    visit(*space);
}

}  // namespace

bool is_mapped_for_writing(SharedObject& object) {
  bool found = false;
  for_each_space(object, [&](AddressSpace& space) {
    const base::SpinGuard guard(space.space().lock);
    const vma::VmaSet& vmas = space.space().vmas;
    for (const vma::Vma* vma = vmas.first(); vma != nullptr && !found; vma = vmas.next(*vma))
      found = vma->object == object.id() && vma->shared() && !vma::has(vma->flags, vma::Flags::NoWrite);
  });
  return found;
}

// The page that the new end is in is frozen too: what follows the end in it is cleared.
Result<> Truncation::begin(Sleeper& sleeper) {
  LEGO_ASSERT(!active_);
  active_ = true;
  excache::ExCache& cache = object_.cache();
  cache.freeze_object(object_.object(), new_bytes_ / page_bytes);
  const Result<> quiet = quiesce(object_, sleeper);
  if (!quiet) end(false);
  return quiet;
}

void Truncation::end(bool done) {
  if (!active_) return;
  active_ = false;
  excache::ExCache& cache = object_.cache();
  const std::uint64_t first_gone = (new_bytes_ + page_bytes - 1) / page_bytes;
  const bool shrinks = new_bytes_ < cache.object_bytes(object_.object());
  if (done) {
    cache.drop_pages(object_.object(), first_gone);
    cache.clear_part(object_.object(), new_bytes_, first_gone * page_bytes - new_bytes_);
    cache.resize_object(object_.object(), new_bytes_);
  }
  cache.thaw_object(object_.object());
  if (!done || !shrinks) return;
  ThreadSleeper sleeper(threads::Interruptible::Never);
  for_each_space(object_,
                 [&](AddressSpace& space) { discard_private_copies(space, object_.id(), first_gone, sleeper); });
}

Truncation::~Truncation() { end(false); }

// Pages that are in the range in part are frozen too: their part is cleared.
Result<> HolePunch::begin(Sleeper& sleeper) {
  LEGO_ASSERT(!active_);
  active_ = true;
  object_.cache().freeze_object(object_.object(), begin_ / page_bytes, (end_ + page_bytes - 1) / page_bytes);
  const Result<> quiet = quiesce(object_, sleeper);
  if (!quiet) end(false);
  return quiet;
}

void HolePunch::end(bool done) {
  if (!active_) return;
  active_ = false;
  excache::ExCache& cache = object_.cache();
  const std::uint64_t first = (begin_ + page_bytes - 1) / page_bytes, last = end_ / page_bytes;
  if (done) {
    cache.drop_pages(object_.object(), first, last);
    if (begin_ < first * page_bytes)
      cache.clear_part(object_.object(), begin_, std::min(end_, first * page_bytes) - begin_);
    if (last >= first) cache.clear_part(object_.object(), last * page_bytes, end_ - last * page_bytes);
  }
  cache.thaw_object(object_.object());
}

HolePunch::~HolePunch() { end(false); }

}  // namespace processor
