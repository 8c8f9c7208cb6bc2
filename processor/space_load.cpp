// SPDX-License-Identifier: Apache-2.0
// Loading a program into an empty space: the home maps the program's segments, its interpreter's and a stack, and tells
// the VMAs.
#include <cstring>

#include "processor/monitor_core.h"

namespace processor {
namespace {

using base::Error;
using base::Result;
using base::UserVa;

// Takes items off the front of a message's tail.
class TailReader {
 public:
  explicit TailReader(std::span<const std::byte> tail) : rest_(tail) {}
  template <messages::Body T>
  Result<T> next() {
    if (rest_.size() < sizeof(T)) return base::fail(Error::Malformed);
    T item;
    std::memcpy(static_cast<void*>(&item), rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return item;
  }
  std::span<const std::byte> rest() const { return rest_; }

 private:
  std::span<const std::byte> rest_;
};

Result<vma::Vma> vma_of(const messages::VmaEntry& entry) {
  if (entry.end < entry.start || entry.protection > messages::protection_mask ||
      !messages::page_aligned(entry.object_offset) || (entry.flags & ~vma::kept_flags) != 0)
    return base::fail(Error::Malformed);
  const auto range = checked_range(UserVa(entry.start), entry.end - entry.start);
  if (!range) return base::fail(Error::Malformed);
  return vma::Vma{.range = *range,
                  .object = base::ObjectId(entry.object),
                  .object_offset = entry.object_offset,
                  .protection = static_cast<vma::Protection>(entry.protection.get()),
                  .flags = static_cast<vma::Flags>(entry.flags.get())};
}

LoadedProgram program_of(const messages::SpaceLoadReply& reply) {
  return {.entry = UserVa(reply.entry),
          .program_entry = UserVa(reply.program_entry),
          .program_headers = UserVa(reply.program_headers),
          .program_header_bytes = reply.program_header_bytes,
          .program_header_count = reply.program_header_count,
          .interpreter_base = UserVa(reply.interpreter_base),
          .stack_top = UserVa(reply.stack_top),
          .stack_bytes = reply.stack_bytes,
          .code_start = UserVa(reply.code_start),
          .code_end = UserVa(reply.code_end),
          .data_start = UserVa(reply.data_start),
          .data_end = UserVa(reply.data_end)};
}

using Areas = base::Array<vma::Vma>;

// Everything in the reply is checked and copied before requests are made: it holds a slot of the connection.
Result<> read_tail(AddressSpace& space, const Answer<messages::SpaceLoadReply>& answer, Areas& areas,
                   std::span<ZeroRange, max_zero_ranges> zero_ranges, std::size_t& zero_count) {
  TailReader tail(answer.reply.tail());
  for (std::uint32_t i = 0; i < answer.body.vma_count; ++i) {
    const auto entry = TRY(tail.next<messages::VmaEntry>());
    const vma::Vma area = TRY(vma_of(entry));
    TRY(areas.push_back(area));
  }
  if (answer.body.zero_count > zero_ranges.size()) return base::fail(Error::Malformed);
  zero_count = answer.body.zero_count;
  for (std::size_t i = 0; i < zero_count; ++i) {
    const auto range = TRY(tail.next<messages::ZeroRange>());
    if (!messages::user_range(range.address, range.bytes)) return base::fail(Error::Malformed);
    zero_ranges[i] = {UserVa(range.address), range.bytes};
  }
  return space.learn_owners(tail.rest());
}

Result<> adopt_areas(AddressSpace& space, const Areas& areas, SharedObject& file, Sleeper& sleeper) {
  Reference<SharedObject> other;
  for (const vma::Vma& area : areas) {
    if (area.object == base::ObjectId(messages::system_pages_object)) {
      if (!space.monitor().system_pages()) return base::fail(Error::Malformed);
    } else if (area.object == file.id()) {
      TRY(space.hold(file));
    } else if (area.object) {
      if (!other || other->id() != area.object)
        other = TRY(open_file_by_id(space.family(), area.object, true, sleeper));
      TRY(space.hold(*other));
    }
    const base::SpinGuard guard(space.space().lock);
    TRY(space.space().vmas.map(area));
  }
  return {};
}

}  // namespace

Result<LoadedProgram> load_program(AddressSpace& space, SharedObject& file, std::uint64_t stack_bytes,
                                   std::uint64_t random, std::span<ZeroRange, max_zero_ranges> zero_ranges,
                                   std::size_t& zero_count, Sleeper& sleeper) {
  TRY(flush_object(file, sleeper));  // the home reads the program's headers
  Change change(space, sleeper);
  TRY(change.begin());
  TRY(change.settle());
  messages::SpaceLoadRequest request;
  request.space = space.id().value();
  request.file = file.id().value();
  request.stack_bytes = stack_bytes;
  request.random = random;
  if (const auto& pages = space.monitor().system_pages(); pages) {
    request.system_data_pages = SystemPages::data_pages;
    request.system_code_pages = pages->code_pages();
  }
  // Not by change.ask_home(): Malformed is what the home says of the file, and after any error nobody uses the space.
  auto answer = TRY(ask(space.home(), request));
  Areas areas;
  TRY(read_tail(space, answer, areas, zero_ranges, zero_count));
  answer.reply = {};
  TRY(adopt_areas(space, areas, file, sleeper));
  {
    const base::SpinGuard guard(space.space().lock);
    vma::VmaSet& vmas = space.space().vmas;
    vmas.set_break_start(UserVa(answer.body.break_start));
    vma::Layout layout = vmas.layout();
    layout.mmap_top = UserVa(answer.body.placement_top);
    vmas.set_layout(layout);
  }
  LoadedProgram program = program_of(answer.body);
  for (const vma::Vma& area : areas)
    if (shows_system_pages(area) && vma::has(area.protection, vma::Protection::Execute))
      program.system_code = area.range.start;
  return program;
}

}  // namespace processor
