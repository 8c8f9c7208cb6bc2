// SPDX-License-Identifier: Apache-2.0
// Names of files: see file_service.h.
#include <algorithm>

#include "kernel/base/log.h"
#include "memory/service/file_service.h"

namespace memory {

using base::Error;
using base::Result;
using base::Task;

Result<std::span<const std::byte>> FileService::checked_name(std::span<const std::byte> tail, std::size_t offset,
                                                             std::size_t bytes) {
  if (offset > tail.size() || bytes > tail.size() - offset || bytes == 0) return base::fail(Error::Malformed);
  const auto name = tail.subspan(offset, bytes);
  const auto forbidden = [](std::byte c) { return c == std::byte{'/'} || c == std::byte{0}; };
  if (std::any_of(name.begin(), name.end(), forbidden)) return base::fail(Error::InvalidArgument);
  return name;
}

Task<> FileService::look_up(rpc::ServerCall& call, messages::FileLookupRequest request) {
  CO_TRY(FileObject * directory, context_.files.find(request.directory, call.vnode()));
  CO_TRY(const auto name, checked_name(call.tail(), 0, request.name_bytes));
  const auto pin = context_.files.pin(*directory);
  request.directory = directory->file().file.value();
  CO_TRY(const auto found, co_await ask(*directory->file().volume, request, call.wall_time_ns(), name));
  CO_TRY(const auto reply, translated(*directory->file().volume, found.attributes));
  co_return call.reply(reply);
}

Task<> FileService::create(rpc::ServerCall& call, messages::FileCreateRequest request) {
  CO_TRY(FileObject * directory, context_.files.find(request.directory, call.vnode()));
  if (!request.is_unnamed()) CO_TRY_VOID(checked_name(call.tail(), 0, request.name_bytes));
  if (call.tail().size() != std::size_t{request.name_bytes} + request.target_bytes)
    co_return base::fail(Error::Malformed);
  const auto pin = context_.files.pin(*directory);
  request.directory = directory->file().file.value();
  const bool held = request.hold != 0;
  CO_TRY(const auto created, co_await ask(*directory->file().volume, request, call.wall_time_ns(), call.tail()));
  CO_TRY(const auto reply, translated(*directory->file().volume, created.attributes));
  if (held) {
    CO_TRY(FileObject * file, context_.files.find(reply.attributes.file, call.vnode()));
    CO_TRY_VOID(context_.files.hold(*file, call.peer().node));
    if (request.is_unnamed()) context_.files.unlinked(*file);
  }
  co_return call.reply(reply);
}

// The attributes are the file system's own.
Result<messages::FileAttributesReply> FileService::lost_a_name(FileVolume& volume,
                                                               const messages::FileAttributes& attributes) {
  const messages::FileAttributesReply known = TRY(translated(volume, attributes));
  if (attributes.links == 0) context_.files.unlinked(*TRY(context_.files.find(known.attributes.file, volume.vnode())));
  return known;
}

Task<> FileService::unlink(rpc::ServerCall& call, messages::FileUnlinkRequest request) {
  CO_TRY(FileObject * directory, context_.files.find(request.directory, call.vnode()));
  CO_TRY(const auto name, checked_name(call.tail(), 0, request.name_bytes));
  const auto pin = context_.files.pin(*directory);
  request.directory = directory->file().file.value();
  CO_TRY(auto removed, co_await ask(*directory->file().volume, request, call.wall_time_ns(), name));
  if (request.remove_directory != 0) removed.attributes.links = 0;
  CO_TRY(const auto reply, lost_a_name(*directory->file().volume, removed.attributes));
  co_return call.reply(reply);
}

Task<> FileService::rename(rpc::ServerCall& call, messages::FileRenameRequest request) {
  CO_TRY(FileObject * from, context_.files.find(request.old_directory, call.vnode()));
  CO_TRY(FileObject * to, context_.files.find(request.new_directory, call.vnode()));
  CO_TRY_VOID(checked_name(call.tail(), 0, request.old_name_bytes));
  CO_TRY_VOID(checked_name(call.tail(), request.old_name_bytes, request.new_name_bytes));
  const auto from_pin = context_.files.pin(*from);
  const auto to_pin = context_.files.pin(*to);
  request.old_directory = from->file().file.value();
  request.new_directory = to->file().file.value();
  FileVolume& volume = *from->file().volume;
  if (to->file().volume != &volume) co_return base::fail(Error::CrossDevice);
  messages::FileAttributesReply replaced{};
  if (MemoryTree* tree = volume.tree()) {
    const std::string_view names = text_of(call.tail());
    CO_TRY(const auto lost, tree->rename(request, names.substr(0, request.old_name_bytes),
                                         names.substr(request.old_name_bytes), call.wall_time_ns()));
    if (lost) replaced.attributes = *lost;
  } else {
    CO_TRY(const auto reply, co_await ask_storage(volume, request, call.tail()));
    replaced = reply.body;
  }
  if (replaced.attributes.file != 0) {
    CO_TRY(replaced, lost_a_name(volume, replaced.attributes));
  }
  co_return call.reply(replaced);
}

Task<> FileService::link(rpc::ServerCall& call, messages::FileLinkRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  CO_TRY(FileObject * directory, context_.files.find(request.directory, call.vnode()));
  CO_TRY(const auto name, checked_name(call.tail(), 0, request.name_bytes));
  const auto pin = context_.files.pin(*file);
  const auto directory_pin = context_.files.pin(*directory);
  request.file = file->file().file.value();
  request.directory = directory->file().file.value();
  CO_TRY(const auto linked, co_await ask(*directory->file().volume, request, call.wall_time_ns(), name));
  CO_TRY(const auto reply, translated(*directory->file().volume, linked.attributes));
  file->unlinked = false;  // it may have been made without a name
  co_return call.reply(reply);
}

Task<> FileService::read_link(rpc::ServerCall& call, messages::FileReadLinkRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  request.file = file->file().file.value();
  if (MemoryTree* tree = file->file().volume->tree()) {
    CO_TRY(const std::string_view text, tree->read_link(request.file));
    messages::FileReadLinkReply body{};
    body.bytes = static_cast<std::uint32_t>(text.size());
    co_return call.reply(body, std::as_bytes(std::span(text)));
  }
  CO_TRY(const auto target, co_await ask_storage(*file->file().volume, request));
  co_return call.reply(target.body, target.tail());
}

Task<> FileService::read_directory(rpc::ServerCall& call, messages::FileReadDirectoryRequest request) {
  CO_TRY(FileObject * directory, context_.files.find(request.directory, call.vnode()));
  const auto pin = context_.files.pin(*directory);
  request.directory = directory->file().file.value();
  CO_TRY(const StagingBuffer staging, co_await context_.cache.staging());
  const std::size_t bytes = std::min<std::size_t>(call.bulk_capacity(), staging.bytes().size());
  messages::FileReadDirectoryReply body;
  if (MemoryTree* tree = directory->file().volume->tree()) {
    CO_TRY(body, tree->read_directory(request.directory, request.cookie, staging.bytes().first(bytes)));
  } else {
    CO_TRY(const rpc::RemoteBuffer bulk, context_.storage.slabs().remote(staging.bytes().first(bytes)));
    CO_TRY(const auto entries, co_await ask_storage(*directory->file().volume, request, {}, bulk));
    body = entries.body;
  }
  if (body.bytes > bytes) co_return base::fail(Error::Malformed);
  if (body.bytes == 0) co_return call.reply(body);
  CO_TRY(const verbs::Sge piece, context_.storage.slabs().local(staging.bytes().first(body.bytes)));
  co_return co_await call.reply_bulk(body, std::span(&piece, 1));
}

Task<> FileService::hold(rpc::ServerCall& call, messages::FileHoldRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  const bool first = file->holds.empty();
  const base::NodeId processor = call.peer().node;
  CO_TRY_VOID(context_.files.hold(*file, processor));
  request.file = file->file().file.value();
  if (!first) {
    messages::FileGetAttributesRequest attributes;
    attributes.file = request.file;
    CO_TRY(const auto known, co_await ask(*file->file().volume, attributes, call.wall_time_ns()));
    CO_TRY(const auto reply, translated(*file->file().volume, known.attributes));
    co_return call.reply(reply);
  }
  auto held = co_await ask(*file->file().volume, request, call.wall_time_ns());
  if (!held) {
    (void)context_.files.release(*file, processor, 1);  // unless its pComponent has died meanwhile
    co_return base::fail(held.error());
  }
  CO_TRY(const auto reply, translated(*file->file().volume, held->attributes));
  co_return call.reply(reply);
}

Task<> FileService::release(rpc::ServerCall& call, messages::FileReleaseRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const auto pin = context_.files.pin(*file);
  CO_TRY_VOID(context_.files.release(*file, call.peer().node, request.count));
  if (file->holds.empty()) CO_TRY_VOID(co_await last_hold_gone(*file));
  co_return call.reply(messages::EmptyReply{});
}

// With the file pinned.
Task<> FileService::last_hold_gone(FileObject& file) {
  // A file without a name ends with its last hold: what is dirty of it has nowhere to go.
  if (file.unlinked) context_.cache.discard(file);
  messages::FileReleaseRequest request;
  request.file = file.file().file.value();
  request.count = 1;
  CO_TRY_VOID(co_await ask(*file.file().volume, request, 0));
  co_return {};
}

Task<> FileService::processor_died(base::NodeId processor) {
  context_.volumes.end_memory_of(processor, context_.files);
  std::uint64_t after = 0;
  while (FileObject* file = context_.files.next_held(processor, after)) {
    after = file->id();
    const auto pin = context_.files.pin(*file);
    context_.files.release_all(*file, processor);
    if (!file->holds.empty()) continue;
    const Result<> told = co_await last_hold_gone(*file);
    if (!told) base::log_warning("memory", "the sComponent was not told of a file that nobody holds: {}", told.error());
  }
  co_return {};
}

}  // namespace memory
