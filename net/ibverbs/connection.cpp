// SPDX-License-Identifier: Apache-2.0
// librdmacm knows nothing of our queue pair but its number: so it tells the active side of the reply by
// CONNECT_RESPONSE, and leaves the queue pair's states to us.
#include "net/ibverbs/connection.h"

#include <algorithm>
#include <cerrno>

#include "kernel/base/log.h"

namespace ibverbs {

using verbs::RejectReason;

namespace {

constexpr int resolve_timeout_ms = 2000;

bool is_valid(const verbs::ConnectionParameters& parameters, std::size_t most, std::uint32_t active_mtu) {
  return parameters.private_data.size() <= most && parameters.retry_count <= 7 && parameters.rnr_retry_count <= 7 &&
         parameters.timeout <= 31 && (parameters.path_mtu == 0 || parameters.path_mtu == active_mtu);
}

}  // namespace

IbConnection::IbConnection(Context& context, IbQueuePair& queue_pair, verbs::Access access,
                           verbs::ConnectionEvents& events, const verbs::ConnectionParameters& parameters,
                           const verbs::Gid& peer)
    : context_(context),
      queue_pair_(&queue_pair),
      access_(access),
      events_(events),
      peer_(peer),
      wanted_(parameters),
      private_data_(parameters.private_data.begin(), parameters.private_data.end()) {
  wanted_.private_data = private_data_;
  wanted_.responder_resources = std::min(wanted_.responder_resources, context.max_responder_resources);
  wanted_.initiator_depth = std::min(wanted_.initiator_depth, context.max_initiator_depth);
  queue_pair.set_connection(this);
}

IbConnection::~IbConnection() {
  if (stage_ != Stage::Ended && queue_pair_ != nullptr) queue_pair_->enter_error();
  if (stage_ == Stage::Established) rdma_disconnect(id_.get());
  if (queue_pair_ != nullptr) queue_pair_->set_connection(nullptr);
}

rdma_conn_param IbConnection::parameters(std::uint8_t responder_resources, std::uint8_t initiator_depth) const {
  rdma_conn_param parameters{};
  parameters.private_data = private_data_.data();
  parameters.private_data_len = static_cast<std::uint8_t>(private_data_.size());
  parameters.responder_resources = responder_resources;
  parameters.initiator_depth = initiator_depth;
  parameters.flow_control = 1;
  parameters.retry_count = wanted_.retry_count;
  parameters.rnr_retry_count = wanted_.rnr_retry_count;
  parameters.qp_num = queue_pair_->qp_num();
  return parameters;
}

// ---- The active side

Result<> IbConnection::connect(rdma_event_channel* channel, std::uint16_t port) {
  if (!is_valid(wanted_, verbs::max_connect_private_data, context_.active_mtu) ||
      queue_pair_->state() != verbs::QpState::Reset) {
    return base::fail(Error::InvalidArgument);
  }
  rdma_cm_id* id = nullptr;
  if (rdma_create_id(channel, &id, this, RDMA_PS_TCP) != 0) return base::fail(error_of(errno));
  id_ = Identifier(id);
  // Kernels that do not know the option use a timer of their own, which is longer.
  rdma_set_option(id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &wanted_.timeout, sizeof wanted_.timeout);
  SocketAddress ours(context_.address, 0, context_.interface_index);
  SocketAddress theirs(peer_, port, context_.interface_index);
  if (rdma_resolve_addr(id, ours.get(), theirs.get(), resolve_timeout_ms) != 0) return base::fail(error_of(errno));
  return {};
}

Result<> IbConnection::send_request() {
  if (queue_pair_ == nullptr) return base::fail(Error::Stale);
  rdma_conn_param request = parameters(wanted_.responder_resources, wanted_.initiator_depth);
  if (rdma_connect(id_.get(), &request) != 0) return base::fail(error_of(errno));
  return {};
}

Result<> IbConnection::finish_request(const Event& response) {
  if (queue_pair_ == nullptr) return base::fail(Error::Stale);
  TRY(queue_pair_->follow(*id_.get(), {.access = access_, .timeout = wanted_.timeout}));
  if (rdma_establish(id_.get()) != 0) return base::fail(error_of(errno));
  stage_ = Stage::Established;
  events_.established(*this, response.private_data);
  return {};
}

// ---- The passive side

Result<> IbConnection::accept(Identifier& id, const Event& request) {
  if (!is_valid(wanted_, verbs::max_accept_private_data, context_.active_mtu) ||
      queue_pair_->state() != verbs::QpState::Reset) {
    return base::fail(Error::InvalidArgument);
  }
  const auto responder_resources = std::min(wanted_.responder_resources, request.responder_resources);
  const auto initiator_depth = std::min(wanted_.initiator_depth, request.initiator_depth);
  TRY(queue_pair_->follow(
      *id.get(), {.access = access_, .max_destination_reads = responder_resources, .max_reads = initiator_depth}));
  rdma_conn_param reply = parameters(responder_resources, initiator_depth);
  if (rdma_accept(id.get(), &reply) != 0) return base::fail(error_of(errno));
  stage_ = Stage::Accepting;
  id->context = this;
  id_ = std::move(id);
  return {};
}

// ---- Both

void IbConnection::disconnect() {
  if (stage_ == Stage::Disconnecting || stage_ == Stage::Ended) return;
  if (queue_pair_ != nullptr) queue_pair_->enter_error();
  if (stage_ == Stage::Established && rdma_disconnect(id_.get()) == 0) {
    stage_ = Stage::Disconnecting;  // the answer, or none in time, comes as an event
    return;
  }
  stage_ = Stage::Ended;
  id_.reset();  // refuses what is under way
  events_.disconnected(*this);
}

void IbConnection::refused(RejectReason reason, std::span<const std::byte> private_data) {
  if (stage_ == Stage::Ended) return;
  if (queue_pair_ != nullptr) queue_pair_->enter_error();
  stage_ = Stage::Ended;
  events_.rejected(*this, reason, private_data);
}

void IbConnection::gone() {
  if (stage_ == Stage::Ended) return;
  if (queue_pair_ != nullptr) queue_pair_->enter_error();
  if (stage_ != Stage::Disconnecting) rdma_disconnect(id_.get());  // which answers the peer
  stage_ = Stage::Ended;
  events_.disconnected(*this);
}

void IbConnection::handle(const Event& event) {
  Result<> done;
  switch (event.type) {
    case RDMA_CM_EVENT_ADDR_RESOLVED:
      if (rdma_resolve_route(id_.get(), resolve_timeout_ms) != 0) done = base::fail(error_of(errno));
      break;
    case RDMA_CM_EVENT_ROUTE_RESOLVED:
      done = send_request();
      break;
    case RDMA_CM_EVENT_CONNECT_RESPONSE:
      done = finish_request(event);
      break;
    case RDMA_CM_EVENT_ESTABLISHED:
      if (stage_ == Stage::Accepting) {
        stage_ = Stage::Established;
        events_.established(*this, event.private_data);
      }
      break;
    case RDMA_CM_EVENT_REJECTED:
      refused(static_cast<RejectReason>(event.status), event.private_data);
      break;
    case RDMA_CM_EVENT_ADDR_ERROR:
    case RDMA_CM_EVENT_ROUTE_ERROR:
    case RDMA_CM_EVENT_CONNECT_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
      refused(RejectReason::Timeout, {});
      break;
    case RDMA_CM_EVENT_DISCONNECTED:
    case RDMA_CM_EVENT_DEVICE_REMOVAL:
      gone();
      break;
    default:  // TIMEWAIT_EXIT, ADDR_CHANGE: the queue pair notices if it matters
      break;
  }
  if (!done) {
    base::log_warning("verbs", "a connection cannot be made: {}", done.error());
    refused(RejectReason::Timeout, {});
  }
}

// ---- Requests

IbConnectionRequest::IbConnectionRequest(Context& context, Identifier id, Event event)
    : context_(context), id_(std::move(id)), event_(std::move(event)) {
  id_->context = nullptr;
}

IbConnectionRequest::~IbConnectionRequest() { reject(RejectReason::Consumer, {}); }

Result<base::Own<verbs::Connection>> IbConnectionRequest::accept(verbs::QueuePair& queue_pair, verbs::Access access,
                                                                 verbs::ConnectionEvents& events,
                                                                 const verbs::ConnectionParameters& parameters) {
  if (!id_) return base::fail(Error::InvalidArgument);
  auto connection = TRY(base::try_make<IbConnection>(context_, static_cast<IbQueuePair&>(queue_pair), access, events,
                                                     parameters, peer()));
  TRY(connection->accept(id_, event_));
  return connection;
}

// librdmacm knows one reason only: the consumer's.
void IbConnectionRequest::reject(RejectReason, std::span<const std::byte> private_data) {
  if (!id_) return;
  const auto bytes = static_cast<std::uint8_t>(std::min(private_data.size(), verbs::max_reject_private_data));
  rdma_reject(id_.get(), private_data.data(), bytes);
  id_.reset();
}

}  // namespace ibverbs
