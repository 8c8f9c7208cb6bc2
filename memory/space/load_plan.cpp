// SPDX-License-Identifier: Apache-2.0
// Linux's layout of a fresh address space: see load_plan.h.
#include "memory/space/load_plan.h"

#include <algorithm>

namespace memory {
namespace {

using base::Error;
using base::page_bytes;
using base::Result;
using base::round_up;
using base::UserVa;
using vma::Protection;

constexpr std::uint64_t user_end = 0x7fff'ffff'f000;
constexpr std::uint64_t dynamic_base = 0x5555'5555'4000;  // two thirds of the user's half, as Linux
// Linux maps 128 KiB at once for the new stack; the rest comes by growth.
constexpr std::uint64_t initial_stack_bytes = 132 * 1024;
constexpr std::uint64_t smallest_stack_gap = std::uint64_t{128} << 20;
constexpr std::uint64_t largest_stack_gap = user_end / 6 * 5;

}  // namespace

SpaceLayout choose_layout(std::uint64_t stack_limit, std::uint64_t random) {
  base::Random dice(random);
  const auto pages = [&](std::uint64_t bits) {
    return random == 0 ? 0 : dice.below(std::uint64_t{1} << bits) * page_bytes;
  };
  SpaceLayout layout;
  layout.stack_top = user_end - pages(22);  // up to 16 GiB
  const std::uint64_t most = base::round_down((layout.stack_top - dynamic_base) / 2, page_bytes);
  const std::uint64_t stack = round_up(std::min(stack_limit, most), page_bytes);
  layout.stack_bytes = std::max(stack, initial_stack_bytes);
  const std::uint64_t stack_and_guard = layout.stack_bytes + vma::stack_guard_bytes;
  const std::uint64_t gap = std::clamp(stack_and_guard, smallest_stack_gap, largest_stack_gap);
  layout.areas.mmap_top = UserVa(layout.stack_top - gap - pages(28));  // up to 1 TiB
  layout.areas.end = UserVa(user_end);
  layout.program_base = dynamic_base + pages(28);
  layout.break_gap = pages(13);  // up to 32 MiB
  layout.system_pages = UserVa(layout.stack_top + pages(9));
  return layout;
}

Result<> map_program(vma::VmaSet& vmas, const ElfProgram& program, base::ObjectId file, std::uint64_t base,
                     base::Array<messages::ZeroRange>& zero_ranges) {
  if (base > user_end || round_up(program.highest, page_bytes) > user_end - base) return base::fail(Error::Malformed);
  for (std::size_t i = 0; i < program.segment_count; ++i) {
    const ElfSegment& segment = program.segments[i];
    const auto protection = static_cast<Protection>(segment.protection);
    const auto at = [base](std::uint64_t address) { return UserVa(base + address); };
    if (at(segment.start) < vmas.layout().lowest) return base::fail(Error::NotPermitted);
    if (segment.file_end > segment.start)
      TRY(vmas.map({.range = {at(segment.start), at(segment.file_end)},
                    .object = file,
                    .object_offset = segment.file_offset,
                    .protection = protection}));
    const std::uint64_t memory_end = round_up(segment.memory_end, page_bytes);
    if (memory_end > segment.file_end)
      TRY(vmas.map({.range = {at(segment.file_end), at(memory_end)}, .protection = protection}));
    if (segment.zero_start < segment.file_end)
      TRY(zero_ranges.push_back({base + segment.zero_start, segment.file_end - segment.zero_start}));
  }
  return {};
}

Result<> map_stack(vma::VmaSet& vmas, const SpaceLayout& layout, bool executable) {
  const Protection protection = Protection::Read | Protection::Write;
  return vmas.map({.range = {UserVa(layout.stack_top - initial_stack_bytes), UserVa(layout.stack_top)},
                   .protection = executable ? protection | Protection::Execute : protection,
                   .flags = vma::Flags::GrowsDown});
}

Result<> map_system_pages(vma::VmaSet& vmas, const SpaceLayout& layout, std::uint64_t data_pages,
                          std::uint64_t code_pages) {
  const std::uint64_t data = data_pages * page_bytes, code = code_pages * page_bytes;
  if (data + code == 0) return {};
  const base::ObjectId object(messages::system_pages_object);
  const UserVa place = TRY(vmas.place(layout.system_pages, data + code, vma::Placement::Anywhere));
  if (data > 0)
    TRY(vmas.map({.range = vma::Range::of(place, data),
                  .object = object,
                  .protection = Protection::Read,
                  .flags = vma::Flags::Shared | vma::Flags::NoWrite}));
  if (code == 0) return {};
  return vmas.map({.range = vma::Range::of(place + data, code),
                   .object = object,
                   .object_offset = data,
                   .protection = Protection::Read | Protection::Execute});
}

}  // namespace memory
