// SPDX-License-Identifier: Apache-2.0
// What clients ask of a pComponent: ProgramStart, the console, ProgramRelease. Handlers run on the component's loop;
// what may sleep (mounting, releasing) runs on kernel threads of its own.
#pragma once

#include <boost/intrusive/list.hpp>

#include "kernel/base/async.h"
#include "linux-abi/console/program_launch.h"
#include "net/messages/space.h"
#include "net/rpc/server.h"

namespace linux_abi {

// Makes what is shown of the rack's memory up to date; programs may ask for it at once.
class MemoryRefresher {
 public:
  virtual base::Task<> refresh_memory() = 0;

 protected:
  ~MemoryRefresher() = default;
};

class LaunchService final : private LaunchEvents {
 public:
  explicit LaunchService(base::EventLoop& loop) : loop_(loop), changed_(loop), wake_(*this) {}
  void serve(rpc::Server& server);
  // Before the first ProgramStart.
  void set_monitor(processor::Monitor& monitor) { monitor_ = &monitor; }
  void set_refresher(MemoryRefresher& refresher) { refresher_ = &refresher; }

 private:
  struct Wake final : base::Work {
    explicit Wake(LaunchService& owner) : service(owner) {}
    void run() override { service.changed_.wake_all(); }
    LaunchService& service;
  };
  void launch_changed() override { loop_.post(wake_); }

  base::Task<> start(rpc::ServerCall& call, messages::ProgramStartRequest request);
  base::Task<> read(rpc::ServerCall& call, messages::ConsoleReadRequest request);
  base::Task<> write(rpc::ServerCall& call, messages::ConsoleWriteRequest request);
  base::Task<> resize(rpc::ServerCall& call, messages::ConsoleResizeRequest request);
  base::Task<> signal(rpc::ServerCall& call, messages::ConsoleSignalRequest request);
  base::Task<> release(rpc::ServerCall& call, messages::ProgramReleaseRequest request);
  base::Task<> memory_pressure(rpc::ServerCall& call, messages::MemoryPressureRequest request);
  base::Result<ProgramLaunch*> find(base::LaunchId id);

  base::EventLoop& loop_;
  processor::Monitor* monitor_ = nullptr;
  MemoryRefresher* refresher_ = nullptr;
  base::AsyncCondition changed_;  // some launch has something to tell
  Wake wake_;
  boost::intrusive::list<ProgramLaunch> launches_;
};

}  // namespace linux_abi
