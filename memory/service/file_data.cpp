// SPDX-License-Identifier: Apache-2.0
// Data, sizes and times of files: see file_service.h.
#include <algorithm>
#include <array>
#include <cstring>

#include "memory/service/file_service.h"

namespace memory {

using base::Error;
using base::page_bytes;
using base::Result;
using base::Task;
using messages::SetAttributes;

namespace {
constexpr std::uint32_t bit(SetAttributes attribute) { return static_cast<std::uint32_t>(attribute); }
// Pieces of one reply to FileRead.
constexpr std::size_t max_read_pages = 16;
}  // namespace

Task<> FileService::get_attributes(rpc::ServerCall& call, messages::FileGetAttributesRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  request.file = file->file().file.value();
  CO_TRY(const auto known, co_await ask(*file->file().volume, request, call.wall_time_ns()));
  CO_TRY(const auto reply, translated(*file->file().volume, known.attributes));
  co_return call.reply(reply);
}

Task<> FileService::set_attributes(rpc::ServerCall& call, messages::FileSetAttributesRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  std::uint32_t mask = request.mask;
  if ((mask & bit(SetAttributes::ModifyTime)) != 0) file->modify_time_ns = request.modify_time_ns;
  if ((mask & bit(SetAttributes::Size)) != 0) {
    if ((mask & bit(SetAttributes::GrowOnly)) != 0) {
      file->grow(request.size);
    } else {
      if ((mask & bit(SetAttributes::ModifyTime)) == 0) file->modify_time_ns = call.wall_time_ns();
      CO_TRY_VOID(co_await context_.cache.truncate(*file, request.size));
    }
  }
  // The size went to the disk by the truncation, or goes with the write-back.
  mask &= ~(bit(SetAttributes::Size) | bit(SetAttributes::GrowOnly));
  request.mask = mask;
  request.file = file->file().file.value();
  CO_TRY(const auto changed, co_await ask(*file->file().volume, request, call.wall_time_ns()));
  CO_TRY(const auto reply, translated(*file->file().volume, changed.attributes));
  co_return call.reply(reply);
}

Task<> FileService::read(rpc::ServerCall& call, messages::FileReadRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  std::array<FrameRef, max_read_pages> frames;
  std::array<verbs::Sge, max_read_pages> pieces;
  std::size_t count = 0;
  const std::uint64_t wanted = std::min<std::uint64_t>(request.bytes, call.bulk_capacity());
  std::uint64_t at = request.offset;
  const std::uint64_t end = at >= file->bytes() ? at : at + std::min(wanted, file->bytes() - at);
  while (at < end && count < max_read_pages) {
    CO_TRY(frames[count], co_await context_.cache.get(*file, at / page_bytes));
    const std::uint64_t within = at % page_bytes, bytes = std::min(page_bytes - within, end - at);
    pieces[count] = {reinterpret_cast<std::uint64_t>(frames[count].data()) + within, static_cast<std::uint32_t>(bytes),
                     frames[count].lkey()};
    ++count;
    at += bytes;
  }
  messages::FileReadReply body;
  body.bytes = static_cast<std::uint32_t>(at - request.offset);
  if (count == 0) co_return call.reply(body);
  co_return co_await call.reply_bulk(body, std::span(pieces).first(count));
}

Task<> FileService::write(rpc::ServerCall& call, messages::FileWriteRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  if (call.tail().size() != request.bytes) co_return base::fail(Error::Malformed);
  const auto pin = context_.files.pin(*file);
  for (std::uint64_t done = 0; done < request.bytes;) {
    const std::uint64_t at = request.offset + done, within = at % page_bytes;
    const std::uint64_t bytes = std::min<std::uint64_t>(page_bytes - within, request.bytes - done);
    CO_TRY_VOID(co_await context_.cache.write(*file, at, call.tail().subspan(done, bytes)));
    done += bytes;
  }
  file->modify_time_ns = call.wall_time_ns();
  messages::FileGetAttributesRequest attributes;
  attributes.file = file->file().file.value();
  CO_TRY(const auto known, co_await ask(*file->file().volume, attributes, call.wall_time_ns()));
  CO_TRY(const auto reply, translated(*file->file().volume, known.attributes));
  co_return call.reply(reply);
}

Task<> FileService::sync_all(base::VNodeId vnode) {
  FileVolume* volume = context_.volumes.find(vnode);
  if (volume == nullptr) co_return base::fail(Error::NotFound);
  const FileVolume::Use use(*volume);
  Result<> all;
  std::uint64_t last = 0;
  for (FileObject* file = context_.files.next_dirty(volume, last); file != nullptr;
       file = context_.files.next_dirty(volume, last)) {
    last = file->id();
    const auto pin = context_.files.pin(*file);
    // One that cannot be written is no reason to lose the others.
    if (const Result<> flushed = co_await context_.cache.flush(*file); !flushed && !file->unlinked) all = flushed;
  }
  CO_TRY_VOID(co_await context_.storage.sync({volume, base::FileId(0)}));
  co_return all;
}

Task<> FileService::sync(rpc::ServerCall& call, messages::FileSyncRequest request) {
  if (request.file == 0) {
    CO_TRY_VOID(co_await sync_all(call.vnode()));
  } else {
    CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
    const auto pin = context_.files.pin(*file);
    CO_TRY_VOID(co_await context_.cache.sync(*file));
  }
  co_return call.reply(messages::EmptyReply{});
}

Task<> FileService::punch(rpc::ServerCall& call, messages::FilePunchRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  file->modify_time_ns = call.wall_time_ns();
  CO_TRY_VOID(co_await context_.cache.punch(*file, request.offset, request.bytes));
  messages::FileSetAttributesRequest times{};
  times.file = file->file().file.value();
  times.mask = bit(SetAttributes::ModifyTime);
  times.modify_time_ns = file->modify_time_ns;
  CO_TRY(const auto known, co_await ask(*file->file().volume, times, call.wall_time_ns()));
  CO_TRY(const auto reply, translated(*file->file().volume, known.attributes));
  co_return call.reply(reply);
}

Task<> FileService::extent(rpc::ServerCall& call, messages::FileExtentRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  if (request.what == static_cast<std::uint32_t>(messages::Extents::Here)) co_return base::fail(Error::InvalidArgument);
  const auto pin = context_.files.pin(*file);
  const bool data = request.what == static_cast<std::uint32_t>(messages::Extents::NextData);
  messages::FileExtentReply reply{};
  CO_TRY(reply.offset,
         co_await context_.cache.seek(*file, request.offset, data ? PageCache::Seeks::Data : PageCache::Seeks::Hole));
  reply.has_data = !data || reply.offset < file->bytes() ? 1 : 0;
  co_return call.reply(reply);
}

}  // namespace memory
