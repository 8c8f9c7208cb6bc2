// SPDX-License-Identifier: Apache-2.0
// The handlers: see file_service.h. A request's tail stays where it is until the answer, so the worker reads names and
// data from there.
#include <algorithm>
#include <array>

#include "storage/service/file_service.h"
#include "storage/service/on_worker.h"
#include "storage/service/translate.h"

namespace storage {

using base::Error;
using base::FileId;
using base::Result;
using base::Task;

Task<> FileService::look_up(rpc::ServerCall& call, messages::FileLookupRequest request) {
  CO_TRY(const auto name, text_of(call.tail(), 0, request.name_bytes));
  CO_TRY(const Attributes found,
         co_await look(call, [&](FileSystem& system) { return system.lookup(FileId(request.directory), name); }));
  co_return call.reply(attributes_reply(found));
}

Task<> FileService::get_attributes(rpc::ServerCall& call, messages::FileGetAttributesRequest request) {
  CO_TRY(const Attributes attributes,
         co_await look(call, [&](FileSystem& system) { return system.attributes(FileId(request.file)); }));
  co_return call.reply(attributes_reply(attributes));
}

Task<> FileService::set_attributes(rpc::ServerCall& call, messages::FileSetAttributesRequest request) {
  CO_TRY(const Attributes attributes, co_await change(call, [&](FileSystem& system) {
           return system.set_attributes(FileId(request.file), from_message(request), request_of(call));
         }));
  co_return call.reply(attributes_reply(attributes));
}

Task<> FileService::create_file(rpc::ServerCall& call, messages::FileCreateRequest request) {
  CO_TRY(const auto name, text_of(call.tail(), 0, request.name_bytes));
  CO_TRY(const auto target, text_of(call.tail(), request.name_bytes, request.target_bytes));
  CO_TRY(
      const Attributes made, co_await change(call, [&](FileSystem& system) -> Result<Attributes> {
        const NewFile file{
            .mode = request.mode, .uid = request.uid, .gid = request.gid, .device = request.device, .target = target};
        if (request.is_unnamed())
          return system.create_unnamed(FileId(request.directory), file, request.is_linkable(), request_of(call));
        const Attributes created = TRY(system.create(FileId(request.directory), name, file, request_of(call)));
        return request.hold != 0 ? system.hold(created.file) : Result<Attributes>(created);
      }));
  if (request.hold != 0) CO_TRY_VOID(co_await remember_hold(call, made.file));
  co_return call.reply(attributes_reply(made));
}

Task<> FileService::unlink(rpc::ServerCall& call, messages::FileUnlinkRequest request) {
  CO_TRY(const auto name, text_of(call.tail(), 0, request.name_bytes));
  CO_TRY(const Attributes removed, co_await change(call, [&](FileSystem& system) {
           const FileId directory(request.directory);
           return request.remove_directory != 0 ? system.remove_directory(directory, name, request_of(call))
                                                : system.unlink(directory, name, request_of(call));
         }));
  co_return call.reply(attributes_reply(removed));
}

Task<> FileService::rename(rpc::ServerCall& call, messages::FileRenameRequest request) {
  CO_TRY(const auto old_name, text_of(call.tail(), 0, request.old_name_bytes));
  CO_TRY(const auto new_name, text_of(call.tail(), request.old_name_bytes, request.new_name_bytes));
  constexpr std::array modes = {RenameMode::Replace, RenameMode::NoReplace, RenameMode::Exchange};
  static_assert(static_cast<int>(messages::RenameFlags::NoReplace) == 1 &&
                static_cast<int>(messages::RenameFlags::Exchange) == 2);
  CO_TRY(const std::optional<Attributes> replaced, co_await change(call, [&](FileSystem& system) {
           return system.rename(FileId(request.old_directory), old_name, FileId(request.new_directory), new_name,
                                modes[request.flags], request_of(call));
         }));
  co_return call.reply(replaced ? attributes_reply(*replaced) : messages::FileAttributesReply{});
}

Task<> FileService::link(rpc::ServerCall& call, messages::FileLinkRequest request) {
  CO_TRY(const auto name, text_of(call.tail(), 0, request.name_bytes));
  CO_TRY(const Attributes linked, co_await change(call, [&](FileSystem& system) {
           return system.link(FileId(request.file), FileId(request.directory), name, request_of(call));
         }));
  co_return call.reply(attributes_reply(linked));
}

Task<> FileService::read_link(rpc::ServerCall& call, messages::FileReadLinkRequest request) {
  CO_TRY(const StagingPool::Lease staging, co_await staging_.take());
  const std::span<char> into(reinterpret_cast<char*>(staging.bytes().data()), max_link_target_bytes);
  CO_TRY(const auto target,
         co_await look(call, [&](FileSystem& system) { return system.read_link(FileId(request.file), into); }));
  messages::FileReadLinkReply reply;
  reply.bytes = static_cast<std::uint32_t>(target.size());
  co_return call.reply(reply, std::as_bytes(std::span(target)));
}

Task<> FileService::read_directory(rpc::ServerCall& call, messages::FileReadDirectoryRequest request) {
  CO_TRY(const StagingPool::Lease staging, co_await staging_.take());
  const std::size_t room = std::min<std::size_t>(call.bulk_capacity(), staging.bytes().size());
  EntryWriter writer(staging.bytes().first(room));
  CO_TRY(const bool end, co_await look(call, [&](FileSystem& system) {
           return system.read_directory(FileId(request.directory), request.cookie, writer);
         }));
  if (writer.bytes() == 0 && !end) co_return base::fail(Error::InvalidArgument);  // not even one entry fits
  messages::FileReadDirectoryReply reply;
  reply.bytes = writer.bytes();
  reply.end = end ? 1 : 0;
  if (writer.bytes() == 0) co_return call.reply(reply);
  const verbs::Sge piece = staging.piece(writer.bytes());
  co_return co_await call.reply_bulk(reply, std::span(&piece, 1));
}

Task<> FileService::read(rpc::ServerCall& call, messages::FileReadRequest request) {
  CO_TRY(const StagingPool::Lease staging, co_await staging_.take());
  const std::size_t wanted = std::min<std::size_t>({request.bytes.get(), call.bulk_capacity(), staging.bytes().size()});
  CO_TRY(const std::size_t got, co_await look(call, [&](FileSystem& system) {
           return system.read(FileId(request.file), request.offset, staging.bytes().first(wanted));
         }));
  messages::FileReadReply reply;
  reply.bytes = static_cast<std::uint32_t>(got);
  if (got == 0) co_return call.reply(reply);
  const verbs::Sge piece = staging.piece(reply.bytes);
  co_return co_await call.reply_bulk(reply, std::span(&piece, 1));
}

Task<> FileService::write(rpc::ServerCall& call, messages::FileWriteRequest request) {
  if (call.tail().size() != request.bytes) co_return base::fail(Error::Malformed);
  CO_TRY(const Attributes attributes, co_await change(call, [&](FileSystem& system) {
           return system.write(FileId(request.file), request.offset, call.tail(), request_of(call));
         }));
  co_return call.reply(attributes_reply(attributes));
}

Task<> FileService::sync(rpc::ServerCall& call, messages::FileSyncRequest request) {
  CO_TRY_VOID(co_await look(call, [&](FileSystem& system) {
    return system.sync(FileId(request.file), request.data_only != 0 ? SyncScope::Data : SyncScope::Everything);
  }));
  co_return call.reply(messages::EmptyReply{});
}

// The hold is the client's from now on; if that cannot be noted, it is given back.
Task<> FileService::remember_hold(rpc::ServerCall& call, FileId file) {
  auto noted = clients_.add_hold(call.peer().boot_id, file);
  if (!noted)
    (void)co_await change(call, [&](FileSystem& system) { return system.release(file, 1, request_of(call)); });
  co_return noted;
}

Task<> FileService::hold(rpc::ServerCall& call, messages::FileHoldRequest request) {
  CO_TRY(const Attributes held,
         co_await look(call, [&](FileSystem& system) { return system.hold(FileId(request.file)); }));
  CO_TRY_VOID(co_await remember_hold(call, held.file));
  co_return call.reply(attributes_reply(held));
}

Task<> FileService::release(rpc::ServerCall& call, messages::FileReleaseRequest request) {
  if (!clients_.remove_holds(call.peer().boot_id, FileId(request.file), request.count))
    co_return base::fail(Error::InvalidArgument);
  CO_TRY_VOID(co_await change(
      call, [&](FileSystem& system) { return system.release(FileId(request.file), request.count, request_of(call)); }));
  co_return call.reply(messages::EmptyReply{});
}

Task<> FileService::statistics(rpc::ServerCall& call, messages::FileStatisticsRequest) {
  CO_TRY(const Statistics statistics, co_await look(call, [](FileSystem& system) { return system.statistics(); }));
  messages::FileStatisticsReply reply;
  reply.block_bytes = statistics.block_bytes;
  reply.blocks = statistics.blocks;
  reply.blocks_free = statistics.blocks_free;
  reply.blocks_available = statistics.blocks_available;
  reply.inodes = statistics.inodes;
  reply.inodes_free = statistics.inodes_free;
  reply.file_system_type = statistics.type;
  reply.file_system_id = statistics.id;
  co_return call.reply(reply);
}

Task<> FileService::reserve(rpc::ServerCall& call, messages::FileReserveRequest request) {
  CO_TRY_VOID(co_await change(call, [&](FileSystem& system) {
    return system.reserve(FileId(request.file), request.offset, request.bytes, request_of(call));
  }));
  co_return call.reply(messages::EmptyReply{});
}

Task<> FileService::punch(rpc::ServerCall& call, messages::FilePunchRequest request) {
  CO_TRY(const Attributes attributes, co_await change(call, [&](FileSystem& system) {
           return system.punch(FileId(request.file), request.offset, request.bytes, request_of(call));
         }));
  co_return call.reply(attributes_reply(attributes));
}

Task<> FileService::extent(rpc::ServerCall& call, messages::FileExtentRequest request) {
  if (request.what != static_cast<std::uint32_t>(messages::Extents::Here)) co_return base::fail(Error::InvalidArgument);
  CO_TRY(const FileExtent found,
         co_await look(call, [&](FileSystem& system) { return system.extent(FileId(request.file), request.offset); }));
  messages::FileExtentReply reply{};
  reply.offset = found.end;
  reply.has_data = found.has_data ? 1 : 0;
  co_return call.reply(reply);
}

}  // namespace storage
