// SPDX-License-Identifier: Apache-2.0
// Files at their home: translates the pComponent's ObjectIds to the sComponent's FileIds and back, passes on what
// concerns names and attributes, and answers for data, sizes and times from the page cache. Of a file system in memory
// the names are here as well. Every file here belongs to the vNode of the request.
#pragma once

#include <string_view>

#include "memory/service/context.h"
#include "memory/service/memory_answers.h"
#include "net/messages/file.h"
#include "net/messages/xattr.h"
#include "net/rpc/server.h"

namespace memory {

class FileService {
 public:
  explicit FileService(Context& context) : context_(context) {}
  void serve(rpc::Server& server);
  // Releases what it held.
  base::Task<> processor_died(base::NodeId processor);

 private:
  // file_volume_requests.cpp
  base::Task<> mount(rpc::ServerCall& call, messages::FileMountRequest request);
  base::Task<> unmount(rpc::ServerCall& call, messages::FileUnmountRequest request);
  base::Task<> statistics(rpc::ServerCall& call, messages::FileStatisticsRequest request);
  base::Task<> reserve(rpc::ServerCall& call, messages::FileReserveRequest request);
  base::Task<> limit(rpc::ServerCall& call, messages::FileLimitRequest request);
  // file_names.cpp
  base::Task<> look_up(rpc::ServerCall& call, messages::FileLookupRequest request);
  base::Task<> create(rpc::ServerCall& call, messages::FileCreateRequest request);
  base::Task<> unlink(rpc::ServerCall& call, messages::FileUnlinkRequest request);
  base::Task<> rename(rpc::ServerCall& call, messages::FileRenameRequest request);
  base::Task<> link(rpc::ServerCall& call, messages::FileLinkRequest request);
  base::Task<> read_link(rpc::ServerCall& call, messages::FileReadLinkRequest request);
  base::Task<> read_directory(rpc::ServerCall& call, messages::FileReadDirectoryRequest request);
  base::Task<> hold(rpc::ServerCall& call, messages::FileHoldRequest request);
  base::Task<> release(rpc::ServerCall& call, messages::FileReleaseRequest request);
  // file_data.cpp
  base::Task<> get_attributes(rpc::ServerCall& call, messages::FileGetAttributesRequest request);
  base::Task<> set_attributes(rpc::ServerCall& call, messages::FileSetAttributesRequest request);
  base::Task<> read(rpc::ServerCall& call, messages::FileReadRequest request);
  base::Task<> write(rpc::ServerCall& call, messages::FileWriteRequest request);
  base::Task<> punch(rpc::ServerCall& call, messages::FilePunchRequest request);
  base::Task<> extent(rpc::ServerCall& call, messages::FileExtentRequest request);
  base::Task<> sync(rpc::ServerCall& call, messages::FileSyncRequest request);
  // file_xattrs.cpp
  base::Task<> list_xattrs(rpc::ServerCall& call, messages::FileListXattrsRequest request);
  base::Task<> set_xattr(rpc::ServerCall& call, messages::FileSetXattrRequest request);

  // A request about names or attributes: to the sComponent that stores the file system, or answered at once.
  template <typename Request>
  base::Task<typename Request::Reply> ask(const FileVolume& volume, const Request request, std::uint64_t now_ns,
                                          std::span<const std::byte> tail = {}) {
    if (MemoryTree* tree = volume.tree()) co_return answer(*tree, request, tail, now_ns);
    CO_TRY(const auto reply, co_await ask_storage(volume, request, tail));
    co_return reply.body;
  }
  // A request to the sComponent of a file. The reply holds a slot of the connection: use it soon.
  template <typename Request>
  auto ask_storage(const FileVolume& volume, const Request& request, std::span<const std::byte> tail = {},
                   rpc::RemoteBuffer bulk = {}) {
    return rpc::call(context_.loop, volume.storage(), request,
                     {.copied_tail = tail, .bulk = bulk, .vnode = volume.vnode()});
  }
  // The tail as a name of one component; InvalidArgument for a '/' or zero byte in it.
  static base::Result<std::span<const std::byte>> checked_name(std::span<const std::byte> tail, std::size_t offset,
                                                               std::size_t bytes);
  // What the sComponent said, as the pComponent is to see it: its ids, and the sizes and times that are not yet on the
  // disk.
  base::Result<messages::FileAttributesReply> translated(FileVolume& volume,
                                                         const messages::FileAttributes& attributes);
  base::Task<FileVolume*> mount_stored(rpc::ServerCall& call, messages::FileMountRequest request,
                                       messages::FileMountReply& reply);
  base::Result<FileVolume*> mount_memory(rpc::ServerCall& call, const messages::FileMountRequest& request,
                                         messages::FileMountReply& reply);
  messages::FileStatisticsReply memory_statistics(const FileVolume& volume) const;
  base::Task<> sync_all(base::VNodeId vnode);
  // Says what translated() says; without another name the file ends with its last hold.
  base::Result<messages::FileAttributesReply> lost_a_name(FileVolume& volume,
                                                          const messages::FileAttributes& attributes);
  base::Task<> last_hold_gone(FileObject& file);

  Context& context_;
  std::uint64_t last_memory_device_ = 32;  // st_dev of file systems in memory: major 0, as all that have no disk
};

}  // namespace memory
