// SPDX-License-Identifier: Apache-2.0
#include "net/roce/receive_queue.h"

namespace roce {

Result<> ReceiveQueue::initialize(const verbs::QpCapabilities& capabilities) {
  if (capabilities.max_recv_wr > limits::work_requests || capabilities.max_recv_sge > limits::sge) {
    return base::fail(Error::InvalidArgument);
  }
  max_sge_ = capabilities.max_recv_sge;
  TRY(ring_.resize(capabilities.max_recv_wr));
  return sges_.resize(static_cast<std::size_t>(max_sge_) * capabilities.max_recv_wr);
}

Result<> ReceiveQueue::post(const verbs::ReceiveWorkRequest& request) {
  if (request.sg_list.size() > max_sge_) return base::fail(Error::InvalidArgument);
  if (tail_ - head_ == ring_.size()) return base::fail(Error::Exhausted);
  const std::size_t place = tail_ % ring_.size();
  ReceiveWqe wqe{request.wr_id, static_cast<std::uint32_t>(request.sg_list.size()), 0};
  for (std::uint32_t i = 0; i < wqe.sges; ++i) {
    sges_[place * max_sge_ + i] = request.sg_list[i];
    wqe.capacity += request.sg_list[i].length;
  }
  ring_[place] = wqe;
  ++tail_;
  return {};
}

std::span<const verbs::Sge> ReceiveQueue::front_list() const {
  return sges_.span().subspan(head_ % ring_.size() * max_sge_, front().sges);
}

}  // namespace roce
