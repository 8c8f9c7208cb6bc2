// SPDX-License-Identifier: Apache-2.0
// Shared objects: making, finding and ending them. See shared_object.h. There is one SharedObject for an id; while one
// is ending, whoever opens it waits.
#include "processor/shared_object.h"

#include "kernel/base/memory.h"
#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"

namespace processor {

using base::Error;
using base::Result;

void ReferenceCount<SharedObject>::take(SharedObject& object) { CountedReferences<SharedObject>::take(object); }
void ReferenceCount<SharedObject>::drop(SharedObject& object) { CountedReferences<SharedObject>::drop(object); }

namespace {

excache::ObjectKind kind_of(ObjectKind kind) {
  return kind == ObjectKind::File ? excache::ObjectKind::File : excache::ObjectKind::Anonymous;
}

void release_hold(MemoryHome& home, base::ObjectId file) {
  messages::FileReleaseRequest request;
  request.file = file.value();
  request.count = 1;
  (void)insist(home, request);
}

// The object if it is known and not ending; if it is ending, when it has ended.
Result<Reference<SharedObject>> find_object(MonitorCore& monitor, base::ObjectId id, Sleeper& sleeper) {
  while (true) {
    {
      const base::SpinGuard guard(monitor.objects_lock());
      const auto found = monitor.objects_locked().find(id);
      if (found == monitor.objects_locked().end()) return Reference<SharedObject>();
      if (CountedReferences<SharedObject>::try_take(*found)) return Reference<SharedObject>::adopt(*found);
      found->ended_.add(sleeper);
    }
    if (sleeper.sleep()) continue;
    const base::SpinGuard guard(monitor.objects_lock());
    sleeper.unlink();
    return base::fail(Error::Interrupted);
  }
}

// With a hold of the file, which the object takes over. An empty reference: another thread was faster, look again.
Result<Reference<SharedObject>> add_object(Family& family, MemoryHome& home, base::ObjectId id, ObjectKind kind,
                                           std::uint64_t bytes, bool on_disk) {
  MonitorCore& monitor = core_of(family);
  auto object = base::make<SharedObject>(family, home, id, kind, bytes, on_disk);
  if (!object) return base::fail(Error::NoMemory);
  if (kind == ObjectKind::Anonymous) family.add_holding();
  const base::SpinGuard guard(monitor.objects_lock());
  if (!monitor.objects_locked().insert(*object).second) return Reference<SharedObject>();
  monitor.excache().add_object(object->object());
  return Reference<SharedObject>(*object.release());
}

Result<Reference<SharedObject>> open_held(Family& family, MemoryHome& home, base::ObjectId id, std::uint64_t bytes,
                                          bool on_disk, Sleeper& sleeper) {
  while (true) {
    auto known = find_object(core_of(family), id, sleeper);
    if (!known) return known;
    if (*known) {
      release_hold(home, id);  // it has one
      return known;
    }
    auto made = add_object(family, home, id, ObjectKind::File, bytes, on_disk);
    if (!made || *made) return made;
  }
}

}  // namespace

Result<Reference<SharedObject>> open_file_by_id(Family& family, base::ObjectId file, bool on_disk, Sleeper& sleeper) {
  auto known = TRY(find_object(core_of(family), file, sleeper));
  if (known) return known;
  MemoryHome& home = *TRY(core_of(family).home_at(family.home().memory, family.home().vnode));
  messages::FileHoldRequest request;
  request.file = file.value();
  messages::FileAttributes attributes = TRY(ask(home, request)).body.attributes;
  auto opened = open_held(family, home, file, attributes.size, on_disk, sleeper);
  if (!opened) release_hold(home, file);
  return opened;
}

Result<Reference<SharedObject>> open_file(Family& family, const messages::FileAttributes& attributes,
                                          FileOpening opening, Sleeper& sleeper) {
  const base::ObjectId file(attributes.file);
  if (!opening.held) return open_file_by_id(family, file, opening.on_disk, sleeper);
  MemoryHome& home = *TRY(core_of(family).home_at(family.home().memory, family.home().vnode));
  auto opened = open_held(family, home, file, attributes.size, opening.on_disk, sleeper);
  if (!opened) release_hold(home, file);
  return opened;
}

Result<Reference<SharedObject>> create_segment(Family& family, std::uint64_t bytes, Sleeper&) {
  MemoryHome& home = *TRY(core_of(family).home_at(family.home().memory, family.home().vnode));
  messages::ObjectCreateRequest request;
  request.bytes = bytes;
  if (!request.validate()) return base::fail(Error::InvalidArgument);
  const base::ObjectId id(TRY(ask(home, request)).body.object);
  auto made = add_object(family, home, id, ObjectKind::Anonymous, bytes, false);
  if (made && *made) return made;
  messages::ObjectReleaseRequest release;
  release.object = id.value();
  if (!made) (void)insist(home, release);
  return base::fail(made ? Error::Malformed : made.error());  // an id that was given before
}

void settle_endings(Family& family, Sleeper& sleeper) { core_of(family).settle_endings(sleeper); }

Reference<SharedObject> find_held_object(Family& family, base::ObjectId id) {
  MonitorCore& monitor = core_of(family);
  const base::SpinGuard guard(monitor.objects_lock());
  const auto found = monitor.objects_locked().find(id);
  if (found == monitor.objects_locked().end() || !CountedReferences<SharedObject>::try_take(*found)) return {};
  return Reference<SharedObject>::adopt(*found);
}

SharedObject::SharedObject(Family& family, MemoryHome& object_home, base::ObjectId object_id, ObjectKind kind,
                           std::uint64_t bytes, bool on_disk)
    : family_(kind == ObjectKind::Anonymous ? Reference<Family>(family) : Reference<Family>()),
      monitor_(core_of(family)),
      home_(object_home),
      object_(object_id, kind_of(kind), object_home, bytes, on_disk) {}

excache::ExCache& SharedObject::cache() const { return monitor_.excache(); }

void SharedObject::last_reference_gone() { monitor_.end_later(*this); }

// Nobody maps or uses it any more.
void SharedObject::end() {
  ThreadSleeper sleeper(threads::Interruptible::Never);
  excache::ExCache& cache = monitor_.excache();
  std::uint64_t upto = ~std::uint64_t{0};
  while (is_file() && cache.flush(object_, upto, sleeper) == excache::Progress::Wait) sleeper.sleep();
  cache.freeze_object(object_, 0);
  while (cache.quiesce_object(object_, sleeper) == excache::Progress::Wait) sleeper.sleep();
  cache.drop_pages(object_, 0);
  cache.thaw_object(object_);
  cache.remove_object(object_);
  cache.forget(history);
  if (is_file()) {
    release_hold(home_, id());
  } else {
    messages::ObjectReleaseRequest request;
    request.object = id().value();
    (void)insist(home_, request);
  }
  {
    const base::SpinGuard guard(monitor_.objects_lock());
    monitor_.objects_locked().erase(monitor_.objects_locked().iterator_to(*this));
    ended_.wake_all();
  }
  const Reference<Family> family = family_;
  base::Own<SharedObject>(this).reset();
  if (family) family->remove_holding();
}

}  // namespace processor
