// SPDX-License-Identifier: Apache-2.0
// A page server on net/rpc, and the tasks that ask it, for measuring what an RPC costs: requests and answers are those
// of a page fetch (messages::PageFetchRequest), behind them there are sixteen pages of pattern and no memory monitor.
// It admits everybody: it is part of the verbs test service, on a port of its own.
#pragma once

#include "net/messages/space.h"
#include "net/rpc/endpoint.h"
#include "net/rpc/loop_driver.h"
#include "net/rpc/peer.h"
#include "net/rpc/server.h"
#include "net/rpc/statistics.h"
#include "net/verbs_test/tasks.h"

namespace verbs_test {

class Pages final : private rpc::Identity {
 public:
  static constexpr std::uint64_t count = 16;
  static constexpr std::uint32_t seed = 0x50414745;

  // `buffers`: memory of the world's protection domain, for local use. Both outlive this.
  Pages(World& world, rpc::BufferMemory& buffers)
      : world_(world), buffers_(buffers), driver_(world.loop), server_(world.loop) {}
  ~Pages();  // stopped(), if it was started

  Result<> start();
  void stop();
  bool stopped();

  // The page server there; connected when it is first asked.
  Result<rpc::Peer*> server_at(std::uint32_t ip);

 private:
  base::Task<> fetch(rpc::ServerCall& call, messages::PageFetchRequest request);
  void fill_hello(messages::PeerHello&, const rpc::NodeAddress&) override {}
  void check_hello(const messages::PeerHello& hello, std::uint32_t ip, rpc::AdmissionId admission) override;

  World& world_;
  rpc::BufferMemory& buffers_;
  rpc::LoopDriver driver_;
  rpc::Statistics statistics_;
  rpc::Server server_;
  rpc::Buffer pages_;
  base::Own<rpc::Endpoint> endpoint_;
};

base::Task<> timed_calls(TaskContext context);
base::Task<> calls(TaskContext context);

}  // namespace verbs_test
