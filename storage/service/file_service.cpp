// SPDX-License-Identifier: Apache-2.0
// Mounting and what happens without a request: see file_service.h. The handlers are in file_handlers.cpp.
#include "storage/service/file_service.h"

#include <algorithm>

#include "kernel/base/log.h"
#include "storage/service/on_worker.h"
#include "storage/service/translate.h"

namespace storage {

using base::Error;
using base::Result;
using base::Task;

namespace {
constexpr std::size_t staging_buffers = 8;                          // answers with file data at a time
constexpr std::uint64_t write_back_after_ns = 5 * base::second_ns;  // as Linux's journal
constexpr std::uint64_t device_number = 254 << 8;                   // st_dev: the first virtio disk under Linux
}  // namespace

Result<base::Own<FileService>> FileService::create(base::EventLoop& loop, Worker& worker, Mounter& mounter,
                                                   rpc::BufferMemory& memory, messages::ComponentKind client_kind) {
  base::Own<FileService> service = TRY(base::try_make<FileService>(loop, worker, mounter, memory, client_kind));
  TRY(service->staging_.initialize(staging_buffers));
  return service;
}

FileService::FileService(base::EventLoop& loop, Worker& worker, Mounter& mounter, rpc::BufferMemory& memory,
                         messages::ComponentKind client_kind)
    : loop_(loop),
      worker_(worker),
      mounter_(mounter),
      client_kind_(client_kind),
      staging_(loop, memory),
      mounting_(loop) {}

FileService::~FileService() {
  LEGO_ASSERT(running_ == 0);
  cancel();
}

void FileService::serve(rpc::Server& server) {
  server.handle<messages::FileMountRequest, &FileService::mount>(*this);
  server.handle<messages::FileUnmountRequest, &FileService::unmount>(*this);
  server.handle<messages::FileLookupRequest, &FileService::look_up>(*this);
  server.handle<messages::FileGetAttributesRequest, &FileService::get_attributes>(*this);
  server.handle<messages::FileSetAttributesRequest, &FileService::set_attributes>(*this);
  server.handle<messages::FileCreateRequest, &FileService::create_file>(*this);
  server.handle<messages::FileUnlinkRequest, &FileService::unlink>(*this);
  server.handle<messages::FileRenameRequest, &FileService::rename>(*this);
  server.handle<messages::FileLinkRequest, &FileService::link>(*this);
  server.handle<messages::FileReadLinkRequest, &FileService::read_link>(*this);
  server.handle<messages::FileReadDirectoryRequest, &FileService::read_directory>(*this);
  server.handle<messages::FileReadRequest, &FileService::read>(*this);
  server.handle<messages::FileWriteRequest, &FileService::write>(*this);
  server.handle<messages::FileSyncRequest, &FileService::sync>(*this);
  server.handle<messages::FileHoldRequest, &FileService::hold>(*this);
  server.handle<messages::FileReleaseRequest, &FileService::release>(*this);
  server.handle<messages::FileStatisticsRequest, &FileService::statistics>(*this);
  server.handle<messages::FileReserveRequest, &FileService::reserve>(*this);
  server.handle<messages::FilePunchRequest, &FileService::punch>(*this);
  server.handle<messages::FileExtentRequest, &FileService::extent>(*this);
  server.handle<messages::FileListXattrsRequest, &FileService::list_xattrs>(*this);
  server.handle<messages::FileSetXattrRequest, &FileService::set_xattr>(*this);
}

Request FileService::request_of(const rpc::ServerCall& call) {
  const auto now = static_cast<Time>(call.wall_time_ns());
  if (now > latest_) latest_ = now;
  return {.now = now != 0 ? now : latest_};
}

Task<> FileService::mount(rpc::ServerCall& call, messages::FileMountRequest) {
  if (call.peer().kind != client_kind_) co_return base::fail(Error::NotPermitted);
  const Request request = request_of(call);
  const auto held = co_await mounting_.exclusive();
  if (!system_) {
    CO_TRY_VOID(co_await run(loop_, worker_, [&]() -> Result<> {
      system_ = TRY(mounter_.mount(request.now));
      return {};
    }));
    base::log_info("storage", "mounted{}", system_->read_only() ? " (read-only)" : "");
  }
  struct Mounted {
    Attributes root;
    Statistics statistics;
    bool read_only;
  };
  CO_TRY(const Mounted mounted, co_await on_worker([](FileSystem& system) -> Result<Mounted> {
           return Mounted{TRY(system.attributes(system.root())), TRY(system.statistics()), system.read_only()};
         }));
  CO_TRY_VOID(clients_.add_mount(call.peer().boot_id));
  messages::FileMountReply reply;
  reply.root = to_message(mounted.root);
  reply.device = device_number;
  reply.read_only = mounted.read_only ? 1 : 0;
  reply.block_bytes = static_cast<std::uint32_t>(mounted.statistics.block_bytes);
  co_return call.reply(reply);
}

Task<> FileService::unmount(rpc::ServerCall& call, messages::FileUnmountRequest) {
  if (!clients_.remove_mount(call.peer().boot_id)) co_return base::fail(Error::InvalidArgument);
  request_of(call);
  CO_TRY_VOID(co_await unmount_if_unused());
  co_return call.reply(messages::EmptyReply{});
}

Task<> FileService::unmount_if_unused() {
  const auto held = co_await mounting_.exclusive();
  if (!system_ || clients_.mounts() > 0) co_return {};
  auto result = co_await on_worker([this](FileSystem& system) -> Result<> {
    TRY(system.unmount());
    keep_counters();
    system_.reset();
    return {};
  });
  if (result)
    base::log_info("storage", "unmounted");
  else
    base::log_error("storage", "cannot unmount: {}", base::error_name(result.error()));
  co_return result;
}

void FileService::client_died(base::BootId client) {
  ++running_;
  base::spawn(clean_up_after(client), [this](Result<> result) {
    --running_;
    if (!result) base::log_error("storage", "after a client died: {}", base::error_name(result.error()));
  });
}

Task<> FileService::clean_up_after(base::BootId client) {
  Clients::Hold left;
  Result<> result;
  while (clients_.take_hold(client, left)) {
    write_back_soon();
    auto released = co_await on_worker([&](FileSystem& system) {
      return system.release(left.file, static_cast<std::uint32_t>(left.count), {.now = latest_});
    });
    if (!released) result = released;
  }
  if (clients_.forget_mounts(client)) CO_TRY_VOID(co_await unmount_if_unused());
  co_return result;
}

Task<> FileService::shut_down() {
  clients_.clear();
  return unmount_if_unused();
}

Task<> FileService::write_back() {
  auto result = co_await on_worker([](FileSystem& system) { return system.write_back(); });
  if (!result && result.error() != Error::Stale) co_return result;  // it may have been unmounted meanwhile
  co_return {};
}

void FileService::expired() {
  ++running_;
  base::spawn(write_back(), [this](Result<> result) {
    --running_;
    if (!result) base::log_error("storage", "write-back: {}", base::error_name(result.error()));
  });
}

void FileService::write_back_soon() {
  if (!armed()) loop_.arm(*this, loop_.now_ns() + write_back_after_ns);
}

// Whoever looks at the counters after a run wants to see them though nothing is mounted any more.
void FileService::keep_counters() {
  const auto keep = [](void* context, std::string_view name, std::uint64_t value) {
    auto& kept = *static_cast<base::Array<Counter>*>(context);
    const auto known = std::ranges::find(kept, name, &Counter::name);
    if (known != kept.end())
      known->value += value;
    else
      (void)kept.push_back({name, value});  // without memory for it: not shown
  };
  system_->for_each_counter(keep, &kept_);
}

void FileService::report(rpc::CounterSink& sink) {
  struct Context {
    rpc::CounterSink& sink;
    const base::Array<Counter>& kept;
  } context{sink, kept_};
  if (!system_) {
    for (const Counter& counter : kept_) sink.counter(counter.name, counter.value);
    return;
  }
  const auto show = [](void* both, std::string_view name, std::uint64_t value) {
    const auto& [to, kept] = *static_cast<Context*>(both);
    const auto known = std::ranges::find(kept, name, &Counter::name);
    to.counter(name, known != kept.end() ? value + known->value : value);
  };
  system_->for_each_counter(show, &context);
}

}  // namespace storage
