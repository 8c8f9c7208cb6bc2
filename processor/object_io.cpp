// SPDX-License-Identifier: Apache-2.0
// Reading, writing and flushing objects through the ExCache, and truncation. See shared_object.h.
#include <algorithm>
#include <cstring>

#include "processor/monitor_core.h"
#include "processor/thread_sleeper.h"

namespace processor {

using base::Error;
using base::page_bytes;
using base::Result;
using excache::FaultKind;
using excache::PageUse;

Error error_of_loss(Error error) {
  return error == Error::PeerDead || error == Error::NoSpace ? error : Error::IoError;
}

namespace {

// A page of an object that the kernel uses.
class PinnedPage {
 public:
  PinnedPage(SharedObject& object, PageUse use) : object_(object), use_(use) {}
  PinnedPage(const PinnedPage&) = delete;
  PinnedPage& operator=(const PinnedPage&) = delete;
  ~PinnedPage() {
    if (line_ != nullptr) object_.cache().unpin_page(*line_, use_, object_bytes_);
  }
  Result<std::byte*> pin(std::uint64_t page, Sleeper& sleeper) {
    excache::ExCache& cache = object_.cache();
    while (true) {
      const excache::PinOutcome outcome = cache.pin_page(object_.object(), page, use_, object_.history, sleeper);
      if (outcome.fault.kind == FaultKind::Resolved) {
        line_ = outcome.line;
        return outcome.bytes;
      }
      if (outcome.fault.kind == FaultKind::Wait) {
        if (sleeper.sleep()) continue;
        cache.cancel_wait(sleeper);
        return base::fail(Error::Interrupted);
      }
      if (outcome.fault.kind != FaultKind::NoMemory && !is_passing(outcome.fault.error))
        return base::fail(error_of_loss(outcome.fault.error));
      if (threads::current().killed()) return base::fail(Error::Interrupted);
      wait_before_retry();
    }
  }
  // It was written: the object reaches so far at least.
  void wrote_to(std::uint64_t object_bytes) { object_bytes_ = object_bytes; }

 private:
  SharedObject& object_;
  const PageUse use_;
  excache::Line* line_ = nullptr;
  std::uint64_t object_bytes_ = 0;
};

Result<> reserve(SharedObject& object, std::uint64_t offset, std::uint64_t end) {
  messages::FileReserveRequest request;
  request.file = object.id().value();
  request.offset = offset;
  request.bytes = end - offset;
  TRY(ask(object.home(), request));
  return {};
}

// Up to where there is room, to a page, when there is not for all: in halves.
std::uint64_t reserve_some(SharedObject& object, std::uint64_t offset, std::uint64_t end) {
  std::uint64_t done = offset / page_bytes, pages = (end - 1) / page_bytes + 1 - done;
  while (pages > 1) {
    pages = (pages + 1) / 2;
    const std::uint64_t next = std::min((done + pages) * page_bytes, end);
    if (next > done * page_bytes && reserve(object, std::max(offset, done * page_bytes), next)) done += pages;
  }
  return std::max(offset, std::min(done * page_bytes, end));
}

// The home is told of each page once before it is written, so that there is room. How many bytes there is room for.
Result<std::uint64_t> announce_write(SharedObject& object, std::uint64_t offset, std::uint64_t bytes,
                                     Sleeper& sleeper) {
  if (!object.is_file()) return bytes;
  const std::uint64_t end = offset + bytes, end_page = (end + page_bytes - 1) / page_bytes;
  const std::uint64_t first = object.cache().first_clean_page(object.object(), offset / page_bytes, end_page);
  if (first == end_page) return bytes;
  const std::uint64_t begin = std::max(offset, first * page_bytes);
  Result<> all = reserve(object, begin, end);
  if (!all && all.error() == base::Error::NoSpace) {
    object.monitor().settle_endings(sleeper);
    all = reserve(object, begin, end);
  }
  if (all) return bytes;
  if (all.error() != base::Error::NoSpace) return base::fail(all.error());
  const std::uint64_t room = reserve_some(object, begin, end) - offset;
  return room > 0 ? Result<std::uint64_t>(room) : base::fail(base::Error::NoSpace);
}

}  // namespace

Result<std::size_t> read_object(SharedObject& object, std::uint64_t offset, std::span<std::byte> to, Sleeper& sleeper) {
  std::size_t done = 0;
  while (done < to.size()) {
    const std::uint64_t end = object_bytes(object);
    const std::uint64_t position = offset + done;
    if (position >= end) break;
    const std::uint64_t within = position % page_bytes;
    const std::uint64_t count = std::min({page_bytes - within, end - position, std::uint64_t{to.size() - done}});
    PinnedPage page(object, PageUse::Read);
    const auto bytes = page.pin(position / page_bytes, sleeper);
    if (!bytes && done > 0) break;
    if (!bytes) return base::fail(bytes.error());
    std::memcpy(to.data() + done, *bytes + within, count);
    done += count;
  }
  return done;
}

Result<std::size_t> write_object(SharedObject& object, std::uint64_t offset, std::span<const std::byte> from,
                                 Sleeper& sleeper) {
  if (from.empty()) return std::size_t{0};
  from = from.first(TRY(announce_write(object, offset, from.size(), sleeper)));
  std::size_t done = 0;
  while (done < from.size()) {
    const std::uint64_t position = offset + done;
    const std::uint64_t within = position % page_bytes;
    const std::uint64_t count = std::min(page_bytes - within, std::uint64_t{from.size() - done});
    PinnedPage page(object, count == page_bytes ? PageUse::Overwrite : PageUse::Write);
    const auto bytes = page.pin(position / page_bytes, sleeper);
    if (!bytes && done > 0) break;
    if (!bytes) return base::fail(bytes.error());
    std::memcpy(*bytes + within, from.data() + done, count);
    page.wrote_to(position + count);
    done += count;
  }
  return done;
}

Result<> flush_object(SharedObject& object, Sleeper& sleeper) {
  excache::ExCache& cache = object.cache();
  std::uint64_t upto = ~std::uint64_t{0};
  while (cache.flush(object.object(), upto, sleeper) == excache::Progress::Wait) {
    if (sleeper.sleep()) continue;
    cache.cancel_wait(sleeper);
    return base::fail(Error::Interrupted);
  }
  const Error error = cache.take_write_error(object.object());
  return error == Error::None ? Result<>() : base::fail(error_of_loss(error));
}

Result<> synchronize_mapping(AddressSpace& space, const vma::Vma& area, Sleeper& sleeper) {
  if (!area.object || !area.shared()) return {};
  const Reference<SharedObject> object = find_held_object(space.family(), area.object);
  if (!object || !object->is_file()) return {};
  TRY(flush_object(*object, sleeper));
  messages::FileSyncRequest request;
  request.file = object->id().value();
  TRY(ask(object->home(), request));
  return {};
}

base::ObjectId object_id(const SharedObject& object) { return object.id(); }
std::uint64_t object_bytes(const SharedObject& object) { return object.cache().object_bytes(object.object()); }
bool may_cache(const SharedObject&) { return true; }

}  // namespace processor
