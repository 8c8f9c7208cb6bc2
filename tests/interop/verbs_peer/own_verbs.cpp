// SPDX-License-Identifier: Apache-2.0
// Queue pairs by hand: see own_verbs.h.
#include "tests/interop/verbs_peer/own_verbs.h"

#include <algorithm>
#include <cstring>

namespace verbs_peer {
namespace {

using verbs_test::Transport;

constexpr std::uint32_t first_psn = 0xfffffe;  // wraps within a test
constexpr std::chrono::seconds wait_limit(20);

ibv_mtu mtu_code(std::uint32_t bytes) {
  int code = 1;
  for (std::uint32_t size = 256; size < bytes; size *= 2) ++code;
  return static_cast<ibv_mtu>(code);
}

}  // namespace

OwnQueuePair::OwnQueuePair(Device& device, unsigned gid_index, Transport transport, std::uint32_t size)
    : device_(device),
      gid_index_(gid_index),
      transport_(transport),
      part_bytes_((std::max(size, 8u) + verbs_test::grh_bytes + 4095) / 4096 * 4096),
      memory_(device.domain(), 4 * part_bytes_),
      send_queue_(ibv_create_cq(device.context(), 16, nullptr, nullptr, 0)),
      receive_queue_(ibv_create_cq(device.context(), 16, nullptr, nullptr, 0)) {
  if (send_queue_ == nullptr || receive_queue_ == nullptr) fail_errno("ibv_create_cq");
  ibv_qp_init_attr attributes{};
  attributes.send_cq = send_queue_;
  attributes.recv_cq = receive_queue_;
  attributes.qp_type = transport == Transport::Reliable ? IBV_QPT_RC : IBV_QPT_UD;
  attributes.cap = {.max_send_wr = 8, .max_recv_wr = 8, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = 0};
  queue_pair_ = ibv_create_qp(device.domain(), &attributes);
  if (queue_pair_ == nullptr) fail_errno("ibv_create_qp");
  ibv_qp_attr init{};
  init.qp_state = IBV_QPS_INIT;
  init.port_num = 1;
  init.qkey = verbs_test::datagram_qkey;
  init.qp_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
  modify(init, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
                   (transport == Transport::Reliable ? IBV_QP_ACCESS_FLAGS : IBV_QP_QKEY));
}

OwnQueuePair::~OwnQueuePair() {
  if (address_ != nullptr) ibv_destroy_ah(address_);
  ibv_destroy_qp(queue_pair_);
  ibv_destroy_cq(send_queue_);
  ibv_destroy_cq(receive_queue_);
}

void OwnQueuePair::modify(ibv_qp_attr& attributes, int mask) {
  if (ibv_modify_qp(queue_pair_, &attributes, mask) != 0) fail_errno("ibv_modify_qp");
}

verbs_test::EndPoint OwnQueuePair::self() {
  verbs_test::EndPoint end;
  const ibv_gid gid = device_.gid(gid_index_);
  std::memcpy(end.gid.data(), gid.raw, end.gid.size());
  end.qpn = queue_pair_->qp_num;
  end.psn = first_psn;
  end.rkey = memory_.rkey();
  end.reads = 4;
  end.address = reinterpret_cast<std::uint64_t>(exported().data());
  return end;
}

void OwnQueuePair::connect(const verbs_test::EndPoint& peer, std::uint32_t path_mtu) {
  ibv_ah_attr path{};
  path.is_global = 1;
  path.port_num = 1;
  path.grh.hop_limit = 64;
  path.grh.sgid_index = static_cast<std::uint8_t>(gid_index_);
  std::memcpy(path.grh.dgid.raw, peer.gid.data(), peer.gid.size());
  peer_qpn_ = peer.qpn;
  ibv_qp_attr receive{};
  receive.qp_state = IBV_QPS_RTR;
  ibv_qp_attr send{};
  send.qp_state = IBV_QPS_RTS;
  send.sq_psn = first_psn;
  if (transport_ == Transport::Datagram) {
    modify(receive, IBV_QP_STATE);
    modify(send, IBV_QP_STATE | IBV_QP_SQ_PSN);
    address_ = ibv_create_ah(device_.domain(), &path);
    if (address_ == nullptr) fail_errno("ibv_create_ah");
    return;
  }
  receive.path_mtu = mtu_code(path_mtu);
  receive.dest_qp_num = peer.qpn;
  receive.rq_psn = peer.psn;
  receive.max_dest_rd_atomic = 4;
  receive.min_rnr_timer = 12;
  receive.ah_attr = path;
  modify(receive, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                      IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
  send.timeout = 14;
  send.retry_cnt = 7;
  send.rnr_retry = 7;
  send.max_rd_atomic = 4;
  modify(send,
         IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

void OwnQueuePair::post_receive(std::uint64_t which) {
  ibv_sge list = memory_.sge(part(2 + which));
  ibv_recv_wr request{};
  request.wr_id = which;
  request.sg_list = &list;
  request.num_sge = 1;
  ibv_recv_wr* bad = nullptr;
  if (ibv_post_recv(queue_pair_, &request, &bad) != 0) fail("ibv_post_recv");
}

void OwnQueuePair::address(ibv_send_wr& request) const {
  if (transport_ != Transport::Datagram) return;
  request.wr.ud.ah = address_;
  request.wr.ud.remote_qpn = peer_qpn_;
  request.wr.ud.remote_qkey = verbs_test::datagram_qkey;
}

void OwnQueuePair::perform(ibv_send_wr request, std::span<const std::byte> bytes) {
  ibv_sge list = memory_.sge(bytes);
  request.sg_list = &list;
  request.num_sge = bytes.empty() ? 0 : 1;
  request.send_flags = IBV_SEND_SIGNALED;
  ibv_send_wr* bad = nullptr;
  if (ibv_post_send(queue_pair_, &request, &bad) != 0) fail("ibv_post_send");
  const auto done = next_completion(send_queue_, Clock::now() + wait_limit);
  if (!done) fail("a request does not complete");
  if (done->status != IBV_WC_SUCCESS) fail(std::string("a request failed: ") + ibv_wc_status_str(done->status));
}

ibv_wc OwnQueuePair::receive() {
  const auto message = next_completion(receive_queue_, Clock::now() + wait_limit);
  if (!message) fail("no message comes");
  if (message->status != IBV_WC_SUCCESS) fail(std::string("a receive failed: ") + ibv_wc_status_str(message->status));
  return *message;
}

std::optional<ibv_wc> OwnQueuePair::try_receive(Clock::time_point deadline) {
  const auto message = next_completion(receive_queue_, deadline);
  if (!message || message->status != IBV_WC_SUCCESS) return std::nullopt;
  return message;
}

}  // namespace verbs_peer
