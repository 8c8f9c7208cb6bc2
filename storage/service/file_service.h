// SPDX-License-Identifier: Apache-2.0
// The file messages of net/messages/file.h as an mComponent sends them, served on one file system. Handlers are
// coroutines of the loop; the file system's code runs on the worker, in the order in which requests arrive. The file
// system is mounted while somebody has it mounted; what a client held is released when it dies.
#pragma once

#include <string_view>

#include "kernel/base/array.h"
#include "kernel/base/async.h"
#include "kernel/base/executor.h"
#include "kernel/base/memory.h"
#include "net/messages/file.h"
#include "net/messages/xattr.h"
#include "net/rpc/server.h"
#include "net/rpc/stats_service.h"
#include "storage/file_system.h"
#include "storage/service/clients.h"
#include "storage/service/staging.h"
#include "storage/service/worker.h"

namespace storage {

// Makes the file system that is served; called on the worker.
class Mounter {
 public:
  virtual base::Result<base::Own<FileSystem>> mount(Time now) = 0;

 protected:
  ~Mounter() = default;
};

class FileService final : private base::Timer, public rpc::CounterSource {
 public:
  // `client_kind`: of those who may mount (mComponents, in an image).
  static base::Result<base::Own<FileService>> create(base::EventLoop& loop, Worker& worker, Mounter& mounter,
                                                     rpc::BufferMemory& memory, messages::ComponentKind client_kind);
  FileService(base::EventLoop& loop, Worker& worker, Mounter& mounter, rpc::BufferMemory& memory,
              messages::ComponentKind client_kind);
  FileService(const FileService&) = delete;
  FileService& operator=(const FileService&) = delete;
  ~FileService();  // nothing is being served

  // Registers all handlers.
  void serve(rpc::Server& server);
  // The client is gone for good; what it had is given up soon.
  void client_died(base::BootId client);
  // Leaves the file system clean whoever has it mounted.
  base::Task<> shut_down();
  bool mounted() const { return static_cast<bool>(system_); }

  void report(rpc::CounterSink& sink) override;

 private:
  base::Task<> mount(rpc::ServerCall& call, messages::FileMountRequest request);
  base::Task<> unmount(rpc::ServerCall& call, messages::FileUnmountRequest request);
  base::Task<> look_up(rpc::ServerCall& call, messages::FileLookupRequest request);
  base::Task<> get_attributes(rpc::ServerCall& call, messages::FileGetAttributesRequest request);
  base::Task<> set_attributes(rpc::ServerCall& call, messages::FileSetAttributesRequest request);
  base::Task<> create_file(rpc::ServerCall& call, messages::FileCreateRequest request);
  base::Task<> unlink(rpc::ServerCall& call, messages::FileUnlinkRequest request);
  base::Task<> rename(rpc::ServerCall& call, messages::FileRenameRequest request);
  base::Task<> link(rpc::ServerCall& call, messages::FileLinkRequest request);
  base::Task<> read_link(rpc::ServerCall& call, messages::FileReadLinkRequest request);
  base::Task<> read_directory(rpc::ServerCall& call, messages::FileReadDirectoryRequest request);
  base::Task<> read(rpc::ServerCall& call, messages::FileReadRequest request);
  base::Task<> write(rpc::ServerCall& call, messages::FileWriteRequest request);
  base::Task<> sync(rpc::ServerCall& call, messages::FileSyncRequest request);
  base::Task<> list_xattrs(rpc::ServerCall& call, messages::FileListXattrsRequest request);
  base::Task<> set_xattr(rpc::ServerCall& call, messages::FileSetXattrRequest request);
  base::Task<> hold(rpc::ServerCall& call, messages::FileHoldRequest request);
  base::Task<> release(rpc::ServerCall& call, messages::FileReleaseRequest request);
  base::Task<> statistics(rpc::ServerCall& call, messages::FileStatisticsRequest request);
  base::Task<> reserve(rpc::ServerCall& call, messages::FileReserveRequest request);
  base::Task<> punch(rpc::ServerCall& call, messages::FilePunchRequest request);
  base::Task<> extent(rpc::ServerCall& call, messages::FileExtentRequest request);

  // Calls function(FileSystem&) -> Result on the worker; Stale if nothing is mounted by then.
  template <typename Function>
  auto on_worker(Function function);
  // The same for a client's request; NotPermitted if it has nothing mounted.
  template <typename Function>
  auto look(const rpc::ServerCall& call, Function function);
  // As above, for what leaves something to be written back.
  template <typename Function>
  auto change(const rpc::ServerCall& call, Function function);

  void keep_counters();
  void write_back_soon();
  base::Task<> remember_hold(rpc::ServerCall& call, base::FileId file);
  Request request_of(const rpc::ServerCall& call);
  base::Task<> unmount_if_unused();
  base::Task<> clean_up_after(base::BootId client);
  base::Task<> write_back();
  void expired() override;

  base::EventLoop& loop_;
  Worker& worker_;
  Mounter& mounter_;
  const messages::ComponentKind client_kind_;
  StagingPool staging_;
  base::AsyncLock mounting_;
  base::Own<FileSystem> system_;  // looked at and changed on the worker only
  struct Counter {
    std::string_view name;
    std::uint64_t value;
  };
  base::Array<Counter> kept_;  // counters of earlier mounts
  Clients clients_;
  Time latest_ = 0;            // the time of the latest request, for what happens without one
  std::uint32_t running_ = 0;  // coroutines of our own
};

}  // namespace storage
