// SPDX-License-Identifier: Apache-2.0
// Regions, queues and queue pairs of the test fabric: see fabric.h.
#include "net/loopback/objects.h"

#include <algorithm>

#include "kernel/base/assert.h"

namespace loopback {

Result<base::Own<verbs::MemoryRegion>> LoopDomain::register_memory(std::uint64_t address, std::uint64_t length,
                                                                   verbs::Access access) {
  const std::uint32_t key = ++fabric_.last_key_;
  fabric_.regions_[key] = {address, length, access, ip_};
  return base::Own<verbs::MemoryRegion>(TRY(base::try_make<LoopRegion>(fabric_, key)));
}

std::size_t LoopCompletions::poll(std::span<verbs::WorkCompletion> completions) {
  std::size_t count = 0;
  while (count < completions.size() && !queue_.empty()) {
    completions[count++] = queue_.front();
    queue_.pop_front();
  }
  return count;
}

void LoopCompletions::request_notify(void (*notify)(void*), void* context) {
  if (!queue_.empty()) {
    notify(context);
    return;
  }
  notify_ = notify;
  context_ = context;
}

void LoopCompletions::add(const verbs::WorkCompletion& completion) {
  LEGO_ASSERT(queue_.size() < entries_);
  queue_.push_back(completion);
  if (auto* notify = std::exchange(notify_, nullptr)) notify(context_);
}

LoopQueuePair::LoopQueuePair(Fabric& fabric, std::uint32_t ip, const verbs::QpInitAttributes& attributes)
    : fabric_(fabric), ip_(ip), number_(++fabric.last_qpn_), attributes_(attributes) {
  fabric_.queue_pairs_[number_] = this;
}

Result<> LoopQueuePair::modify(const verbs::QpAttributes& attributes) {
  if (attributes.state == verbs::QpState::Error) {
    fail(verbs::CompletionStatus::WorkRequestFlushed);
  } else if (attributes.state == verbs::QpState::Reset) {
    sends_.clear();
    receives_.clear();
    delivered_ = 0;
  }
  state_ = attributes.state;
  return {};
}

void LoopQueuePair::connect_to(std::uint32_t peer, verbs::Access access) {
  peer_ = peer;
  access_ = access;
  state_ = verbs::QpState::ReadyToSend;
}

Result<> LoopQueuePair::post_send(const verbs::SendWorkRequest& request) {
  if (state_ != verbs::QpState::ReadyToSend && state_ != verbs::QpState::Error) {
    return base::fail(Error::InvalidArgument);
  }
  if (request.sg_list.size() > attributes_.capabilities.max_send_sge) return base::fail(Error::InvalidArgument);
  if (sends_.size() >= attributes_.capabilities.max_send_wr) return base::fail(Error::Exhausted);
  sends_.push_back({request, {request.sg_list.begin(), request.sg_list.end()}});
  sends_.back().request.sg_list = {};
  if (state_ == verbs::QpState::Error) fail(verbs::CompletionStatus::WorkRequestFlushed);
  return {};
}

Result<> LoopQueuePair::post_receive(const verbs::ReceiveWorkRequest& request) {
  if (receives_.size() >= attributes_.capabilities.max_recv_wr) return base::fail(Error::Exhausted);
  receives_.push_back({request.wr_id, {request.sg_list.begin(), request.sg_list.end()}});
  return {};
}

void LoopQueuePair::fail(verbs::CompletionStatus first) {
  state_ = verbs::QpState::Error;
  verbs::WorkCompletion completion;
  completion.qp_num = number_;
  completion.status = first;
  while (!sends_.empty()) {
    completion.wr_id = sends_.front().request.wr_id;
    sends_.pop_front();
    static_cast<LoopCompletions*>(attributes_.send_cq)->add(completion);
    completion.status = verbs::CompletionStatus::WorkRequestFlushed;
  }
  delivered_ = 0;
  completion.status = verbs::CompletionStatus::WorkRequestFlushed;
  completion.opcode = verbs::CompletionOpcode::Receive;
  while (!receives_.empty()) {
    completion.wr_id = receives_.front().wr_id;
    receives_.pop_front();
    static_cast<LoopCompletions*>(attributes_.recv_cq)->add(completion);
  }
}

bool LoopQueuePair::gather(const Send& send, std::vector<std::byte>& bytes) {
  for (const verbs::Sge& piece : send.pieces) {
    if (fabric_.find(piece.lkey, ip_, piece.address, piece.length) == nullptr) return false;
    const auto* from = reinterpret_cast<const std::byte*>(piece.address);
    bytes.insert(bytes.end(), from, from + piece.length);
  }
  return true;
}

bool LoopQueuePair::deliver() {
  Send& send = sends_[delivered_];
  const auto found = fabric_.queue_pairs_.find(peer_);
  LoopQueuePair* receiver = found == fabric_.queue_pairs_.end() ? nullptr : found->second;
  if (receiver == nullptr || receiver->peer_ != number_ || receiver->state_ == verbs::QpState::Error) {
    fail(verbs::CompletionStatus::RetryExceeded);
    return true;
  }
  const bool takes_receive =
      send.request.opcode != verbs::Opcode::RdmaWrite && send.request.opcode != verbs::Opcode::RdmaRead;
  if (takes_receive && receiver->receives_.empty()) {
    ++fabric_.counters_.receiver_not_ready;
    return false;
  }
  std::vector<std::byte> bytes;
  if (!gather(send, bytes)) {
    ++fabric_.counters_.access_errors;
    fail(verbs::CompletionStatus::LocalProtectionError);
    return true;
  }
  const verbs::CompletionStatus status = take(send, bytes, *receiver);
  if (status != verbs::CompletionStatus::Success) {
    ++fabric_.counters_.access_errors;
    fail(status);
    receiver->fail(verbs::CompletionStatus::WorkRequestFlushed);
    return true;
  }
  ++fabric_.counters_.messages;
  ++delivered_;
  return true;
}

verbs::CompletionStatus LoopQueuePair::take(const Send& send, const std::vector<std::byte>& bytes,
                                            LoopQueuePair& receiver) {
  const verbs::SendWorkRequest& request = send.request;
  const auto length = static_cast<std::uint32_t>(bytes.size());
  if (request.opcode == verbs::Opcode::RdmaRead) {  // of no bytes: a probe
    const bool may = length == 0 && verbs::allows(receiver.access_, verbs::Access::RemoteRead);
    return may ? verbs::CompletionStatus::Success : verbs::CompletionStatus::RemoteInvalidRequest;
  }
  if (request.opcode == verbs::Opcode::RdmaWrite || request.opcode == verbs::Opcode::RdmaWriteWithImmediate) {
    const auto* region = fabric_.find(request.rkey, receiver.ip_, request.remote_address, length);
    if (region == nullptr || !verbs::allows(region->access, verbs::Access::RemoteWrite) ||
        !verbs::allows(receiver.access_, verbs::Access::RemoteWrite)) {
      return verbs::CompletionStatus::RemoteAccessError;
    }
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(request.remote_address));
    if (request.opcode == verbs::Opcode::RdmaWriteWithImmediate) {
      receiver.complete_receive(send, length, verbs::CompletionOpcode::ReceiveRdmaWithImmediate);
    }
    return verbs::CompletionStatus::Success;
  }
  std::size_t done = 0;
  for (const verbs::Sge& piece : receiver.receives_.front().pieces) {
    const std::size_t part = std::min<std::size_t>(piece.length, bytes.size() - done);
    if (fabric_.find(piece.lkey, receiver.ip_, piece.address, part) == nullptr) {
      return verbs::CompletionStatus::RemoteOperationError;
    }
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(done), part, reinterpret_cast<std::byte*>(piece.address));
    done += part;
  }
  if (done < bytes.size()) return verbs::CompletionStatus::RemoteInvalidRequest;
  receiver.complete_receive(send, length, verbs::CompletionOpcode::Receive);
  return verbs::CompletionStatus::Success;
}

void LoopQueuePair::complete_receive(const Send& send, std::uint32_t bytes, verbs::CompletionOpcode opcode) {
  verbs::WorkCompletion completion;
  completion.wr_id = receives_.front().wr_id;
  receives_.pop_front();
  completion.opcode = opcode;
  completion.byte_len = bytes;
  completion.qp_num = number_;
  completion.has_immediate = opcode == verbs::CompletionOpcode::ReceiveRdmaWithImmediate ||
                             send.request.opcode == verbs::Opcode::SendWithImmediate;
  completion.immediate = send.request.immediate;
  static_cast<LoopCompletions*>(attributes_.recv_cq)->add(completion);
}

void LoopQueuePair::acknowledge() {
  const Send send = std::move(sends_.front());
  sends_.pop_front();
  --delivered_;
  if (!send.request.signaled) return;
  verbs::WorkCompletion completion;
  completion.wr_id = send.request.wr_id;
  completion.qp_num = number_;
  static_cast<LoopCompletions*>(attributes_.send_cq)->add(completion);
}

}  // namespace loopback
