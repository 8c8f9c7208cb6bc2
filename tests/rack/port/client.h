// SPDX-License-Identifier: Apache-2.0
// Reads and writes a server's pages from a thread, checks them and times them.
#pragma once

#include <array>
#include <atomic>

#include "kernel/device/dma.h"
#include "kernel/threads/block.h"
#include "net/port/ethernet_port.h"
#include "net/port/thread_port.h"
#include "net/verbs/connection_manager.h"
#include "tests/rack/port/pages.h"

namespace port_test {

// When the thread began to wait; idle cores look at it.
class WaitingSince final : public port::Expectation {
 public:
  std::uint64_t waiting_since_ns() const override { return since_ns_.load(std::memory_order_relaxed); }
  void set(std::uint64_t since_ns) { since_ns_.store(since_ns, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> since_ns_{0};
};

class Client final : private verbs::ConnectionEvents {
 public:
  Client(port::EthernetPort& port, WaitingSince& waiting) : port_(port), waiting_(waiting) {}

  // Everything, from a thread; says on the console how it went.
  base::Result<> run(device::DmaMemory& memory, verbs::Gid server);

 private:
  static constexpr std::size_t in_flight = 16;

  void established(verbs::Connection& connection, std::span<const std::byte> private_data) override;
  void rejected(verbs::Connection& connection, verbs::RejectReason reason,
                std::span<const std::byte> private_data) override;
  void disconnected(verbs::Connection& connection) override;

  base::Result<> prepare(device::DmaMemory& memory);
  base::Result<> connect(verbs::Gid server);
  base::Result<> post(verbs::Opcode opcode, std::uint64_t remote_page, std::size_t local_page);
  base::Result<verbs::WorkCompletion> wait();
  base::Result<> read_one_by_one();
  base::Result<> write_and_read_back();
  base::Result<> read_many();
  std::span<std::uint64_t> local(std::size_t page) const;

  port::EthernetPort& port_;
  WaitingSince& waiting_;
  std::span<std::byte> memory_;
  base::Own<verbs::ProtectionDomain> domain_;
  base::Own<verbs::MemoryRegion> region_;
  base::Own<verbs::CompletionQueue> completions_;
  base::Own<verbs::QueuePair> queue_pair_;
  base::Own<verbs::Connection> connection_;
  // Guarded by port_.lock().
  enum class State : std::uint8_t { Connecting, Connected, Refused } state_ = State::Connecting;
  threads::ThreadWaiter* connecting_ = nullptr;
  Offer offer_{};
};

}  // namespace port_test
