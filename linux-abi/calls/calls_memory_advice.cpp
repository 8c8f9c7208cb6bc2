// SPDX-License-Identifier: Apache-2.0
// madvise. As on Linux, what lies before the first area that an advice is not for has taken it when the call fails, and
// holes are told of only after everything else was done.
#include <linux/mman.h>

#include "linux-abi/calls/calls_memory.h"
#include "linux-abi/calls/memory_areas.h"
#include "linux-abi/files/file_context.h"
#include "linux-abi/files/home_node.h"
#include "linux-abi/files/tree.h"
#include "linux-abi/process/memory_information.h"

namespace linux_abi::calls {

using base::page_bytes;
using base::UserVa;
using vma::Flags;

namespace {

// Newer than the headers.
constexpr int dontneed_locked = 24, collapse = 25;

bool is_known(int advice) {
  return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) || (advice >= MADV_FREE && advice <= collapse);
}

// Whole pages, of which what is beyond all user addresses is cut off. EINVAL.
struct Advised {
  vma::Range range;
  bool cut = false;
};
Answer<Advised> advised(std::uint64_t address, std::uint64_t length) {
  if (address % page_bytes != 0 || length > ~std::uint64_t{0} - (page_bytes - 1)) return error(EINVAL);
  const std::uint64_t end = address + base::round_up(length, page_bytes);
  if (end < address) return error(EINVAL);
  const std::uint64_t last = std::min(end, arch::user_space_end), first = std::min(address, last);
  return Advised{{UserVa(first), UserVa(last)}, end > arch::user_space_end};
}

// The range up to the first area in it that the advice is not for, and what the call answers after it was given.
struct Accepted {
  vma::Range range;
  Answer<> answer;
};
template <typename Check>
Accepted accepted_part(Call& call, const vma::Range& range, Check check) {
  UserVa refused = range.end;
  const Answer<> answer = for_each_area(call, range, [&](const vma::Vma& area) -> Answer<> {
    const Answer<> fits = check(area);
    if (!fits) refused = area.range.start;
    return fits;
  });
  return {{range.start, refused}, answer};
}

Answer<> fits_if(bool good, int otherwise = EINVAL) { return good ? Answer<>() : error(otherwise); }

Answer<> mark(Call& call, const vma::Range& range, Flags set, Flags cleared) {
  if (range.bytes() == 0) return {};
  auto done = processor::mark(call.process().space(), range, set, cleared, call.thread.sleeper());
  if (!done && done.error() == base::Error::NoMemory) return error(EAGAIN);  // as Linux says it
  TRY(done);
  return {};
}

template <typename Check>
Answer<> mark_accepted(Call& call, const vma::Range& range, Flags set, Flags cleared, Check check) {
  const Accepted part = accepted_part(call, range, check);
  TRY(mark(call, part.range, set, cleared));
  return part.answer;
}

template <typename Check>
Answer<> discard_accepted(Call& call, const vma::Range& range, Check check) {
  const Accepted part = accepted_part(call, range, check);
  if (part.range.bytes() == 0) return part.answer;
  auto done = processor::discard(call.process().space(), part.range, call.thread.sleeper());
  if (!done && done.error() != base::Error::NoMemory) TRY(done);  // NoMemory: there are holes
  return part.answer;
}

// Until something cannot be had. What is more than all free memory is not begun with.
Answer<> populate(Call& call, const vma::Range& range, arch::TouchFor purpose) {
  const bool writes = purpose == arch::TouchFor::Write;
  std::uint64_t room = memory_information().free_bytes;
  const vma::Range covered = processor::covered_part(call.process().space(), range);
  TRY(for_each_area(call, covered, [&](const vma::Vma& area) -> Answer<> {
    if (!vma::has(area.protection, writes ? vma::Protection::Write : vma::Protection::Read)) return error(EINVAL);
    if (writes && area.range.bytes() > room) return error(ENOMEM);
    if (writes) room -= area.range.bytes();
    return touch_pages(area.range, purpose);
  }));
  return fits_if(covered == range, ENOMEM);
}

// Zeros, in as many bytes as the object has.
Answer<> clear(processor::SharedObject& object, std::uint64_t offset, std::uint64_t bytes, Call& call) {
  static constexpr std::array<std::byte, page_bytes> zeros{};
  const std::uint64_t end = std::min(offset + bytes, base::round_up(processor::object_bytes(object), page_bytes));
  for (; offset < end; offset += page_bytes) TRY(processor::write_object(object, offset, zeros, call.thread.sleeper()));
  return {};
}

// Of a file that nobody has open any more the node may be unknown; then, as in segments, the room is not given back.
Answer<> remove(Call& call, const vma::Vma& area) {
  processor::AddressSpace& space = call.process().space();
  if (!area.object || processor::shows_system_pages(area) || is_locked(call, area.range)) return error(EINVAL);
  if (!area.shared() || vma::has(area.flags, Flags::NoWrite)) return error(EACCES);
  if (processor::maps_file(space, area)) {
    const auto node = known_file(call.thread.file_context().tree(), area.object.value());
    if (node) return node->punch(area.object_offset, area.range.bytes(), call.thread);
  }
  const auto object = processor::find_held_object(call.process().family(), area.object);
  return object ? clear(*object, area.object_offset, area.range.bytes(), call) : error(EINVAL);
}

Answer<> advise(Call& call, const vma::Range& range, int advice) {
  const auto everything = [](const vma::Vma&) { return Answer<>(); };
  const auto not_locked = [&](const vma::Vma& area) { return fits_if(!is_locked(call, area.range)); };
  const auto droppable = [](const vma::Vma& area) { return vma::has(area.flags, Flags::Droppable); };
  switch (advice) {
    case MADV_FREE:  // allowed to keep the pages until memory is short; it need not
      return discard_accepted(
          call, range, [&](const vma::Vma& area) { return fits_if(!area.object && !is_locked(call, area.range)); });
    case MADV_DONTNEED:
      return discard_accepted(call, range, not_locked);
    case dontneed_locked:
      return discard_accepted(call, range, everything);
    case MADV_DONTFORK:
      return mark_accepted(call, range, Flags::NotForked, Flags::None, everything);
    case MADV_DOFORK:
      return mark_accepted(call, range, Flags::None, Flags::NotForked, everything);
    case MADV_WIPEONFORK:
      return mark_accepted(call, range, Flags::WipedByFork, Flags::None,
                           [](const vma::Vma& area) { return fits_if(!area.object && !area.shared()); });
    case MADV_KEEPONFORK:
      return mark_accepted(call, range, Flags::None, Flags::WipedByFork,
                           [&](const vma::Vma& area) { return fits_if(!droppable(area)); });
    case MADV_DONTDUMP:
      return mark_accepted(call, range, Flags::NotDumped, Flags::None, everything);
    case MADV_DODUMP:
      return mark_accepted(call, range, Flags::None, Flags::NotDumped, [&](const vma::Vma& area) {
        return fits_if(!droppable(area) && !processor::shows_system_pages(area));
      });
    case MADV_POPULATE_READ:
      return populate(call, range, arch::TouchFor::Read);
    case MADV_POPULATE_WRITE:
      return populate(call, range, arch::TouchFor::Write);
    case MADV_REMOVE:
      return for_each_area(call, range, [&](const vma::Vma& area) { return remove(call, area); });
    case collapse:  // there are no huge pages to make of these
      return for_each_area(call, range, [](const vma::Vma&) -> Answer<> { return error(EINVAL); });
    case MADV_COLD:
    case MADV_PAGEOUT:
      return for_each_area(call, range, not_locked);
    default:
      return for_each_area(call, range, everything);
  }
}

}  // namespace

Answer<std::uint64_t> madvise(Call& call) {
  const int advice = Call::as_int(call.c());
  if (!is_known(advice)) return error(EINVAL);
  const Advised asked = TRY(advised(call.a(), call.b()));
  if (asked.range.bytes() != 0) TRY(advise(call, asked.range, advice));
  return asked.cut ? Answer<std::uint64_t>(error(ENOMEM)) : std::uint64_t{0};
}

}  // namespace linux_abi::calls
