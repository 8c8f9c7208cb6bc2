// SPDX-License-Identifier: Apache-2.0
// The verbs test service: what unmodified programs of rdma-core and perftest need on the other side, and long streams.
// It listens on three ports of rdma_cm: rping's own, one for control programs (control.h), one for streams. For tests
// of interoperability, in an image only if its command line says verbs_test=1.
#pragma once

#include <array>

#include "net/verbs_test/pages.h"
#include "net/verbs_test/session.h"
#include "net/verbs_test/stream.h"

namespace verbs_test {

class Service {
 public:
  // `memory`: SlotPool::memory_bytes, aligned to pages; `buffers`: of the domain, for local use. All of these outlive
  // the service.
  Service(base::EventLoop& loop, base::SpinLock& lock, verbs::Device& device, verbs::ProtectionDomain& domain,
          verbs::ConnectionManager& connections, rpc::BufferMemory& buffers, std::byte* memory);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  Result<> start();
  // Ends all connections; the loop runs until stopped() before the service goes.
  void stop();
  bool stopped() { return world_.stopping && running_ == 0 && pages_.stopped(); }

 private:
  using Serve = base::Task<> (Service::*)(base::Own<verbs::ConnectionRequest> request);
  // Takes requests, which come inside the engine, to the loop.
  class Listener final : public verbs::ConnectionListener, private base::Work {
   public:
    Listener(Service& service, std::uint16_t port, Serve serve) : service_(service), port_(port), serve_(serve) {}
    Result<> start();
    void stop();

   private:
    static constexpr std::size_t waiting_requests = 8;
    void requested(base::Own<verbs::ConnectionRequest> request) override;
    void run() override;

    Service& service_;
    const std::uint16_t port_;
    const Serve serve_;
    bool listening_ = false;
    std::array<base::Own<verbs::ConnectionRequest>, waiting_requests> waiting_;
  };

  base::Task<> serve_control(base::Own<verbs::ConnectionRequest> request);
  base::Task<> serve_rping(base::Own<verbs::ConnectionRequest> request);
  base::Task<> serve_stream(base::Own<verbs::ConnectionRequest> request);
  base::Task<> control_messages(Channel* channel, Slot* slot, Session* session);
  TaskContext served(Channel* channel, Slot* slot, Counts* counts);

  World world_;
  Pages pages_;
  SlotPool slots_;
  StreamTable streams_;
  Listener control_;
  Listener rping_;
  Listener stream_;
  std::uint32_t running_ = 0;
};

}  // namespace verbs_test
