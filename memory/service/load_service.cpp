// SPDX-License-Identifier: Apache-2.0
// SpaceLoad: see load_service.h.
#include "memory/service/load_service.h"

#include <algorithm>
#include <cstring>

namespace memory {

using base::Error;
using base::page_bytes;
using base::Result;
using base::round_down;
using base::round_up;
using base::Task;
using base::UserVa;

namespace {
// One page of a reply's tail is for VMAs, zero ranges and owners together.
constexpr std::size_t max_load_tail_bytes = rpc::max_reply_tail_bytes;
}  // namespace

Task<> LoadService::read_bytes(FileObject& file, std::uint64_t offset, std::span<std::byte> target) {
  if (offset > file.bytes() || target.size() > file.bytes() - offset) co_return base::fail(Error::Malformed);
  while (!target.empty()) {
    CO_TRY(const FrameRef frame, co_await context_.cache.get(file, offset / page_bytes));
    const std::size_t within = offset % page_bytes;
    const std::size_t bytes = std::min<std::size_t>(target.size(), page_bytes - within);
    std::memcpy(target.data(), frame.data() + within, bytes);
    target = target.subspan(bytes);
    offset += bytes;
  }
  co_return {};
}

Task<LoadService::Program> LoadService::read_program(FileObject& file) {
  std::array<std::byte, elf_header_bytes> start{};
  const std::size_t have = std::min<std::uint64_t>(file.bytes(), start.size());
  CO_TRY_VOID(co_await read_bytes(file, 0, std::span(start).first(have)));
  Program result;
  CO_TRY(result.header, parse_elf_header(std::span(start).first(have), file.bytes()));
  std::array<std::byte, max_program_headers * elf_program_header_bytes> table;
  const auto headers = std::span(table).first(result.header.program_headers_bytes());
  CO_TRY_VOID(co_await read_bytes(file, result.header.program_headers_offset, headers));
  CO_TRY(result.program, parse_elf_program(result.header, headers, file.bytes()));
  if (result.program.interpreter_bytes > 0) {
    const auto path = std::as_writable_bytes(std::span(result.interpreter)).first(result.program.interpreter_bytes);
    CO_TRY_VOID(co_await read_bytes(file, result.program.interpreter_offset, path));
    if (path.back() != std::byte{0} || path.front() == std::byte{0}) co_return base::fail(Error::Malformed);
  }
  co_return result;
}

Task<> LoadService::load(rpc::ServerCall& call, messages::SpaceLoadRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  CO_TRY(const Program main, co_await read_program(*file));
  const bool dynamic = main.program.interpreter_bytes > 0;
  FileObject* loader = nullptr;
  Program interpreter;
  if (dynamic) {
    CO_TRY(loader, co_await paths_.find(call.vnode(), main.interpreter.data()));
    const auto loader_pin = context_.files.pin(*loader);
    CO_TRY(interpreter, co_await read_program(*loader));
    CO_TRY_VOID(context_.files.hold(*loader, call.peer().node));  // the space maps it for as long as the vNode runs
  }

  CO_TRY(Space * space, context_.find_space(request.space, call.vnode()));
  if (space->role() != SpaceRole::Home || space->vmas.count() != 0) co_return base::fail(Error::InvalidArgument);
  const SpaceLayout layout = choose_layout(request.stack_bytes, request.random);
  vma::VmaSet vmas(layout.areas);
  base::Array<messages::ZeroRange> zero_ranges;
  const std::uint64_t alignment = main.program.alignment;
  const std::uint64_t base = main.header.position_independent ? round_down(layout.program_base, alignment) -
                                                                    round_down(main.program.lowest, alignment)
                                                              : 0;
  CO_TRY_VOID(map_program(vmas, main.program, base::ObjectId(request.file), base, zero_ranges));
  messages::SpaceLoadReply body;
  body.program_entry = main.header.entry + base;
  body.entry = body.program_entry;
  if (loader != nullptr) {
    const ElfProgram& program = interpreter.program;
    const std::uint64_t span = round_up(program.highest, page_bytes) - program.lowest;
    CO_TRY(const UserVa place, vmas.place(UserVa(0), span, vma::Placement::Anywhere));
    const std::uint64_t loader_base = place.value() - program.lowest;
    CO_TRY_VOID(map_program(vmas, program, base::ObjectId(loader->id()), loader_base, zero_ranges));
    body.interpreter_base = loader_base;
    body.entry = interpreter.header.entry + loader_base;
  }
  CO_TRY_VOID(map_stack(vmas, layout, main.program.executable_stack));
  CO_TRY_VOID(map_system_pages(vmas, layout, request.system_data_pages, request.system_code_pages));
  const std::uint64_t break_start = round_up(base + main.program.highest, page_bytes) + layout.break_gap;
  vmas.set_break_start(UserVa(break_start));
  space->vmas = std::move(vmas);

  body.program_headers = main.program.program_headers == 0 ? 0 : main.program.program_headers + base;
  body.program_header_bytes = static_cast<std::uint32_t>(elf_program_header_bytes);
  body.program_header_count = main.header.program_header_count;
  body.break_start = break_start;
  body.placement_top = layout.areas.mmap_top.value();
  body.stack_top = layout.stack_top;
  body.stack_bytes = layout.stack_bytes;
  body.code_start = main.program.code_start + base;
  body.code_end = main.program.code_end + base;
  body.data_start = main.program.data_start + base;
  body.data_end = main.program.data_end + base;
  body.executable_stack = main.program.executable_stack ? 1U : 0U;
  co_return reply(call, *space, body, zero_ranges.span());
}

Result<> LoadService::reply(rpc::ServerCall& call, const Space& space, const messages::SpaceLoadReply& prepared,
                            std::span<const messages::ZeroRange> zero_ranges) {
  messages::SpaceLoadReply body = prepared;
  base::Array<std::byte> tail;
  std::uint32_t areas = 0;
  for (const vma::Vma* area = space.vmas.first(); area != nullptr; area = space.vmas.next(*area), ++areas) {
    const messages::VmaEntry entry{.start = area->range.start.value(),
                                   .end = area->range.end.value(),
                                   .object = area->object.value(),
                                   .object_offset = area->object_offset,
                                   .protection = static_cast<std::uint32_t>(area->protection),
                                   .flags = static_cast<std::uint32_t>(area->flags)};
    TRY(tail.append(std::as_bytes(std::span(&entry, 1))));
  }
  TRY(tail.append(std::as_bytes(zero_ranges)));
  if (tail.size() > max_load_tail_bytes) return base::fail(Error::TooBig);
  body.version = space.vmas.version();
  body.vma_count = areas;
  body.zero_count = static_cast<std::uint32_t>(zero_ranges.size());
  return call.reply(body, tail.span());
}

}  // namespace memory
