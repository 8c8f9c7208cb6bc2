// SPDX-License-Identifier: Apache-2.0
// Offers its memory to whoever connects. All calls come from the engine, with the port's lock held, but for start().
#pragma once

#include "kernel/base/array.h"
#include "kernel/device/dma.h"
#include "net/port/ethernet_port.h"
#include "net/verbs/connection_manager.h"
#include "tests/rack/port/pages.h"

namespace port_test {

class Server final : public verbs::ConnectionListener, private verbs::ConnectionEvents {
 public:
  explicit Server(port::EthernetPort& port) : port_(port) {}
  base::Result<> start(device::DmaMemory& memory);

  void requested(base::Own<verbs::ConnectionRequest> request) override;

 private:
  void established(verbs::Connection& connection, std::span<const std::byte> private_data) override;
  void rejected(verbs::Connection& connection, verbs::RejectReason reason,
                std::span<const std::byte> private_data) override;
  void disconnected(verbs::Connection& connection) override;
  base::Result<> accept(verbs::ConnectionRequest& request);

  struct Client {
    base::Own<verbs::QueuePair> queue_pair;
    base::Own<verbs::Connection> connection;
  };
  port::EthernetPort& port_;
  base::Own<verbs::ProtectionDomain> domain_;
  base::Own<verbs::MemoryRegion> region_;
  base::Own<verbs::CompletionQueue> completions_;
  base::Array<Client> clients_;
  Offer offer_{};
};

}  // namespace port_test
