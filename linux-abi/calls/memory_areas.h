// SPDX-License-Identifier: Apache-2.0
// For calls that go through what is mapped of a range.
#pragma once

#include <algorithm>

#include "arch/x86_64/user_copy.h"
#include "linux-abi/calls/call.h"
#include "processor/address_space.h"

namespace linux_abi::calls {

// visit(Vma clipped to the range) -> Answer<>; ENOMEM at the end if something in it is not mapped.
template <typename Visit>
Answer<> for_each_area(Call& call, const vma::Range& range, Visit visit) {
  bool hole = false;
  for (base::UserVa at = range.start; at < range.end;) {
    vma::Vma area;
    if (processor::list_vmas(call.process().space(), at, std::span(&area, 1)) == 0 || area.range.start >= range.end)
      return error(ENOMEM);
    hole = hole || area.range.start > at;
    const base::UserVa start = std::max(at, area.range.start);
    if (area.object) area.object_offset += start - area.range.start;
    area.range = {start, std::min(area.range.end, range.end)};
    TRY(visit(area));
    at = area.range.end;
  }
  return hole ? Answer<>(error(ENOMEM)) : Answer<>();
}

// Brings in the pages of a part of an area; EFAULT where one cannot be had.
inline Answer<> touch_pages(const vma::Range& range, arch::TouchFor purpose) {
  for (base::UserVa at = range.start; at < range.end; at = at + base::page_bytes)
    if (!arch::fault_in(at, purpose)) return error(EFAULT);
  return {};
}

}  // namespace linux_abi::calls
