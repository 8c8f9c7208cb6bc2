// SPDX-License-Identifier: Apache-2.0
// Extended attributes of files: see file_service.h. They are not kept here: the pComponent remembers them.
#include <algorithm>

#include "memory/service/file_service.h"
#include "net/messages/xattr.h"

namespace memory {

using base::Error;
using base::Task;

Task<> FileService::list_xattrs(rpc::ServerCall& call, messages::FileListXattrsRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  request.file = file->file().file.value();
  CO_TRY(const StagingBuffer staging, co_await context_.cache.staging());
  const std::size_t room = std::min<std::size_t>(call.bulk_capacity(), staging.bytes().size());
  messages::FileListXattrsReply body{};
  if (MemoryTree* tree = file->file().volume->tree()) {
    CO_TRY(const auto list, tree->xattrs(request.file));
    if (list.size() > room) co_return base::fail(Error::OutOfRange);
    std::copy(list.begin(), list.end(), staging.bytes().begin());
    body.bytes = static_cast<std::uint32_t>(list.size());
  } else {
    CO_TRY(const rpc::RemoteBuffer bulk, context_.storage.slabs().remote(staging.bytes().first(room)));
    CO_TRY(const auto listed, co_await ask_storage(*file->file().volume, request, {}, bulk));
    body = listed.body;
  }
  if (body.bytes > room) co_return base::fail(Error::Malformed);
  if (body.bytes == 0) co_return call.reply(body);
  CO_TRY(const verbs::Sge piece, context_.storage.slabs().local(staging.bytes().first(body.bytes)));
  co_return co_await call.reply_bulk(body, std::span(&piece, 1));
}

Task<> FileService::set_xattr(rpc::ServerCall& call, messages::FileSetXattrRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  if (call.tail().size() != std::size_t{request.name_bytes} + request.value_bytes)
    co_return base::fail(Error::Malformed);
  const auto pin = context_.files.pin(*file);
  request.file = file->file().file.value();
  CO_TRY(const auto changed, co_await ask(*file->file().volume, request, call.wall_time_ns(), call.tail()));
  CO_TRY(const auto reply, translated(*file->file().volume, changed.attributes));
  co_return call.reply(reply);
}

}  // namespace memory
