// SPDX-License-Identifier: Apache-2.0
// What clients ask of a pComponent: see launch_service.h.
#include "linux-abi/console/launch_service.h"

#include <algorithm>
#include <cstring>

#include "kernel/base/log.h"
#include "kernel/base/memory.h"
#include "linux-abi/console/thread_task.h"
#include "net/rpc/limits.h"
#include "processor/monitor.h"

namespace linux_abi {
namespace {

using base::Error;
using base::Result;
using base::Task;

// Of one reply: its tail, which the server can repeat after a reconnect.
constexpr std::size_t output_bytes = rpc::max_reply_tail_bytes;

// The next string of a tail, which loses it; Malformed without its zero byte.
Result<std::span<const char>> take_string(std::span<const char>& tail) {
  const auto end = std::find(tail.begin(), tail.end(), '\0');
  if (end == tail.end()) return base::fail(Error::Malformed);
  const auto length = static_cast<std::size_t>(end - tail.begin()) + 1;
  const auto text = tail.first(length);
  tail = tail.subspan(length);
  return text;
}

Result<ProgramLaunch::Strings> read_strings(const messages::ProgramStartRequest& request,
                                            std::span<const std::byte> bytes) {
  std::span<const char> tail(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  ProgramLaunch::Strings strings;
  const auto directory = TRY(take_string(tail));
  const auto program = TRY(take_string(tail));
  TRY(strings.directory.append(directory));
  TRY(strings.program.append(program));
  TRY(strings.arguments.bytes.append(tail));
  for (std::uint64_t i = 0; i < std::uint64_t{request.argc} + request.envc; ++i) TRY(take_string(tail));
  if (!tail.empty()) return base::fail(Error::Malformed);
  strings.arguments.argument_count = request.argc;
  strings.arguments.environment_count = request.envc;
  return strings;
}

struct StartWork {
  ProgramLaunch* launch;
  processor::Monitor* monitor;
  static Result<int> run(StartWork& work, processor::Sleeper& sleeper) {
    return work.launch->start(*work.monitor, sleeper);
  }
};
struct ReleaseWork {
  ProgramLaunch* launch;
  static Result<int> run(ReleaseWork& work, processor::Sleeper& sleeper) {
    TRY(work.launch->release(sleeper));
    return 0;
  }
};

}  // namespace

void LaunchService::serve(rpc::Server& server) {
  server.handle<messages::ProgramStartRequest, &LaunchService::start>(*this);
  server.handle<messages::ConsoleReadRequest, &LaunchService::read>(*this);
  server.handle<messages::ConsoleWriteRequest, &LaunchService::write>(*this);
  server.handle<messages::ConsoleResizeRequest, &LaunchService::resize>(*this);
  server.handle<messages::ConsoleSignalRequest, &LaunchService::signal>(*this);
  server.handle<messages::ProgramReleaseRequest, &LaunchService::release>(*this);
  server.handle<messages::MemoryPressureRequest, &LaunchService::memory_pressure>(*this);
}

Result<ProgramLaunch*> LaunchService::find(base::LaunchId id) {
  for (ProgramLaunch& launch : launches_)
    if (launch.id() == id) return &launch;
  return base::fail(Error::Stale);
}

Task<> LaunchService::start(rpc::ServerCall& call, messages::ProgramStartRequest request) {
  if (monitor_ == nullptr) co_return base::fail(Error::Again);
  if (refresher_ != nullptr) (void)co_await refresher_->refresh_memory();  // if it fails, what was known before stays
  if (find(base::LaunchId(request.launch))) co_return base::fail(Error::Exists);
  CO_TRY(auto strings, read_strings(request, call.tail()));
  CO_TRY(auto made, ProgramLaunch::create(request, std::move(strings), *this));
  ProgramLaunch* launch = made.release();
  launches_.push_back(*launch);
  ThreadTask<StartWork> work(loop_, {launch, monitor_});
  base::Completion<int>& started = work.run("launch");
  const Result<int> pid = co_await started;
  if (!pid) {
    ThreadTask<ReleaseWork> cleaning(loop_, {launch});
    base::Completion<int>& cleaning_done = cleaning.run("release");
    const Result<int> cleaned = co_await cleaning_done;
    if (!cleaned) base::log_error("linux_abi", "a launch that failed was not cleaned up: {}", cleaned.error());
    launches_.erase(launches_.iterator_to(*launch));
    base::Own<ProgramLaunch>(launch).reset();
    co_return base::fail(pid.error());
  }
  messages::ProgramStartReply reply;
  reply.pid = static_cast<std::uint32_t>(*pid);
  co_return call.reply(reply);
}

Task<> LaunchService::read(rpc::ServerCall& call, messages::ConsoleReadRequest request) {
  base::Array<std::byte> output;
  CO_TRY_VOID(output.resize(output_bytes));
  ProgramLaunch::Event event;
  while (true) {
    CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
    if (launch->next_event(output.span(), event)) break;
    co_await changed_.wait();
  }
  co_return call.reply(event.reply, output.span().first(event.bytes));
}

Task<> LaunchService::write(rpc::ServerCall& call, messages::ConsoleWriteRequest request) {
  if (call.tail().size() != request.bytes) co_return base::fail(Error::Malformed);
  for (std::size_t done = 0; done < request.bytes;) {
    CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
    const std::size_t taken = launch->type(call.tail().subspan(done));
    done += taken;
    if (taken == 0) co_await changed_.wait();
  }
  if (request.end_of_file != 0) {
    CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
    launch->end_input();
  }
  co_return call.reply(messages::EmptyReply{});
}

Task<> LaunchService::resize(rpc::ServerCall& call, messages::ConsoleResizeRequest request) {
  CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
  launch->resize({.rows = request.rows, .columns = request.columns});
  co_return call.reply(messages::EmptyReply{});
}

Task<> LaunchService::signal(rpc::ServerCall& call, messages::ConsoleSignalRequest request) {
  CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
  launch->signal(static_cast<int>(request.signal.get()));
  co_return call.reply(messages::EmptyReply{});
}

Task<> LaunchService::release(rpc::ServerCall& call, messages::ProgramReleaseRequest request) {
  CO_TRY(ProgramLaunch * launch, find(base::LaunchId(request.launch)));
  // Nobody finds it from now on; requests that wait for it end with Stale.
  launches_.erase(launches_.iterator_to(*launch));
  changed_.wake_all();
  ThreadTask<ReleaseWork> work(loop_, {launch});
  base::Completion<int>& done = work.run("release");
  const Result<int> released = co_await done;
  base::Own<ProgramLaunch>(launch).reset();
  if (!released) co_return base::fail(released.error());
  co_return call.reply(messages::EmptyReply{});
}

Task<> LaunchService::memory_pressure(rpc::ServerCall& call, messages::MemoryPressureRequest request) {
  if (monitor_ != nullptr) monitor_->memory_pressure(call.peer().node, request.low != 0);
  co_return call.reply(messages::EmptyReply{});
}

}  // namespace linux_abi
