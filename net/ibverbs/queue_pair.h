// SPDX-License-Identifier: Apache-2.0
// A reliable queue pair. libibverbs takes receives from Init on, ours from Reset on: so libibverbs' queue pair is in
// Init when ours is in Reset. The connection manager brings it up with what librdmacm says (follow), others with
// modify.
#pragma once

#include <rdma/rdma_cma.h>

#include "net/ibverbs/context.h"

namespace ibverbs {

class IbCompletionQueue;
class IbConnection;

class IbQueuePair final : public verbs::QueuePair {
 public:
  explicit IbQueuePair(Context& context) : context_(context) {}
  IbQueuePair(const IbQueuePair&) = delete;
  IbQueuePair& operator=(const IbQueuePair&) = delete;
  ~IbQueuePair() override;
  Result<> initialize(ibv_pd* domain, const verbs::QpInitAttributes& attributes);

  std::uint32_t qp_num() const override { return queue_pair_->qp_num; }
  verbs::QpState state() const override { return state_; }
  Result<> modify(const verbs::QpAttributes& attributes) override;
  Result<> post_send(const verbs::SendWorkRequest& request) override;
  Result<> post_receive(const verbs::ReceiveWorkRequest& request) override;

  // What the connection does not learn from the messages of librdmacm; a number of 255: what those say.
  struct Bounds {
    verbs::Access access = verbs::Access::None;
    std::uint8_t max_destination_reads = 255;
    std::uint8_t max_reads = 255;
    std::uint8_t timeout = 255;
  };
  // From Reset to ReadyToSend as the connection of `id` has it.
  Result<> follow(rdma_cm_id& id, const Bounds& bounds);
  void enter_error();
  // A completion said that it is in Error.
  void note_error();
  void set_connection(IbConnection* connection) { connection_ = connection; }

 private:
  Result<> change(ibv_qp_attr& attributes, int mask, verbs::QpState to);
  Result<> step(rdma_cm_id& id, const Bounds& bounds, ibv_qp_state native, verbs::QpState to);
  Result<> modify_to_init(const verbs::QpAttributes& attributes);
  Result<> modify_to_receive(const verbs::QpAttributes& attributes);
  Result<> modify_to_send(const verbs::QpAttributes& attributes);
  Result<> reset();

  Context& context_;
  ibv_qp* queue_pair_ = nullptr;
  IbCompletionQueue* send_queue_ = nullptr;
  IbCompletionQueue* receive_queue_ = nullptr;
  IbConnection* connection_ = nullptr;
  verbs::QpState state_ = verbs::QpState::Reset;
};

}  // namespace ibverbs
