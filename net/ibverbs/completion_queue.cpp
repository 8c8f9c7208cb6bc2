// SPDX-License-Identifier: Apache-2.0
#include "net/ibverbs/completion_queue.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "net/ibverbs/queue_pair.h"

namespace ibverbs {
namespace {

verbs::CompletionOpcode opcode_of(ibv_wc_opcode opcode) {
  switch (opcode) {
    case IBV_WC_RDMA_WRITE:
      return verbs::CompletionOpcode::RdmaWrite;
    case IBV_WC_RDMA_READ:
      return verbs::CompletionOpcode::RdmaRead;
    case IBV_WC_COMP_SWAP:
      return verbs::CompletionOpcode::CompareAndSwap;
    case IBV_WC_FETCH_ADD:
      return verbs::CompletionOpcode::FetchAndAdd;
    case IBV_WC_RECV:
      return verbs::CompletionOpcode::Receive;
    case IBV_WC_RECV_RDMA_WITH_IMM:
      return verbs::CompletionOpcode::ReceiveRdmaWithImmediate;
    default:
      return verbs::CompletionOpcode::Send;
  }
}

// Of a failed completion only its number, its status and its queue pair mean anything.
verbs::WorkCompletion translated(const ibv_wc& from) {
  verbs::WorkCompletion completion;
  completion.wr_id = from.wr_id;
  completion.status = static_cast<verbs::CompletionStatus>(from.status);
  completion.qp_num = from.qp_num;
  if (from.status != IBV_WC_SUCCESS) return completion;
  completion.opcode = opcode_of(from.opcode);
  completion.byte_len = from.byte_len;
  completion.has_immediate = (from.wc_flags & IBV_WC_WITH_IMM) != 0;
  if (completion.has_immediate) completion.immediate = ntohl(from.imm_data);
  return completion;
}

}  // namespace

IbCompletionQueue::~IbCompletionQueue() {
  if (queue_ != nullptr) ibv_destroy_cq(queue_);
}

Result<> IbCompletionQueue::initialize(std::uint32_t entries) {
  queue_ = ibv_create_cq(context_.device, static_cast<int>(entries), this, context_.completions, 0);
  if (queue_ == nullptr) return base::fail(error_of(errno));
  return {};
}

std::size_t IbCompletionQueue::poll(std::span<verbs::WorkCompletion> completions) {
  std::size_t count = 0;
  if (seen_ && !completions.empty()) {
    completions[count++] = *seen_;
    seen_.reset();
  }
  std::array<ibv_wc, 16> batch;
  while (count < completions.size()) {
    const int got =
        ibv_poll_cq(queue_, static_cast<int>(std::min(batch.size(), completions.size() - count)), batch.data());
    if (got <= 0) break;
    for (const ibv_wc& completion : std::span(batch).first(static_cast<std::size_t>(got))) {
      const auto owner = context_.queue_pairs.find(completion.qp_num);
      if (owner == context_.queue_pairs.end()) continue;  // it has gone
      if (completion.status != IBV_WC_SUCCESS) owner->second->note_error();
      completions[count++] = translated(completion);
    }
  }
  return count;
}

bool IbCompletionQueue::look() {
  verbs::WorkCompletion first;
  if (!seen_ && poll(std::span(&first, 1)) == 1) seen_ = first;
  return seen_.has_value();
}

void IbCompletionQueue::request_notify(void (*notify)(void* context), void* context) {
  notify_ = notify;
  notify_context_ = context;
  if (!seen_) ibv_req_notify_cq(queue_, 0);
  if (look()) tell();
}

void IbCompletionQueue::completion_event() { tell(); }

void IbCompletionQueue::tell() {
  if (auto notify = std::exchange(notify_, nullptr)) notify(notify_context_);
}

void IbCompletionQueue::purge(std::uint32_t qp_num) {
  if (seen_ && seen_->qp_num == qp_num) seen_.reset();
}

}  // namespace ibverbs
