// SPDX-License-Identifier: Apache-2.0
// Mounted file systems: see file_service.h.
#include "memory/service/file_service.h"

namespace memory {

using base::Error;
using base::Result;
using base::Task;

namespace {
constexpr std::uint64_t disk_block_bytes = 512;     // of FileAttributes::blocks
constexpr std::uint64_t memory_magic = 0x01021994;  // TMPFS_MAGIC of Linux's statfs(2)
}  // namespace

void FileService::serve(rpc::Server& server) {
  server.handle<messages::FileMountRequest, &FileService::mount>(*this);
  server.handle<messages::FileUnmountRequest, &FileService::unmount>(*this);
  server.handle<messages::FileLimitRequest, &FileService::limit>(*this);
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
  server.handle<messages::FilePunchRequest, &FileService::punch>(*this);
  server.handle<messages::FileExtentRequest, &FileService::extent>(*this);
  server.handle<messages::FileSyncRequest, &FileService::sync>(*this);
  server.handle<messages::FileListXattrsRequest, &FileService::list_xattrs>(*this);
  server.handle<messages::FileSetXattrRequest, &FileService::set_xattr>(*this);
}

Result<messages::FileAttributesReply> FileService::translated(FileVolume& volume,
                                                              const messages::FileAttributes& attributes) {
  if (volume.ended) return base::fail(Error::Stale);
  messages::FileAttributesReply reply{attributes};
  FileObject* file =
      TRY(context_.files.get(volume.vnode(), {&volume, base::FileId(attributes.file)}, attributes.size,
                             attributes.modify_time_ns, volume.tree() == nullptr ? nullptr : &volume.memory));
  reply.attributes.file = file->id();
  if (volume.tree() != nullptr) {
    if (messages::file_type(attributes.mode) != messages::FileType::Regular) return reply;
    reply.attributes.size = file->bytes();
    reply.attributes.modify_time_ns = file->modify_time_ns;
    reply.attributes.blocks = file->pages.marks() * (base::page_bytes / disk_block_bytes);
    return reply;
  }
  if (file->dirty()) {
    reply.attributes.size = file->bytes();
    reply.attributes.modify_time_ns = file->modify_time_ns;
  } else {
    file->modify_time_ns = attributes.modify_time_ns;
  }
  return reply;
}

Task<> FileService::mount(rpc::ServerCall& call, messages::FileMountRequest request) {
  messages::FileMountReply mounted{};
  context_.volumes.sweep(context_.files);
  FileVolume* volume = nullptr;
  if (request.in_memory != 0) {
    CO_TRY(volume, mount_memory(call, request, mounted));
  } else {
    CO_TRY(volume, co_await mount_stored(call, request, mounted));
  }
  CO_TRY(const messages::FileAttributesReply root, translated(*volume, mounted.root));
  mounted.root = root.attributes;
  co_return call.reply(mounted);
}

// As on Linux a file system in memory takes half of the memory at most, and as many files as that has pages.
Result<FileVolume*> FileService::mount_memory(rpc::ServerCall& call, const messages::FileMountRequest& request,
                                              messages::FileMountReply& reply) {
  auto tree = TRY(MemoryTree::create(request.permissions, context_.cache.max_memory_pages(), call.wall_time_ns()));
  reply.root = TRY(tree->attributes(tree->root().value()));
  reply.device = ++last_memory_device_;
  reply.block_bytes = base::page_bytes;
  auto volume = TRY(base::try_make<FileVolume>(call.vnode(), std::move(tree), call.peer().node, reply.device.get()));
  return context_.volumes.add(std::move(volume));
}

Task<> FileService::limit(rpc::ServerCall& call, messages::FileLimitRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  FileVolume& volume = *file->file().volume;
  if (volume.tree() == nullptr) co_return base::fail(Error::InvalidArgument);
  if (request.max_pages != messages::unchanged_limit && request.max_pages < volume.memory.pages)
    co_return base::fail(Error::InvalidArgument);
  if (request.max_files != messages::unchanged_limit)
    CO_TRY_VOID(volume.tree()->set_max_files(std::min(request.max_files.get(), context_.cache.max_memory_pages())));
  if (request.max_pages != messages::unchanged_limit) volume.memory.max_pages = request.max_pages;
  co_return call.reply(messages::EmptyReply{});
}

Task<FileVolume*> FileService::mount_stored(rpc::ServerCall& call, messages::FileMountRequest request,
                                            messages::FileMountReply& mounted) {
  CO_TRY(rpc::Peer * storage, context_.endpoint.peer({.node = base::NodeId(request.storage),
                                                      .ip = request.storage_ip,
                                                      .boot_id = base::BootId(request.storage_boot_id)}));
  CO_TRY(const auto reply,
         co_await rpc::call(context_.loop, *storage, messages::FileMountRequest{}, {.vnode = call.vnode()}));
  mounted = reply.body;
  if (FileVolume* known = context_.volumes.find(call.vnode())) {
    if (&known->storage() != storage) co_return base::fail(Error::Busy);
    co_return known;
  }
  CO_TRY(auto volume,
         base::try_make<FileVolume>(call.vnode(), *storage, base::FileId(mounted.root.file), mounted.device.get()));
  co_return context_.volumes.add(std::move(volume));
}

Task<> FileService::unmount(rpc::ServerCall& call, messages::FileUnmountRequest request) {
  CO_TRY(FileObject * root, context_.files.find(request.root, call.vnode()));
  FileVolume* volume = root->file().volume;
  const FileVolume::Use use(*volume);
  Result<> synced;
  if (volume->tree() == nullptr) {
    synced = co_await sync_all(call.vnode());
    messages::FileUnmountRequest forwarded;
    forwarded.root = volume->root().value();
    CO_TRY_VOID(co_await ask_storage(*volume, forwarded));
  }
  if (volume->ended) co_return base::fail(Error::Stale);  // by another such request
  volume->ended = true;
  context_.files.forget_volume(volume);
  CO_TRY_VOID(synced);
  co_return call.reply(messages::EmptyReply{});
}

messages::FileStatisticsReply FileService::memory_statistics(const FileVolume& volume) const {
  messages::FileStatisticsReply reply{};
  reply.block_bytes = base::page_bytes;
  reply.blocks = std::min(volume.memory.max_pages, context_.cache.max_memory_pages());
  reply.blocks_free = reply.blocks_available = context_.cache.memory_room(volume.memory);
  reply.inodes = volume.tree()->max_files();
  reply.inodes_free = volume.tree()->max_files() - volume.tree()->used_files();
  reply.file_system_type = memory_magic;
  reply.file_system_id = volume.device();
  return reply;
}

Task<> FileService::statistics(rpc::ServerCall& call, messages::FileStatisticsRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  const FileVolume& volume = *file->file().volume;
  if (volume.tree() != nullptr) co_return call.reply(memory_statistics(volume));
  request.file = file->file().file.value();
  CO_TRY(const auto reply, co_await ask_storage(volume, request));
  co_return call.reply(reply.body);
}

Task<> FileService::reserve(rpc::ServerCall& call, messages::FileReserveRequest request) {
  CO_TRY(FileObject * file, context_.files.find(request.file, call.vnode()));
  if (file->in_memory()) {
    const auto pin = context_.files.pin(*file);
    CO_TRY_VOID(co_await context_.cache.reserve(*file, request.offset, request.bytes));
    co_return call.reply(messages::EmptyReply{});
  }
  request.file = file->file().file.value();
  CO_TRY_VOID(co_await ask_storage(*file->file().volume, request));
  co_return call.reply(messages::EmptyReply{});
}

}  // namespace memory
