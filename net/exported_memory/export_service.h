// SPDX-License-Identifier: Apache-2.0
// Memory of a component that any RDMA peer may read and write without a handler seeing it, with the keys that it is
// told when it connects (wire.h). The memory has regions of its own, so that its keys open nothing else. For trying and
// testing: an image exports memory only if its command line says so, and whoever reaches the port gets the keys.
// The endpoint's lock guards what is shared with the engine; connections are made and ended on the loop.
#pragma once

#include <span>

#include "kernel/base/array.h"
#include "kernel/base/executor.h"
#include "kernel/base/spinlock.h"
#include "net/exported_memory/wire.h"
#include "net/verbs/connection_manager.h"

namespace exported_memory {

using base::Result;

class ExportService final : private verbs::ConnectionListener, private base::Work {
 public:
  // Connections at a time: the oldest makes room for a new one, for a peer may have gone without a word.
  static constexpr std::size_t max_guests = 16;

  ExportService(base::EventLoop& loop, base::SpinLock& lock, verbs::Device& device, verbs::ProtectionDomain& domain,
                verbs::ConnectionManager& connections)
      : loop_(loop), lock_(lock), device_(device), domain_(domain), connections_(connections) {}
  ExportService(const ExportService&) = delete;
  ExportService& operator=(const ExportService&) = delete;
  ~ExportService();

  // Once. The memory is the service's until it goes.
  Result<> start(std::span<std::byte> memory);

 private:
  // One connection. The peer does everything: nothing is posted here, and nothing completes.
  struct Guest final : verbs::ConnectionEvents {
    explicit Guest(ExportService& owner) : service(owner) {}
    void established(verbs::Connection&, std::span<const std::byte>) override {}
    void rejected(verbs::Connection&, verbs::RejectReason, std::span<const std::byte>) override { end(); }
    void disconnected(verbs::Connection&) override { end(); }
    void end();

    ExportService& service;
    base::Own<verbs::CompletionQueue> completions;
    base::Own<verbs::QueuePair> queue_pair;
    base::Own<verbs::Connection> connection;
    bool gone = false;
  };

  void requested(base::Own<verbs::ConnectionRequest> request) override;
  void run() override;
  Result<> accept(verbs::ConnectionRequest& request);

  base::EventLoop& loop_;
  base::SpinLock& lock_;
  verbs::Device& device_;
  verbs::ProtectionDomain& domain_;
  verbs::ConnectionManager& connections_;
  base::Own<verbs::MemoryRegion> region_, read_only_region_;
  Export answer_;
  bool listening_ = false;
  base::Array<base::Own<verbs::ConnectionRequest>> waiting_;
  base::Array<base::Own<Guest>> guests_;  // the oldest first
};

}  // namespace exported_memory
