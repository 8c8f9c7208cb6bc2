// SPDX-License-Identifier: Apache-2.0
// One connection: see link.h.
#include "net/rpc/link.h"

#include <algorithm>
#include <cstring>

#include "net/rpc/endpoint_core.h"

namespace rpc {

namespace {
constexpr std::size_t completions_at_a_time = 16;
}

Result<> Link::open(std::uint32_t sends, std::uint32_t receives, std::uint32_t send_segments) {
  LEGO_ASSERT(!is_open());
  const EndpointConfiguration& configuration = core_.configuration();
  completions_ = TRY(configuration.device.create_completion_queue(sends + receives));
  verbs::QpInitAttributes attributes;
  attributes.send_cq = attributes.recv_cq = completions_.get();
  attributes.capabilities = {.max_send_wr = sends,
                             .max_recv_wr = receives,
                             .max_send_sge = send_segments,
                             .max_recv_sge = 1,
                             .max_inline_data = 0};
  auto queue_pair = configuration.device.create_queue_pair(configuration.domain, attributes);
  if (!queue_pair) {
    completions_.reset();
    return base::fail(queue_pair.error());
  }
  queue_pair_ = std::move(*queue_pair);
  generation_ = core_.next_generation();
  completions_->request_notify(&completions_ready, this);
  return {};
}

void Link::close() {
  connection_.reset();
  queue_pair_.reset();
  completions_.reset();
  unlink();
  event_ = Event::None;
  failed_ = false;
  generation_ = 0;
}

Result<> Link::post_receive(std::uint16_t index, const Buffer& buffer) {
  const verbs::Sge sge{reinterpret_cast<std::uint64_t>(buffer.address), buffer.bytes, buffer.lkey};
  auto posted = queue_pair_->post_receive({work_id(WorkKind::Receive, index), std::span(&sge, 1)});
  if (!posted) note_failure();
  return posted;
}

Result<> Link::post_send(const verbs::SendWorkRequest& request) {
  auto posted = queue_pair_->post_send(request);
  if (!posted) note_failure();
  return posted;
}

void Link::note_failure() {
  if (failed_) return;
  failed_ = true;
  core_.maintenance_wanted();
}

void Link::drain() {
  std::array<verbs::WorkCompletion, completions_at_a_time> batch;
  const std::uint64_t generation = generation_;
  const std::size_t count = completions_->poll(batch);
  for (const verbs::WorkCompletion& completion : std::span(batch).first(count)) {
    handle(completion);
    LEGO_ASSERT(generation == generation_);  // owners close links in maintenance only
  }
  if (count == batch.size()) {
    core_.link_ready(*this);
  } else {
    completions_->request_notify(&completions_ready, this);
  }
}

void Link::handle(const verbs::WorkCompletion& completion) {
  if (completion.status != verbs::CompletionStatus::Success) {
    note_failure();
    return;
  }
  const WorkKind kind = work_kind(completion.wr_id);
  const std::uint16_t index = work_index(completion.wr_id);
  if (kind == WorkKind::Receive) {
    owner_.received_locked(index, completion);
  } else {
    owner_.sent_locked(kind, index);
  }
}

void Link::completions_ready(void* link) {
  auto* self = static_cast<Link*>(link);
  self->core_.link_ready(*self);
}

void Link::established(verbs::Connection&, std::span<const std::byte> private_data) {
  note(Event::Established, private_data);
}

void Link::rejected(verbs::Connection&, verbs::RejectReason reason, std::span<const std::byte> private_data) {
  reject_reason_ = reason;
  note(Event::Rejected, private_data);
}

void Link::disconnected(verbs::Connection&) { note_failure(); }

void Link::note(Event event, std::span<const std::byte> private_data) {
  event_ = event;
  private_data_bytes_ = std::min(private_data.size(), private_data_.size());
  std::copy_n(private_data.begin(), private_data_bytes_, private_data_.begin());
  core_.maintenance_wanted();
}

}  // namespace rpc
