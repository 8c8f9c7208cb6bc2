// SPDX-License-Identifier: Apache-2.0
// The page cache's way to the sComponent: see rpc_file_storage.h.
#include "memory/service/rpc_file_storage.h"

#include <array>

#include "net/messages/file.h"

namespace memory {

using base::Result;
using base::Task;

Task<std::uint32_t> RpcFileStorage::read(StoredFile file, std::uint64_t offset, std::span<std::byte> target) {
  CO_TRY(const rpc::RemoteBuffer bulk, slabs_.remote(target));
  messages::FileReadRequest request;
  request.file = file.file.value();
  request.offset = offset;
  request.bytes = static_cast<std::uint32_t>(target.size());
  CO_TRY(const auto reply,
         co_await rpc::call(loop_, file.volume->storage(), request, {.bulk = bulk, .vnode = file.volume->vnode()}));
  if (reply.body.bytes > target.size()) co_return base::fail(base::Error::Malformed);
  co_return reply.body.bytes.get();
}

Task<> RpcFileStorage::write(StoredFile file, std::uint64_t offset, std::span<const FramePiece> pieces) {
  std::array<verbs::Sge, max_write_pages> tail;
  LEGO_ASSERT(pieces.size() <= tail.size());
  messages::FileWriteRequest request;
  request.file = file.file.value();
  request.offset = offset;
  std::uint32_t bytes = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    tail[i] = {reinterpret_cast<std::uint64_t>(pieces[i].data), pieces[i].bytes, pieces[i].lkey};
    bytes += pieces[i].bytes;
  }
  request.bytes = bytes;
  CO_TRY_VOID(co_await rpc::call(loop_, file.volume->storage(), request,
                                 {.tail = std::span(tail).first(pieces.size()),
                                  .vnode = file.volume->vnode(),
                                  .priority = rpc::Priority::WriteBack}));
  co_return {};
}

Task<> RpcFileStorage::set_size(StoredFile file, std::uint64_t bytes, std::uint64_t modify_time_ns) {
  messages::FileSetAttributesRequest request;
  request.file = file.file.value();
  request.mask = static_cast<std::uint32_t>(messages::SetAttributes::Size) |
                 static_cast<std::uint32_t>(messages::SetAttributes::ModifyTime);
  request.size = bytes;
  request.modify_time_ns = modify_time_ns;
  CO_TRY_VOID(co_await rpc::call(loop_, file.volume->storage(), request,
                                 {.vnode = file.volume->vnode(), .priority = rpc::Priority::WriteBack}));
  co_return {};
}

Task<> RpcFileStorage::punch(StoredFile file, std::uint64_t offset, std::uint64_t bytes) {
  messages::FilePunchRequest request;
  request.file = file.file.value();
  request.offset = offset;
  request.bytes = bytes;
  CO_TRY_VOID(co_await rpc::call(loop_, file.volume->storage(), request, {.vnode = file.volume->vnode()}));
  co_return {};
}

Task<FileStorage::Extent> RpcFileStorage::extent(StoredFile file, std::uint64_t offset) {
  messages::FileExtentRequest request{};
  request.file = file.file.value();
  request.offset = offset;
  request.what = static_cast<std::uint32_t>(messages::Extents::Here);
  CO_TRY(const auto reply, co_await rpc::call(loop_, file.volume->storage(), request, {.vnode = file.volume->vnode()}));
  if (reply.body.offset <= offset) co_return base::fail(base::Error::Malformed);
  co_return Extent{reply.body.has_data != 0, reply.body.offset};
}

Task<> RpcFileStorage::sync(StoredFile file) {
  messages::FileSyncRequest request;
  request.file = file.file.value();
  CO_TRY_VOID(co_await rpc::call(loop_, file.volume->storage(), request, {.vnode = file.volume->vnode()}));
  co_return {};
}

std::span<std::byte> RpcFileStorage::take_staging() {
  if (staging_.empty()) return {};
  const std::span<std::byte> staging = staging_.back();
  staging_.pop_back();
  return staging;
}

void RpcFileStorage::give_staging(std::span<std::byte> staging) {
  LEGO_ASSERT(staging_.push_back(staging).has_value());  // it came from here, so there is room
}

}  // namespace memory
