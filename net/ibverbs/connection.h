// SPDX-License-Identifier: Apache-2.0
// One connection over librdmacm, whose queue pair we bring up ourselves, and a request for one. Events of librdmacm
// come in one at a time, acknowledged before they are acted upon, so that whoever is told may give up any connection
// but the one it is told of.
#pragma once

#include <rdma/rdma_cma.h>

#include <array>
#include <vector>

#include "net/ibverbs/queue_pair.h"
#include "net/verbs/connection_manager.h"

namespace ibverbs {

// An owned identifier of librdmacm.
class Identifier {
 public:
  Identifier() = default;
  explicit Identifier(rdma_cm_id* id) : id_(id) {}
  Identifier(Identifier&& other) noexcept : id_(std::exchange(other.id_, nullptr)) {}
  Identifier& operator=(Identifier&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  ~Identifier() { reset(); }
  void reset() {
    if (id_ != nullptr) rdma_destroy_id(std::exchange(id_, nullptr));
  }
  rdma_cm_id* get() const { return id_; }
  rdma_cm_id* operator->() const { return id_; }
  explicit operator bool() const { return id_ != nullptr; }

 private:
  rdma_cm_id* id_ = nullptr;
};

// What is left of an event once it is acknowledged.
struct Event {
  rdma_cm_event_type type{};
  int status = 0;
  std::uint8_t responder_resources = 0;
  std::uint8_t initiator_depth = 0;
  std::vector<std::byte> private_data;
};

class IbConnection final : public verbs::Connection {
 public:
  IbConnection(Context& context, IbQueuePair& queue_pair, verbs::Access access, verbs::ConnectionEvents& events,
               const verbs::ConnectionParameters& parameters, const verbs::Gid& peer);
  ~IbConnection() override;
  verbs::Gid peer() const override { return peer_; }
  void disconnect() override;

  // The active side: begins; the rest follows by events. The passive side: answers the request of `id`, which is taken
  // only if that went well.
  Result<> connect(rdma_event_channel* channel, std::uint16_t port);
  Result<> accept(Identifier& id, const Event& request);

  void handle(const Event& event);
  void forget_queue_pair() { queue_pair_ = nullptr; }

 private:
  enum class Stage : std::uint8_t { Connecting, Accepting, Established, Disconnecting, Ended };

  Result<> send_request();
  Result<> finish_request(const Event& response);
  void refused(verbs::RejectReason reason, std::span<const std::byte> private_data);
  void gone();
  rdma_conn_param parameters(std::uint8_t responder_resources, std::uint8_t initiator_depth) const;

  Context& context_;
  IbQueuePair* queue_pair_;
  const verbs::Access access_;
  verbs::ConnectionEvents& events_;
  const verbs::Gid peer_;
  verbs::ConnectionParameters wanted_;
  std::vector<std::byte> private_data_;  // ours, until it is sent
  Stage stage_ = Stage::Connecting;
  Identifier id_;
};

class IbConnectionRequest final : public verbs::ConnectionRequest {
 public:
  IbConnectionRequest(Context& context, Identifier id, Event event);
  ~IbConnectionRequest() override;
  verbs::Gid peer() const override { return gid_of(*rdma_get_peer_addr(id_.get())); }
  std::span<const std::byte> private_data() const override { return event_.private_data; }
  std::uint32_t path_mtu() const override { return context_.active_mtu; }
  Result<base::Own<verbs::Connection>> accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                              verbs::ConnectionEvents& events,
                                              const verbs::ConnectionParameters& parameters) override;
  void reject(verbs::RejectReason reason, std::span<const std::byte> private_data) override;

 private:
  Context& context_;
  Identifier id_;  // none: decided
  Event event_;
};

}  // namespace ibverbs
