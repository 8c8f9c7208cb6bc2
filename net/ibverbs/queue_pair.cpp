// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/queue_pair.h"

#include <array>
#include <cerrno>
#include <cstring>

#include "net/ibverbs/completion_queue.h"
#include "net/ibverbs/connection.h"

namespace ibverbs {

using verbs::QpState;

namespace {

constexpr std::size_t max_pieces = 32;
constexpr std::uint8_t min_rnr_timer = 12;  // 640 us; librdmacm's own, 0, is the longest of all
constexpr std::uint8_t hop_limit = 64;

std::size_t copy_pieces(std::span<const verbs::Sge> from, std::array<ibv_sge, max_pieces>& to) {
  std::size_t count = 0;
  for (const verbs::Sge& piece : from) to[count++] = {piece.address, piece.length, piece.lkey};
  return count;
}

ibv_wr_opcode opcode_of(verbs::Opcode opcode) {
  switch (opcode) {
    case verbs::Opcode::Send:
      return IBV_WR_SEND;
    case verbs::Opcode::SendWithImmediate:
      return IBV_WR_SEND_WITH_IMM;
    case verbs::Opcode::RdmaWrite:
      return IBV_WR_RDMA_WRITE;
    case verbs::Opcode::RdmaWriteWithImmediate:
      return IBV_WR_RDMA_WRITE_WITH_IMM;
    case verbs::Opcode::RdmaRead:
      return IBV_WR_RDMA_READ;
    case verbs::Opcode::CompareAndSwap:
      return IBV_WR_ATOMIC_CMP_AND_SWP;
    case verbs::Opcode::FetchAndAdd:
      return IBV_WR_ATOMIC_FETCH_AND_ADD;
  }
  return IBV_WR_SEND;
}

// Posting fails with ENOMEM when the queue is full.
Result<> posted(int result) {
  if (result == 0) return {};
  return base::fail(result == ENOMEM ? Error::Exhausted : error_of(result));
}

}  // namespace

Result<> IbQueuePair::initialize(ibv_pd* domain, const verbs::QpInitAttributes& attributes) {
  const verbs::QpCapabilities& capabilities = attributes.capabilities;
  if (capabilities.max_send_sge > max_pieces || capabilities.max_recv_sge > max_pieces) {
    return base::fail(Error::InvalidArgument);
  }
  send_queue_ = static_cast<IbCompletionQueue*>(attributes.send_cq);
  receive_queue_ = static_cast<IbCompletionQueue*>(attributes.recv_cq);
  ibv_qp_init_attr wanted{};
  wanted.send_cq = send_queue_->get();
  wanted.recv_cq = receive_queue_->get();
  wanted.qp_type = IBV_QPT_RC;
  wanted.cap = {.max_send_wr = capabilities.max_send_wr,
                .max_recv_wr = capabilities.max_recv_wr,
                .max_send_sge = capabilities.max_send_sge,
                .max_recv_sge = capabilities.max_recv_sge,
                .max_inline_data = capabilities.max_inline_data};
  queue_pair_ = ibv_create_qp(domain, &wanted);
  if (queue_pair_ == nullptr) return base::fail(error_of(errno));
  context_.queue_pairs[queue_pair_->qp_num] = this;
  return reset();
}

IbQueuePair::~IbQueuePair() {
  if (connection_ != nullptr) connection_->forget_queue_pair();
  if (queue_pair_ == nullptr) return;
  const std::uint32_t number = qp_num();
  ibv_destroy_qp(queue_pair_);
  context_.queue_pairs.erase(number);
  send_queue_->purge(number);
  receive_queue_->purge(number);
}

Result<> IbQueuePair::change(ibv_qp_attr& attributes, int mask, QpState to) {
  if (const int result = ibv_modify_qp(queue_pair_, &attributes, mask); result != 0) {
    return base::fail(error_of(result));
  }
  state_ = to;
  return {};
}

Result<> IbQueuePair::reset() {
  ibv_qp_attr attributes{};
  if (state_ != QpState::Reset) {
    attributes.qp_state = IBV_QPS_RESET;
    TRY(change(attributes, IBV_QP_STATE, QpState::Reset));
    send_queue_->purge(qp_num());
    receive_queue_->purge(qp_num());
  }
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = context_.port;
  return change(attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, QpState::Reset);
}

Result<> IbQueuePair::modify(const verbs::QpAttributes& attributes) {
  switch (attributes.state) {
    case QpState::Reset:
      return reset();
    case QpState::Error:
      if (state_ == QpState::Reset) return base::fail(Error::InvalidArgument);
      enter_error();
      return {};
    case QpState::Init:
      if (state_ != QpState::Reset) return base::fail(Error::InvalidArgument);
      return modify_to_init(attributes);
    case QpState::ReadyToReceive:
      if (state_ != QpState::Init) return base::fail(Error::InvalidArgument);
      return modify_to_receive(attributes);
    case QpState::ReadyToSend:
      if (state_ != QpState::ReadyToReceive) return base::fail(Error::InvalidArgument);
      return modify_to_send(attributes);
  }
  return base::fail(Error::InvalidArgument);
}

Result<> IbQueuePair::modify_to_init(const verbs::QpAttributes& from) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = context_.port;
  attributes.qp_access_flags = access_flags(from.access);
  return change(attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, QpState::Init);
}

