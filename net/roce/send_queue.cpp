// SPDX-License-Identifier: Apache-2.0
#include "net/roce/send_queue.h"

#include <cstring>

namespace roce {
namespace {

// Its total length, if that and the number of pieces are within bounds.
Result<std::uint32_t> total_length(std::span<const verbs::Sge> list) {
  std::uint64_t total = 0;
  for (const verbs::Sge& entry : list) total += entry.length;
  if (total > limits::message_bytes) return base::fail(Error::InvalidArgument);
  return static_cast<std::uint32_t>(total);
}

}  // namespace

Result<> SendQueue::initialize(const verbs::QpCapabilities& capabilities) {
  if (capabilities.max_send_wr > limits::work_requests || capabilities.max_send_sge > limits::sge ||
      capabilities.max_inline_data > limits::inline_bytes) {
    return base::fail(Error::InvalidArgument);
  }
  max_sge_ = capabilities.max_send_sge;
  max_inline_ = capabilities.max_inline_data;
  TRY(ring_.resize(capabilities.max_send_wr));
  TRY(sges_.resize(static_cast<std::size_t>(max_sge_) * capabilities.max_send_wr));
  return inline_data_.resize(static_cast<std::size_t>(max_inline_) * capabilities.max_send_wr);
}

Result<> SendQueue::post(const verbs::SendWorkRequest& request) {
  if (request.sg_list.size() > max_sge_) return base::fail(Error::InvalidArgument);
  SendWqe wqe;
  wqe.opcode = request.opcode;
  wqe.length = TRY(total_length(request.sg_list));
  if (request.inline_data && (wqe.wants_response() || wqe.length > max_inline_)) {
    return base::fail(Error::InvalidArgument);
  }
  if (wqe.is_atomic() && wqe.length != 8) return base::fail(Error::InvalidArgument);
  if (tail_ - retired_ == ring_.size()) return base::fail(Error::Exhausted);
  wqe.wr_id = request.wr_id;
  wqe.signaled = request.signaled;
  wqe.solicited = request.solicited;
  wqe.inlined = request.inline_data;
  wqe.sges = static_cast<std::uint32_t>(request.sg_list.size());
  wqe.immediate = request.immediate;
  wqe.remote_address = request.remote_address;
  wqe.rkey = request.rkey;
  wqe.compare_or_add = request.compare_or_add;
  wqe.swap = request.swap;
  wqe.destination = request.destination;
  wqe.destination_qpn = request.destination_qpn;
  wqe.qkey = request.qkey;

  const std::size_t place = tail_ % ring_.size();
  if (wqe.inlined) {
    std::byte* to = inline_data_.data() + place * max_inline_;
    for (const verbs::Sge& entry : request.sg_list) {
      if (entry.length > 0) std::memcpy(to, pointer(entry.address), entry.length);
      to += entry.length;
    }
  } else {
    for (std::uint32_t i = 0; i < wqe.sges; ++i) sges_[place * max_sge_ + i] = request.sg_list[i];
  }
  ring_[place] = wqe;
  ++tail_;
  return {};
}

void SendQueue::finish_oldest(verbs::CompletionStatus status) {
  LEGO_ASSERT(done_ != tail_);
  (*this)[done_++].status = status;
}

SendWqe* SendQueue::next_to_retire() {
  if (retired_ == done_ || (*this)[retired_].held > 0) return nullptr;
  return &(*this)[retired_];
}

void SendQueue::forget_all() { retired_ = done_ = tail_; }

std::span<const verbs::Sge> SendQueue::list(Position position) const {
  const std::size_t place = position % ring_.size();
  return sges_.span().subspan(place * max_sge_, ring_[place].sges);
}

MemoryFault SendQueue::data(Position position, const MemoryTable& memory, const void* domain, std::uint32_t offset,
                            std::uint32_t length, Pieces& pieces) {
  const std::size_t place = position % ring_.size();
  if (!ring_[place].inlined) return gather(memory, domain, list(position), offset, length, pieces);
  pieces.count = length > 0 ? 1 : 0;
  pieces.segments[0] = Segment(inline_data_.data() + place * max_inline_ + offset, length);
  return MemoryFault::None;
}

}  // namespace roce
