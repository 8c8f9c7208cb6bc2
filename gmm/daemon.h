// SPDX-License-Identifier: Apache-2.0
// gmmd without main(): the managers on a port of the virtual switch. Members are in the order in which they are made;
// they go in the reverse.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "gmm/managers.h"
#include "gmm/options.h"
#include "gmm/state_file.h"
#include "net/roce_socket/roce_port.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/stats_service.h"

namespace gmm {

class Daemon final : private WallClock, private rpc::CounterSource {
 public:
  // Reads key and state, attaches to the switch and serves. Errors are logged. `lost`: the switch is gone.
  static Result<std::unique_ptr<Daemon>> create(poll_loop::PollLoop& loop, const Options& options,
                                                std::function<void()> lost);
  ~Daemon();
  Managers& managers() { return *managers_; }

 private:
  struct GetRandom final : membership::Entropy {
    void fill(std::span<std::byte> bytes) override;
  };

  explicit Daemon(poll_loop::PollLoop& loop) : loop_(loop), driver_(loop.loop()) {}
  Result<> attach(const Options& options, std::function<void()> lost);
  Result<> serve(const membership::RackKey& key, const Counters& restored);
  std::uint64_t wall_time_ns() override;
  void report(rpc::CounterSink& sink) override;  // net.*

  poll_loop::PollLoop& loop_;
  GetRandom entropy_;
  base::SpinLock lock_{base::LockRank::Rpc};
  std::optional<StateFile> state_;
  std::unique_ptr<roce_socket::RocePort> port_;
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
