// SPDX-License-Identifier: Apache-2.0
// Mounted file systems: see file_service.h.
#include "memory/service/file_service.h"

namespace memory {

using base::Error;
using base::Result;
using base::Task;

void FileService::serve(rpc::Server& server) {
  server.handle<messages::FileMountRequest, &FileService::mount>(*this);
  server.handle<messages::FileUnmountRequest, &FileService::unmount>(*this);
  server.handle<messages::FileStatisticsRequest, &FileService::statistics>(*this);
  server.handle<messages::FileReserveRequest, &FileService::reserve>(*this);
  server.handle<messages::FileLookupRequest, &FileService::look_up>(*this);
  server.handle<messages::FileCreateRequest, &FileService::create>(*this);
  server.handle<messages::FileUnlinkRequest, &FileService::unlink>(*this);
  server.handle<messages::FileRenameRequest, &FileService::rename>(*this);
  server.handle<messages::FileLinkRequest, &FileService::link>(*this);
  server.handle<messages::FileReadLinkRequest, &FileService::read_link>(*this);
  server.handle<messages::FileReadDirectoryRequest, &FileService::read_directory>(*this);
  server.handle<messages::FileHoldRequest, &FileService::hold>(*this);
  server.handle<messages::FileReleaseRequest, &FileService::release>(*this);
  server.handle<messages::FileGetAttributesRequest, &FileService::get_attributes>(*this);
  server.handle<messages::FileSetAttributesRequest, &FileService::set_attributes>(*this);
  server.handle<messages::FileReadRequest, &FileService::read>(*this);
  server.handle<messages::FileWriteRequest, &FileService::write>(*this);
  server.handle<messages::FileSyncRequest, &FileService::sync>(*this);
}

Result<messages::FileAttributesReply> FileService::translated(const FileVolume& volume,
                                                              const messages::FileAttributes& attributes) {
  if (volume.ended) return base::fail(Error::Stale);
  messages::FileAttributesReply reply{attributes};
  FileObject* file =
      TRY(context_.files.get(volume.vnode(), {const_cast<FileVolume*>(&volume), base::FileId(attributes.file)},
                             attributes.size, attributes.modify_time_ns));
  reply.attributes.file = file->id();
  if (file->dirty()) {
    reply.attributes.size = file->bytes();
    reply.attributes.modify_time_ns = file->modify_time_ns;
  } else {
    file->modify_time_ns = attributes.modify_time_ns;
  }
  return reply;
}

Task<> FileService::mount(rpc::ServerCall& call, messages::FileMountRequest request) {
  CO_TRY(rpc::Peer * storage, context_.endpoint.peer({.node = base::NodeId(request.storage),
                                                      .ip = request.storage_ip,
                                                      .boot_id = base::BootId(request.storage_boot_id)}));
  CO_TRY(auto reply,
         co_await rpc::call(context_.loop, *storage, messages::FileMountRequest{}, {.vnode = call.vnode()}));
  messages::FileMountReply mounted = reply.body;
  FileVolume* volume = context_.volumes.find(call.vnode());
  if (volume == nullptr) {
    auto made = base::make<FileVolume>(call.vnode(), *storage, base::FileId(mounted.root.file), mounted.device.get());
    if (!made) co_return base::fail(Error::NoMemory);
    context_.volumes.sweep(context_.files);
    CO_TRY(volume, context_.volumes.add(std::move(made)));
  } else if (&volume->storage() != storage) {
    co_return base::fail(Error::Busy);
  }
  CO_TRY(const messages::FileAttributesReply root, translated(*volume, mounted.root));
  mounted.root = root.attributes;
  co_return call.reply(mounted);
}

Task<> FileService::unmount(rpc::ServerCall& call, messages::FileUnmountRequest request) {
  CO_TRY(FileObject * root, context_.files.find(request.root, call.vnode()));
  FileVolume* volume = root->file().volume;
  const FileVolume::Use use(*volume);
  CO_TRY_VOID(co_await sync_all(call.vnode()));
  messages::FileUnmountRequest forwarded;
  forwarded.root = volume->root().value();
  CO_TRY_VOID(co_await ask(*volume, forwarded));
  if (volume->ended) co_return base::fail(Error::Stale);  // by another such request
  volume->ended = true;
  context_.files.forget_volume(volume);
  co_return call.reply(messages::EmptyReply{});
}

Task<> FileService::statistics(rpc::ServerCall& call, messages::FileStatisticsRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  request.file = file->file().file.value();
  CO_TRY(const auto reply, co_await ask(*file->file().volume, request));
  co_return call.reply(reply.body);
}

Task<> FileService::reserve(rpc::ServerCall& call, messages::FileReserveRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  request.file = file->file().file.value();
  CO_TRY_VOID(co_await ask(*file->file().volume, request));
  co_return call.reply(messages::EmptyReply{});
}

}  // namespace memory
