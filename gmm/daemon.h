// SPDX-License-Identifier: Apache-2.0
// gmmd without main(): the managers on the rack's network. Members are in the order in which they are made;
// they go in the reverse.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "gmm/managers.h"
#include "gmm/options.h"
#include "gmm/state_file.h"
#include "net/linux_node/fabric.h"
#include "net/linux_node/get_random.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/stats_service.h"

namespace gmm {

class Daemon final : private WallClock, private rpc::CounterSource {
 public:
  // Reads key and state, attaches to the network and serves. Errors are logged. `lost`: the network is gone.
  static Result<std::unique_ptr<Daemon>> create(poll_loop::PollLoop& loop, const Options& options,
                                                const linux_node::MakeFabric& make_fabric, std::function<void()> lost);
  ~Daemon();
  Managers& managers() { return *managers_; }

 private:
  explicit Daemon(poll_loop::PollLoop& loop) : loop_(loop), driver_(loop.loop()) {}
  Result<> attach(const linux_node::MakeFabric& make_fabric, std::function<void()> lost);
  Result<> serve(const membership::RackKey& key, const Counters& restored);
  std::uint64_t wall_time_ns() override;
  void report(rpc::CounterSink& sink) override;  // net.*

  poll_loop::PollLoop& loop_;
  linux_node::GetRandom entropy_;
  base::SpinLock lock_{base::LockRank::Rpc};
  std::optional<StateFile> state_;
  std::unique_ptr<linux_node::Fabric> fabric_;
  base::Own<verbs::ProtectionDomain> domain_;
  std::unique_ptr<rpc::HeapBuffers> buffers_;
  rpc::LoopDriver driver_;
  rpc::Statistics statistics_;
  std::unique_ptr<Managers> managers_;
  std::unique_ptr<rpc::Server> server_;
  base::Own<rpc::StatsService> stats_;
  std::unique_ptr<rpc::EndpointCounters> rpc_counters_;
  base::Own<rpc::Endpoint> endpoint_;
};

}  // namespace gmm
