// SPDX-License-Identifier: Apache-2.0
// The verbs objects of the test fabric: see fabric.h.
#pragma once

#include <deque>
#include <vector>

#include "net/loopback/fabric.h"

namespace loopback {

class LoopRegion final : public verbs::MemoryRegion {
 public:
  LoopRegion(Fabric& fabric, std::uint32_t key) : fabric_(fabric), key_(key) {}
  ~LoopRegion() override { fabric_.regions_.erase(key_); }
  std::uint32_t lkey() const override { return key_; }
  std::uint32_t rkey() const override { return key_; }

 private:
  Fabric& fabric_;
  std::uint32_t key_;
};

class LoopDomain final : public verbs::ProtectionDomain {
 public:
  LoopDomain(Fabric& fabric, std::uint32_t ip) : fabric_(fabric), ip_(ip) {}
  Result<base::Own<verbs::MemoryRegion>> register_memory(std::uint64_t address, std::uint64_t length,
                                                         verbs::Access access) override;

 private:
  Fabric& fabric_;
  std::uint32_t ip_;
};

class LoopCompletions final : public verbs::CompletionQueue {
 public:
  explicit LoopCompletions(std::uint32_t entries) : entries_(entries) {}
  std::size_t poll(std::span<verbs::WorkCompletion> completions) override;
  void request_notify(void (*notify)(void* context), void* context) override;
  void add(const verbs::WorkCompletion& completion);

 private:
  std::uint32_t entries_;
  std::deque<verbs::WorkCompletion> queue_;
  void (*notify_)(void*) = nullptr;
  void* context_ = nullptr;
};

class LoopQueuePair final : public verbs::QueuePair {
 public:
  LoopQueuePair(Fabric& fabric, std::uint32_t ip, const verbs::QpInitAttributes& attributes);
  ~LoopQueuePair() override { fabric_.queue_pairs_.erase(number_); }
  std::uint32_t qp_num() const override { return number_; }
  verbs::QpState state() const override { return state_; }
  Result<> modify(const verbs::QpAttributes& attributes) override;
  Result<> post_send(const verbs::SendWorkRequest& request) override;
  Result<> post_receive(const verbs::ReceiveWorkRequest& request) override;

  void connect_to(std::uint32_t peer, verbs::Access access);
  void fail(verbs::CompletionStatus first);  // to Error; the oldest send completes with `first`, the rest is flushed
  std::uint32_t ip() const { return ip_; }
  std::uint32_t peer() const { return peer_; }

  // What the fabric may do with it.
  bool can_deliver() const { return state_ == verbs::QpState::ReadyToSend && delivered_ < sends_.size(); }
  bool can_acknowledge() const { return state_ == verbs::QpState::ReadyToSend && delivered_ > 0; }
  bool deliver();  // false: the receiver is not ready
  void acknowledge();

 private:
  struct Send {
    verbs::SendWorkRequest request;
    std::vector<verbs::Sge> pieces;
  };
  struct Receive {
    std::uint64_t wr_id;
    std::vector<verbs::Sge> pieces;
  };
  bool gather(const Send& send, std::vector<std::byte>& bytes);
  verbs::CompletionStatus take(const Send& send, const std::vector<std::byte>& bytes, LoopQueuePair& receiver);
  void complete_receive(const Send& send, std::uint32_t bytes, verbs::CompletionOpcode opcode);

  Fabric& fabric_;
  std::uint32_t ip_;
  std::uint32_t number_;
  verbs::QpInitAttributes attributes_;
  verbs::QpState state_ = verbs::QpState::Reset;
  verbs::Access access_ = verbs::Access::None;
  std::uint32_t peer_ = 0;
  std::deque<Send> sends_;
  std::size_t delivered_ = 0;  // of sends_, from the front: not yet acknowledged
  std::deque<Receive> receives_;
};

class LoopConnection final : public verbs::Connection {
 public:
  LoopConnection(Fabric& fabric, std::uint32_t ip, std::uint32_t peer_ip, verbs::ConnectionEvents& connection_events,
                 std::uint32_t queue_pair, verbs::Access access);
  ~LoopConnection() override;
  verbs::Gid peer() const override { return verbs::Gid::from_ipv4(peer_ip); }
  void disconnect() override;
  LoopQueuePair* queue_pair();

  Fabric& fabric;
  const std::uint64_t id;
  const std::uint32_t ip;
  const std::uint32_t peer_ip;
  verbs::ConnectionEvents& events;
  const std::uint32_t qpn;
  const verbs::Access access;
  std::uint64_t other = 0;  // the peer's connection
  bool connected = false;
};

class LoopRequest final : public verbs::ConnectionRequest {
 public:
  LoopRequest(Fabric& fabric, std::uint32_t ip, std::uint32_t peer_ip, std::uint64_t from, std::vector<std::byte> data)
      : fabric_(fabric), ip_(ip), peer_ip_(peer_ip), from_(from), data_(std::move(data)) {}
  ~LoopRequest() override {
    if (!answered_) reject(verbs::RejectReason::Consumer, {});
  }
  verbs::Gid peer() const override { return verbs::Gid::from_ipv4(peer_ip_); }
  std::span<const std::byte> private_data() const override { return data_; }
  std::uint32_t path_mtu() const override { return 4096; }
  Result<base::Own<verbs::Connection>> accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                              verbs::ConnectionEvents& events,
                                              const verbs::ConnectionParameters& parameters) override;
  void reject(verbs::RejectReason reason, std::span<const std::byte> private_data) override;

 private:
  Fabric& fabric_;
  std::uint32_t ip_;
  std::uint32_t peer_ip_;
  std::uint64_t from_;
  std::vector<std::byte> data_;
  bool answered_ = false;
};

}  // namespace loopback
