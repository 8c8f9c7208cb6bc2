// SPDX-License-Identifier: Apache-2.0
// What the peer program needs of libibverbs and librdmacm, as objects that clean up. Failures throw
// std::runtime_error with errno's text.
#pragma once

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/verbs_test/control.h"

namespace verbs_peer {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& what);
// With the text of errno.
[[noreturn]] void fail_errno(const std::string& what);

// Of soft-RoCE: the first is its link-local address.
inline constexpr unsigned gid_index_ipv6 = 0, gid_index_ipv4 = 1;

// The guest's one device.
class Device {
 public:
  Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device();
  ibv_context* context() const { return context_; }
  ibv_pd* domain() const { return domain_; }
  ibv_gid gid(unsigned index) const;

 private:
  ibv_context* context_ = nullptr;
  ibv_pd* domain_ = nullptr;
};

// Registered memory with every right.
class Memory {
 public:
  Memory(ibv_pd* domain, std::size_t bytes);
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory();
  std::span<std::byte> bytes() { return {memory_, bytes_}; }
  std::uint32_t lkey() const { return region_->lkey; }
  std::uint32_t rkey() const { return region_->rkey; }
  ibv_sge sge(std::span<const std::byte> part) const {
    return {reinterpret_cast<std::uint64_t>(part.data()), static_cast<std::uint32_t>(part.size()), region_->lkey};
  }

 private:
  std::byte* memory_;
  std::size_t bytes_;
  ibv_mr* region_;
};

// A completion of any status; nothing at the deadline. Sleeps between looks after a while.
std::optional<ibv_wc> next_completion(ibv_cq* queue, Clock::time_point deadline);

// A connection of librdmacm, the active side's or one that a Listener took. One queue for both directions.
class Connection {
 public:
  struct Parameters {
    std::optional<std::uint8_t> ack_timeout;  // as IB's code; librdmacm's default is 19
    std::uint8_t retries = 7;
    std::uint32_t sends = 16;
    std::uint32_t receives = 16;
  };
  // Resolves the address and makes the queue pair; post receives, then connect().
  Connection(const std::string& ip, std::uint16_t port, const Parameters& parameters);
  // Takes a request that came to a listener, whose events are the listener's.
  Connection(rdma_cm_id* id, const Parameters& parameters);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // The other side's private data; throws if it refuses or does not answer.
  std::vector<std::byte> connect(std::span<const std::byte> private_data);
  void accept(std::span<const std::byte> private_data);

  ibv_pd* domain() const { return id_->pd; }
  ibv_cq* queue() const { return queue_; }
  void post_receive(std::uint64_t wr_id, const ibv_sge& sge);
  void post_send(std::uint64_t wr_id, const ibv_sge& sge);

 private:
  void make_queues(const Parameters& parameters);

  std::unique_ptr<rdma_event_channel, void (*)(rdma_event_channel*)> own_channel_;
  rdma_cm_id* id_ = nullptr;
  ibv_cq* queue_ = nullptr;
  std::uint8_t retries_;
  bool connected_ = false;
};

}  // namespace verbs_peer