Result<> IbQueuePair::modify_to_receive(const verbs::QpAttributes& from) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = TRY(mtu_code(from.path_mtu));
  attributes.dest_qp_num = from.destination_qpn;
  attributes.rq_psn = from.receive_psn;
  attributes.max_dest_rd_atomic = from.max_destination_reads;
  attributes.min_rnr_timer = from.min_rnr_timer;
  attributes.ah_attr.is_global = 1;
  attributes.ah_attr.port_num = context_.port;
  attributes.ah_attr.grh.sgid_index = context_.gid_index;
  attributes.ah_attr.grh.hop_limit = hop_limit;
  std::memcpy(attributes.ah_attr.grh.dgid.raw, from.destination.bytes.data(), from.destination.bytes.size());
  return change(attributes,
                IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
                QpState::ReadyToReceive);
}

Result<> IbQueuePair::modify_to_send(const verbs::QpAttributes& from) {
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RTS;
  attributes.sq_psn = from.send_psn;
  attributes.timeout = from.timeout;
  attributes.retry_cnt = from.retry_count;
  attributes.rnr_retry = from.rnr_retry;
  attributes.max_rd_atomic = from.max_reads;
  return change(
      attributes,
      IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_MAX_QP_RD_ATOMIC,
      QpState::ReadyToSend);
}

Result<> IbQueuePair::step(rdma_cm_id& id, const Bounds& bounds, ibv_qp_state native, QpState to) {
  ibv_qp_attr attributes{};
  int mask = 0;
  attributes.qp_state = native;
  if (rdma_init_qp_attr(&id, &attributes, &mask) != 0) return base::fail(error_of(errno));
  if ((mask & IBV_QP_ACCESS_FLAGS) != 0) attributes.qp_access_flags = access_flags(bounds.access);
  if (native == IBV_QPS_RTR) {
    attributes.min_rnr_timer = min_rnr_timer;
    if (bounds.max_destination_reads != 255) attributes.max_dest_rd_atomic = bounds.max_destination_reads;
  } else if (native == IBV_QPS_RTS) {
    if (bounds.max_reads != 255) attributes.max_rd_atomic = bounds.max_reads;
    if (bounds.timeout != 255) attributes.timeout = bounds.timeout;
  }
  return change(attributes, mask, to);
}

Result<> IbQueuePair::follow(rdma_cm_id& id, const Bounds& bounds) {
  TRY(step(id, bounds, IBV_QPS_INIT, QpState::Init));
  TRY(step(id, bounds, IBV_QPS_RTR, QpState::ReadyToReceive));
  return step(id, bounds, IBV_QPS_RTS, QpState::ReadyToSend);
}

void IbQueuePair::enter_error() {
  if (state_ == QpState::Error || state_ == QpState::Reset) return;
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_ERR;
  (void)change(attributes, IBV_QP_STATE, QpState::Error);
}

void IbQueuePair::note_error() {
  if (state_ != QpState::Reset) state_ = QpState::Error;
}

Result<> IbQueuePair::post_send(const verbs::SendWorkRequest& request) {
  if (state_ != QpState::ReadyToSend && state_ != QpState::Error) return base::fail(Error::InvalidArgument);
  if (request.sg_list.size() > max_pieces) return base::fail(Error::InvalidArgument);
  std::array<ibv_sge, max_pieces> pieces;
  ibv_send_wr work{};
  work.wr_id = request.wr_id;
  work.num_sge = static_cast<int>(copy_pieces(request.sg_list, pieces));
  work.sg_list = pieces.data();
  work.opcode = opcode_of(request.opcode);
  if (request.signaled) work.send_flags |= IBV_SEND_SIGNALED;
  if (request.solicited) work.send_flags |= IBV_SEND_SOLICITED;
  if (request.inline_data) work.send_flags |= IBV_SEND_INLINE;
  work.imm_data = htonl(request.immediate);
  if (request.opcode == verbs::Opcode::CompareAndSwap || request.opcode == verbs::Opcode::FetchAndAdd) {
    work.wr.atomic.remote_addr = request.remote_address;
    work.wr.atomic.rkey = request.rkey;
    work.wr.atomic.compare_add = request.compare_or_add;
    work.wr.atomic.swap = request.swap;
  } else {
    work.wr.rdma.remote_addr = request.remote_address;
    work.wr.rdma.rkey = request.rkey;
  }
  ibv_send_wr* refused = nullptr;
  return posted(ibv_post_send(queue_pair_, &work, &refused));
}

Result<> IbQueuePair::post_receive(const verbs::ReceiveWorkRequest& request) {
  if (request.sg_list.size() > max_pieces) return base::fail(Error::InvalidArgument);
  std::array<ibv_sge, max_pieces> pieces;
  ibv_recv_wr work{};
  work.wr_id = request.wr_id;
  work.num_sge = static_cast<int>(copy_pieces(request.sg_list, pieces));
  work.sg_list = pieces.data();
  ibv_recv_wr* refused = nullptr;
  return posted(ibv_post_recv(queue_pair_, &work, &refused));
}

}  // namespace ibverbs
