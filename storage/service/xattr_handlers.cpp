// SPDX-License-Identifier: Apache-2.0
// The handlers of extended attributes: see file_service.h.
#include <algorithm>

#include "net/messages/xattr.h"
#include "storage/service/file_service.h"
#include "storage/service/on_worker.h"
#include "storage/service/translate.h"

namespace storage {

using base::Error;
using base::FileId;
using base::Result;
using base::Task;

namespace {

// All of a file's attributes as one list; how long it is.
Result<std::uint32_t> write_list(FileSystem& system, FileId file, std::span<std::byte> into) {
  base::Array<char> names;
  const std::size_t name_bytes = TRY(system.list_xattrs(file, {}));
  TRY(names.resize(name_bytes));
  if (names.empty()) return std::uint32_t{0};
  TRY(system.list_xattrs(file, names.span()));
  std::string_view rest(names.data(), names.size());
  std::size_t used = 0;
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    base::Array<std::byte> value;
    const std::size_t value_bytes = TRY(system.get_xattr(file, name, {}));
    TRY(value.resize(value_bytes));
    if (!value.empty()) TRY(system.get_xattr(file, name, value.span()));
    if (messages::xattr_bytes(name.size(), value.size()) > into.size() - used) return base::fail(Error::OutOfRange);
    used += messages::put_xattr(into.subspan(used), name, value.span());
  }
  return static_cast<std::uint32_t>(used);
}

Result<Attributes> apply(FileSystem& system, const messages::FileSetXattrRequest& request, std::string_view name,
                         std::span<const std::byte> value, const Request& made_by) {
  const FileId file(request.file);
  switch (static_cast<messages::XattrChange>(request.change.get())) {
    case messages::XattrChange::Remove:
      TRY(system.remove_xattr(file, name, made_by));
      break;
    case messages::XattrChange::Set:
      TRY(system.set_xattr(file, name, value, XattrMode::Set, made_by));
      break;
    case messages::XattrChange::Create:
      TRY(system.set_xattr(file, name, value, XattrMode::Create, made_by));
      break;
    case messages::XattrChange::Replace:
      TRY(system.set_xattr(file, name, value, XattrMode::Replace, made_by));
      break;
  }
  return system.attributes(file);
}

}  // namespace

Task<> FileService::list_xattrs(rpc::ServerCall& call, messages::FileListXattrsRequest request) {
  CO_TRY(const StagingPool::Lease staging, co_await staging_.take());
  const std::size_t room = std::min<std::size_t>(call.bulk_capacity(), staging.bytes().size());
  messages::FileListXattrsReply reply{};
  CO_TRY(reply.bytes, co_await look(call, [&](FileSystem& system) {
           return write_list(system, FileId(request.file), staging.bytes().first(room));
         }));
  if (reply.bytes == 0) co_return call.reply(reply);
  const verbs::Sge piece = staging.piece(reply.bytes);
  co_return co_await call.reply_bulk(reply, std::span(&piece, 1));
}

Task<> FileService::set_xattr(rpc::ServerCall& call, messages::FileSetXattrRequest request) {
  CO_TRY(const auto name, text_of(call.tail(), 0, request.name_bytes));
  if (call.tail().size() != std::size_t{request.name_bytes} + request.value_bytes)
    co_return base::fail(Error::Malformed);
  const auto value = call.tail().subspan(request.name_bytes);
  CO_TRY(const Attributes changed, co_await change(call, [&](FileSystem& system) {
           return apply(system, request, name, value, request_of(call));
         }));
  co_return call.reply(attributes_reply(changed));
}

}  // namespace storage
